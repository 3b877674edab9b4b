"""The installation's list, once for all threads of the process (design decision 4).

A refresh of 100 modules asks for one list. The first thread that needs it fetches it, the others wait for that one flight. It
lives for some seconds, so that the reads of one command share it and a later command does not see an old one. Our own writes are
entered, also those that happen while a list is on its way: whether the server had them before or after it wrote the page, the
list says what they left behind.
"""

from __future__ import annotations

import builtins
import copy
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from .errors import ApiError, NotFound
from .protocol import LiveModule, refuse_uncarriable

LIST_TTL_S: Final = 30.0
"""Seconds that a list is believed."""


class Source(Protocol):
    """Where the list comes from: :class:`~.operations.Operations`."""

    def list(self) -> builtins.list[LiveModule]:
        """All modules."""

    def read(self, key: str) -> LiveModule:
        """One module."""


class _Fetch:
    """One fetch, and what was written while it was under way: a key without a module was deleted."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.error: ApiError | None = None
        self.written: dict[str, LiveModule | None] = {}


class ModuleList:
    """The shared list.

    Args:
        operations: Where it comes from.
        ttl: Seconds that it is believed.
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, operations: Source, ttl: float = LIST_TTL_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._operations = operations
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._modules: dict[str, LiveModule] = {}
        self._until: float | None = None
        self._flight: _Fetch | None = None

    def all(self, within: float | None = None) -> builtins.list[LiveModule]:
        """All modules. One that hides behind a static module with its key is missing (docs:apis-reference/dynamic-modules-api).

        Args:
            within: Seconds that the list may be old, where that is less than it is believed.

        Raises:
            ApiError: The list cannot be had.
        """
        return list(self._fetched(within).values())

    def forget(self) -> None:
        """Believe the list no longer, nor one that is on its way: it may be another installation's."""
        with self._lock:
            self._until = self._flight = None

    def find(self, key: str) -> LiveModule | None:
        """One module: from the list, or asked for by its key where the list lacks it, because that proves nothing.

        Returns:
            The module; None where the installation has none with this key.

        Raises:
            ApiError: It cannot be told.
            ValueError: No path can carry the key.
        """
        listed = self._fetched().get(key)
        if listed is not None:
            return refuse_uncarriable(listed)
        try:
            found = self._operations.read(key)
        except NotFound:
            return None
        self.put(found)
        return found

    def put(self, live: LiveModule) -> None:
        """Enter a module that we have registered, updated or read."""
        self._write(live.key, live)

    def drop(self, key: str) -> None:
        """Strike out a module that is gone."""
        self._write(key, None)

    def _write(self, key: str, live: LiveModule | None) -> None:
        with self._lock:
            if self._flight is not None:
                self._flight.written[key] = live
            _enter(self._modules, key, live)

    def _fetched(self, within: float | None = None) -> dict[str, LiveModule]:
        """A copy of the list: the original goes on changing."""
        oldest = self._ttl if within is None else min(within, self._ttl)
        while True:
            with self._lock:
                if self._until is not None and self._clock() < self._until - self._ttl + oldest:
                    return dict(self._modules)
                flight = self._flight
                mine = flight is None
                if flight is None:
                    flight = self._flight = _Fetch()
            if mine:
                return self._fetch(flight)
            flight.landed.wait()
            if flight.error is not None:
                # A copy: each thread writes its own traceback into what it raises.
                raise copy.copy(flight.error)

    def _fetch(self, flight: _Fetch) -> dict[str, LiveModule]:
        try:
            modules = {live.key: live for live in self._operations.list()}
        except ApiError as error:
            flight.error = copy.copy(error)
            raise
        else:
            with self._lock:
                for key, live in flight.written.items():
                    _enter(modules, key, live)
                if self._flight is flight:
                    self._modules = modules
                    self._until = self._clock() + self._ttl
                return dict(modules)
        finally:
            # Whatever happened, nobody waits for ever; after an error that is not the API's the next thread tries for itself.
            with self._lock:
                if self._flight is flight:
                    self._flight = None
            flight.landed.set()


def _enter(modules: dict[str, LiveModule], key: str, live: LiveModule | None) -> None:
    if live is None:
        modules.pop(key, None)
    else:
        modules[key] = live
