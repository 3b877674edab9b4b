"""A network in memory: the real client and HTTP parser, and in place of sockets a function that is given each request.

It has no threads and no waits, so that a hundred thousand responses take minutes.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from pulumi_atlassian_forge.api.connection_pool import Connection, DeadlineBackend
from tests.support.raw_server import Seen

Serve = Callable[["MemoryStream", Seen], bool]
"""Writes the response to one request with ``sendall``; True keeps the connection open for the next."""

_HEAD = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.1\r\n(.*?)\r\n\r\n", re.DOTALL)
_LENGTH = re.compile(rb"content-length: ([0-9]+)", re.IGNORECASE)
_CONTEXT = ssl.create_default_context()


class MemoryStream(httpcore.NetworkStream):
    """One connection, seen from both of its ends."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._received = bytearray()
        self.sent = bytearray()
        self._is_open = True

    # The end of the client.

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._received += buffer
        head = _HEAD.match(self._received)
        length = _LENGTH.search(head[3]) if head else None
        end = (head.end() if head else 0) + (int(length[1]) if length else 0)
        if head is None or len(self._received) < end:
            return
        lines = (line.partition(b": ")[::2] for line in head[3].split(b"\r\n"))
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in lines}
        seen = Seen(head[1].decode(), head[2].decode(), headers, bytes(self._received[head.end() : end]))
        del self._received[:end]
        self._is_open = self._serve(self, seen)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not self.sent and self._is_open:
            raise httpcore.ReadTimeout
        data = bytes(self.sent[:max_bytes])
        del self.sent[:max_bytes]
        return data

    def close(self) -> None:
        self._is_open = False

    def get_extra_info(self, info: str) -> Any:
        return bool(self.sent) or not self._is_open if info == "is_readable" else None

    # The end of the server, as far as it is a socket.

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, _size: int) -> bytes:
        return b""

    def settimeout(self, seconds: float) -> None: ...

    def setsockopt(self, *option: Any) -> None: ...


class MemoryNetwork(httpcore.NetworkBackend):
    def __init__(self, serve: Serve) -> None:
        self._serve = serve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return MemoryStream(self._serve)


def connection_to(serve: Serve) -> Connection:
    """A connection of the client's own kind."""
    return Connection(_CONTEXT, backend=DeadlineBackend(MemoryNetwork(serve), resolve=lambda host, _: [host]))
