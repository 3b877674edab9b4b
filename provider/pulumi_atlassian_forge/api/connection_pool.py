"""Connections that belong to one thread at a time.

httpx lets threads share a client, but its pool looks at connections that other threads are using: it may take one that has just
been given away for idle, or for closed by the server, and close it under a request that is on its way (httpcore 1.0.9; some
requests in 10,000 as soon as more threads ask than there are connections). A register lost like that is one that somebody has to
look for. So each connection has a pool of its own, and is lent out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from .errors import Unreachable


class Closeable(Protocol):
    """What can be closed, more than once."""

    def close(self) -> None:
        """Close it."""


C = TypeVar("C", bound=Closeable)


class ConnectionPool(Generic[C]):
    """Lends out connections; the one that came back last goes out first, because it is the warmest.

    Args:
        make: Makes one more. Called by one thread at a time.
        limit: How many there may be.
    """

    def __init__(self, make: Callable[[], C], limit: int) -> None:
        self._make = make
        self._places = threading.BoundedSemaphore(limit)
        self._lock = threading.Lock()
        self._free: list[C] = []
        self._closed = False

    @contextmanager
    def borrow(self, timeout: float) -> Iterator[C]:
        """Lend one for the time of the block.

        Args:
            timeout: Seconds to wait for one to come back, where all are out.

        Raises:
            Unreachable: None came back in time, none can be made, or they are closed.
        """
        if not self._places.acquire(timeout=max(0.0, timeout)):
            raise Unreachable(f"none of our own connections was free within {timeout:.3g} s", reason="busy")
        try:
            connection = self._taken()
            try:
                yield connection
            finally:
                self._give_back(connection)
        finally:
            self._places.release()

    def close(self) -> None:
        """Close what is here; what is out is closed when it comes back, so that no request is cut."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def _taken(self) -> C:
        with self._lock:
            if self._closed:
                raise Unreachable("the connections are closed")
            return self._free.pop() if self._free else self._make()

    def _give_back(self, connection: C) -> None:
        with self._lock:
            closed = self._closed
            if not closed:
                self._free.append(connection)
        if closed:
            connection.close()
