"""The API that all rows speak to, in a process of its own, so that it shares no interpreter with what is measured.

``python -m bench.server`` prints its URL and serves until its standard input closes, which it does when its parent dies.

What it answers is ``testing/independent_server.py``; what stands here is the way there: asyncio, keep-alive, and a latency
that holds for many requests at once. A row's token leads to an installation of its own, with counters of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from testing.independent_server import Call, Server

_CONTROL: Final = "/bench/"  # below it: a row's token
_REASONS: Final = {200: "OK", 201: "Created", 204: "No Content"}


# -- the process ----------------------------------------------------------------------------------------------------------


class _Installations(dict[str, Server]):
    """By token; that of the control requests is the path's last part."""

    def control(self, call: Call) -> tuple[int, bytes]:
        token = call.path.removeprefix(_CONTROL)
        if call.method == "PUT":
            self[token] = Server(token=token, **json.loads(call.body))
            return 200, b"{}"
        found = self[token]
        counted = {
            "methods": found.counts(),
            "most_in_flight": found.most_in_flight,
            "modules": sum(len(store) for store in found.stores.values()),
        }
        found.calls.clear()
        found.most_in_flight = 0
        return 200, json.dumps(counted).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                call = await _call(reader)
                status, body = await self._answer(call)
                head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}\r\n"
                if status != httpx.codes.NO_CONTENT:
                    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
                writer.write(head.encode() + b"\r\n" + body)
                await writer.drain()
        writer.close()

    async def _answer(self, call: Call) -> tuple[int, bytes]:
        if call.path.startswith(_CONTROL):
            return self.control(call)
        found = self.get(call.headers.get("authorization", "").removeprefix("Bearer "))
        if found is None:
            return 401, b"{}"
        found.in_flight += 1
        found.most_in_flight = max(found.most_in_flight, found.in_flight)
        try:
            if found.latency:
                await asyncio.sleep(found.latency)
            status, body, _ = found.response(call)
        finally:
            found.in_flight -= 1
        return status, body


async def _call(reader: asyncio.StreamReader) -> Call:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    return Call(method, parts.path, parts.query, body, headers)


async def _main() -> None:
    server = await asyncio.start_server(_Installations().serve, "127.0.0.1", 0, backlog=128)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


# -- its user -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """What an installation has seen since it was last asked.

    Attributes:
        methods: Requests of each method.
        most_in_flight: Requests under way at once.
        modules: Modules that are registered now.
    """

    methods: dict[str, int]
    most_in_flight: int
    modules: int

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(self.methods.values())


@dataclass(frozen=True)
class Site:
    """One installation on the server: the whole of what a row may know."""

    base_url: str
    token: str

    def begin(self, latency: float, *, envelope: bool) -> None:
        """Make it anew.

        Args:
            latency: Seconds before each answer.
            envelope: Whether the list comes in pages, as documented of v2, or as one array, as documented of v1.
        """
        shape = "envelope" if envelope else "array"
        self._control("PUT", {"latency": latency, "list_shape": shape})

    def counted(self) -> Counted:
        """Read the counters, and set them to 0."""
        return Counted(**self._control("GET"))

    def _control(self, method: str, body: dict[str, Any] | None = None) -> Any:
        answer = httpx.request(method, f"{self.base_url}{_CONTROL}{self.token}", json=body, trust_env=False)
        return answer.raise_for_status().json()


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start the server; its URL."""
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "bench.server"]
    with subprocess.Popen(
        command,
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is not for it: it ends with its input
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_main())
