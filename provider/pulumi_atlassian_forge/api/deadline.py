"""Time limits: the figures, and a wall clock for one request that nothing on the other side can stretch.

A read time-out bounds the wait for the next byte, not for the response: a server that sends one byte every few seconds, in its
headers or its body, would keep a request going for ever. So every wait of a connection gets what is left of the request's time,
and no more. That needs a hand on the connection's stream: :class:`Backend` wraps the network backend below httpx (the form is
``httpcore.NetworkBackend``). Only the resolver's own time-out bounds the look-up of a name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

_SLICE: Final = 65_536  # bytes that are written before the clock is looked at again


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds.

    Attributes:
        connect: For a connection, TLS included, and for one of our own connections to become free.
        read: For the whole response; with ``connect`` the wall clock of one request.
        total: For one operation, with all its requests and pauses.
    """

    connect: float = 10.0
    read: float = 30.0
    total: float = 120.0


class DeadlineExceeded(Exception):
    """The time of a request is over: a signal between two rooms of this house, which does not leave it."""


class Deadline:
    """When the request of the current thread has to be over: one thread makes one request at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._current = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give the request inside so much time."""
        self._current.end = self._clock() + seconds
        try:
            yield
        finally:
            del self._current.end

    def check(self) -> None:
        """Look at the clock.

        Raises:
            Late: The time is over.
        """
        self.left(None)

    def left(self, timeout: float | None) -> float | None:
        """Shorten a time-out to what is left.

        Raises:
            Late: Nothing is left.
        """
        end: float | None = getattr(self._current, "end", None)
        if end is None:
            return timeout
        left = end - self._clock()
        if left <= 0:
            raise DeadlineExceeded
        return left if timeout is None else min(timeout, left)


class Backend:
    """A network backend whose streams keep to a deadline."""

    def __init__(self, backend: Any, deadline: Deadline) -> None:
        self._backend = backend
        self._deadline = deadline

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> _Stream:
        """Open a connection."""
        return self._stream(self._backend.connect_tcp(host, port, timeout=self._deadline.left(timeout), **options))

    def connect_unix_socket(self, path: str, timeout: float | None = None, **options: Any) -> _Stream:
        """Open a connection to a socket in the file system."""
        return self._stream(self._backend.connect_unix_socket(path, timeout=self._deadline.left(timeout), **options))

    def sleep(self, seconds: float) -> None:
        """Wait, as the wrapped one does."""
        self._backend.sleep(seconds)

    def _stream(self, stream: Any) -> _Stream:
        return _Stream(stream, self._deadline)


class _Stream:
    """The form is ``httpcore.NetworkStream``."""

    def __init__(self, stream: Any, deadline: Deadline) -> None:
        self._wrapped = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = self._wrapped.read(max_bytes, self._deadline.left(timeout))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _SLICE):
            self._wrapped.write(buffer[start : start + _SLICE], self._deadline.left(timeout))

    def close(self) -> None:
        self._wrapped.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        secured = self._wrapped.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._wrapped.get_extra_info(info)
