"""The API for all systems, as a test server in a separate process, so that it shares no interpreter with the measured program.

``python -m bench.server`` prints its URL and serves until its standard input closes, which also happens if its parent ends.

The responses are those of ``testing/independent_server.py``. This file adds asyncio, keep-alive, and a latency for many
concurrent requests. Each token has an installation of its own, with its own counts.
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

_CONTROL: Final = "/bench/"  # followed by a token
_REASONS: Final = {200: "OK", 201: "Created", 204: "No Content"}


# -- the process ----------------------------------------------------------------------------------------------------------


class _Installations(dict[str, Server]):
    """Servers by token. For control requests the token is the last part of the path."""

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
                status, body = await self._respond(call)
                head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}\r\n"
                if status != httpx.codes.NO_CONTENT:
                    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
                writer.write(head.encode() + b"\r\n" + body)
                await writer.drain()
        writer.close()

    async def _respond(self, call: Call) -> tuple[int, bytes]:
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


# -- the client -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RequestCounts:
    """Counts of an installation since the last call of ``read_counts``.

    Attributes:
        methods: Requests by method.
        most_in_flight: Maximum of concurrent requests.
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
class Installation:
    """Address and token of one installation on the test server."""

    base_url: str
    token: str

    def reset(self, latency: float, *, envelope: bool) -> None:
        """Delete all modules and counts of the installation.

        Args:
            latency: Seconds before each response.
            envelope: Whether the list comes in pages, as documented of v2, or as one array, as documented of v1.
        """
        shape = "envelope" if envelope else "array"
        self._control("PUT", {"latency": latency, "list_shape": shape})

    def read_counts(self) -> RequestCounts:
        """Read the counts and reset them to 0."""
        return RequestCounts(**self._control("GET"))

    def _control(self, method: str, body: dict[str, Any] | None = None) -> Any:
        response = httpx.request(method, f"{self.base_url}{_CONTROL}{self.token}", json=body, trust_env=False)
        return response.raise_for_status().json()


@contextlib.contextmanager
def run_server() -> Iterator[str]:
    """Run the server until the end of the block; yields its URL."""
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "bench.server"]
    with subprocess.Popen(
        command,
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that Ctrl-C does not reach it; it ends with its input
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_main())
