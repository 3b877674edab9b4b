"""Single-flight cache of an installation's module list, shared by all threads of the process.

A refresh of 100 modules fetches one list: the first thread fetches it, the others wait for it. The list expires after some
seconds, so that the reads of one command share it and a later command does not see an old one. Our own writes go into the cached
list, and also into one that is being fetched: the server may have read it before or after the write.
"""

from __future__ import annotations

import builtins
import copy
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from .errors import ApiError, NotFound
from .protocol import LiveModule, by_key, require_storable

LIST_TTL_S: Final = 30.0
"""Seconds after which a cached list expires."""


class Source(Protocol):
    """What fetches modules: :class:`~.operations.Operations`."""

    def list(self) -> builtins.list[LiveModule]:
        """All modules."""

    def read(self, key: str) -> LiveModule:
        """One module."""


class _Fetch:
    """One fetch under way, and what was written meanwhile: None for a key that was deleted."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.error: ApiError | None = None
        self.written: dict[str, LiveModule | None] = {}


class ModuleList:
    """Single-flight cache of the list under one version of the API; it expires after ``ttl`` seconds."""

    def __init__(self, operations: Source, ttl: float = LIST_TTL_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._operations = operations
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._modules: dict[str | int, LiveModule] = {}
        self._fetched_at: float | None = None
        self._fetch: _Fetch | None = None

    def all(self, within: float | None = None) -> builtins.list[LiveModule]:
        """All modules, except one that a static module with the same key hides. One that cannot be read is an opaque entry.

        The list is at most ``within`` seconds old, if that is less than its expiry. Raises ApiError if it cannot be fetched.
        """
        return list(self._current(self._ttl if within is None else min(within, self._ttl)).values())

    def invalidate(self) -> None:
        """Invalidate the list, and one that is being fetched: it may be another installation's."""
        with self._lock:
            self._fetched_at = self._fetch = None

    def find(self, key: str) -> LiveModule | None:
        """One module: from the list, or read by its key; None if there is none.

        A list that lacks it proves nothing, and neither does one that holds it as an opaque entry. Raises ApiError if it cannot
        be read, ValueError if no path can hold the key.
        """
        listed = self._current(self._ttl).get(key)
        if listed is not None and not listed.problem:
            return require_storable(listed)
        try:
            found = self._operations.read(key)
        except NotFound:
            return None
        self.record(found)
        return found

    def lacked(self, key: str, at: float) -> bool:
        """Whether the list, if it had not expired at a moment of the clock, showed that no module has this key. No request."""
        with self._lock:
            was_current = self._fetched_at is not None and self._fetched_at <= at < self._fetched_at + self._ttl
            return was_current and key not in self._modules

    def record(self, live: LiveModule) -> None:
        """Record a module that we have registered, updated or read."""
        self._write(live.key, live)

    def remove(self, key: str) -> None:
        """Record that a module does not exist any more."""
        self._write(key, None)

    def _write(self, key: str, live: LiveModule | None) -> None:
        with self._lock:
            if self._fetch is not None:
                self._fetch.written[key] = live
            _apply(self._modules, key, live)

    def _current(self, max_age: float) -> dict[str | int, LiveModule]:
        """A copy of the list, fetched if the cached one is too old."""
        while True:
            with self._lock:
                if self._fetched_at is not None and self._clock() < self._fetched_at + max_age:
                    return dict(self._modules)
                is_first = self._fetch is None
                fetch = self._fetch = self._fetch or _Fetch()
            if is_first:
                return self._run(fetch)
            fetch.done.wait()
            if fetch.error is not None:
                raise copy.copy(fetch.error)  # each thread sets the traceback of what it raises

    def _run(self, fetch: _Fetch) -> dict[str | int, LiveModule]:
        try:
            modules = by_key(self._operations.list())
        except ApiError as error:
            fetch.error = copy.copy(error)
            raise
        else:
            with self._lock:
                for key, live in fetch.written.items():
                    _apply(modules, key, live)
                if self._fetch is fetch:
                    self._modules, self._fetched_at = modules, self._clock()
                return dict(modules)
        finally:
            # After any error, so that no thread waits for ever; after one that is not the API's the next thread fetches.
            with self._lock:
                if self._fetch is fetch:
                    self._fetch = None
            fetch.done.set()


def _apply(modules: dict[str | int, LiveModule], key: str, live: LiveModule | None) -> None:
    if live is None:
        modules.pop(key, None)
    else:
        modules[key] = live
