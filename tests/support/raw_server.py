"""Server on a raw socket, for responses that no HTTP library sends.

It knows nothing of the API: it reads requests and follows a script, one behaviour for each request, the last one for all that
follow::

    with serving(closing(), responding(200, b"{}")) as server:
        ...
        assert [seen.target for seen in server.seen] == [...]
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Seen:
    """One request, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[["RawServer", socket.socket, Seen], bool]
"""Answers one request; True keeps the connection open for the next."""


@dataclass
class RawServer:
    script: list[Behaviour]
    context: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://{'localhost' if self.context else self.host}:{self.port}"

    def next_behaviour(self, seen: Seen) -> Behaviour:
        with self.lock:
            self.seen.append(seen)
            return self.script[min(len(self.seen), len(self.script)) - 1]

    def send(self, connection: socket.socket, data: bytes) -> None:
        connection.sendall(data)
        with self.lock:
            self.sent += len(data)


def responding(
    status: int = 200, body: bytes | Any = b"", headers: Mapping[str, str] | None = None, *, keep: bool = True
) -> Behaviour:
    """A whole response. A body that is not bytes is sent as JSON."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()

    def behave(server: RawServer, connection: socket.socket, seen: Seen) -> bool:
        server.send(connection, head(status, {"content-length": str(len(payload)), **(headers or {})}) + payload)
        return keep

    return behave


def raw(data: bytes) -> Behaviour:
    """Exactly these bytes, then the end."""

    def behave(server: RawServer, connection: socket.socket, seen: Seen) -> bool:
        server.send(connection, data)
        return False

    return behave


def closing() -> Behaviour:
    """The request is read, and the connection closed without a response."""
    return lambda server, connection, seen: False


def resetting() -> Behaviour:
    """The same, by a reset."""

    def behave(server: RawServer, connection: socket.socket, seen: Seen) -> bool:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        return False

    return behave


def cutting(status: int = 200, body: bytes = b'{"key":') -> Behaviour:
    """A body that promises more than comes."""
    return raw(head(status, {"content-length": str(len(body) + 100)}) + body)


def silent() -> Behaviour:
    """No response, ever."""

    def behave(server: RawServer, connection: socket.socket, seen: Seen) -> bool:
        server.stopped.wait()
        return False

    return behave


def dripping(data: bytes, pause: float = 0.02) -> Behaviour:
    """One byte at a time, over and over, never the end."""

    def behave(server: RawServer, connection: socket.socket, seen: Seen) -> bool:
        position = 0
        while not server.stopped.wait(pause):
            server.send(connection, data[position % len(data) :][:1])
            position += 1
        return False

    return behave


def dripping_body() -> Behaviour:
    """The headers at once, then a body that never ends, one byte at a time."""
    drip = dripping(b" ")

    def behave(server: RawServer, connection: socket.socket, seen: Seen) -> bool:
        server.send(connection, head(200, {"content-length": "1000000"}))
        return drip(server, connection, seen)

    return behave


def pouring(size: int, headers: Mapping[str, str] | None = None, block: bytes = b" " * 65_536, status: int = 200) -> Behaviour:
    """A body of so many bytes, without a length in advance."""

    def behave(server: RawServer, connection: socket.socket, seen: Seen) -> bool:
        server.send(connection, head(status, headers or {}))
        for _ in range(-(-size // len(block))):
            server.send(connection, block)
        return False

    return behave


def bomb(size: int = 100 * MEGABYTE, layers: int = 1, encoding: str = "gzip") -> Behaviour:
    """Few bytes that become many."""
    payload = b" " * size
    for _ in range(layers):
        payload = gzip.compress(payload, 1)
    return responding(200, payload, {"content-encoding": encoding})


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Anything", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def serving(*script: Behaviour, context: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Run a server; when the block ends every connection ends with it."""
    server = RawServer(list(script), context)
    threads: list[threading.Thread] = []
    open_: list[socket.socket] = []
    with socket.create_server((server.host, 0), backlog=64) as listener:
        server.port = listener.getsockname()[1]

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                server.connections += 1
                open_.append(connection)
                thread = threading.Thread(target=_serve, args=(server, connection), daemon=True)
                threads.append(thread)
                thread.start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield server
        finally:
            server.stopped.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            acceptor.join(5)
            for connection in open_:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)


def refused_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _serve(server: RawServer, connection: socket.socket) -> None:
    with suppress(OSError), connection:
        secured = server.context.wrap_socket(connection, server_side=True) if server.context else connection
        with secured, secured.makefile("rb") as reader:
            while (seen := _read(reader)) is not None:
                if not server.next_behaviour(seen)(server, secured, seen):
                    return


def _read(reader: Any) -> Seen | None:
    if reader.peek(1)[:1] == b"\x16":  # a TLS handshake: there may never be an end of line in it
        return None
    line = reader.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers: dict[str, str] = {}
    while name_and_value := reader.readline().decode("latin-1").strip():
        name, _, value = name_and_value.partition(":")
        headers[name.lower()] = value.strip()
    return Seen(line[0], line[1], headers, reader.read(int(headers.get("content-length", 0))))
