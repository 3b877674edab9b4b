"""Error deduplication: one cause, such as a wrong token, fails many resources, and its advice is printed once.

The engine needs an error for each resource. The first resource that fails for a cause has the whole message. Each other one has
one line: what failed, why, the state that it is in, and the name of the first resource for what to do.
"""

from __future__ import annotations

import threading

from pulumi_atlassian_forge.errors import ForgeError


class ErrorDeduplicator:
    """The causes that were reported in this process, each with the resource that has the whole message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: dict[str, str] = {}

    def shorten(self, error: ForgeError, name: str) -> ForgeError:
        """The error to raise for a resource: itself for the first one of its cause, each time it fails; else one line."""
        with self._lock:
            first = self._first.setdefault(error.cause, name)
        return error if first == name else ForgeError(f"{error.line}; next: see the message about {first!r}")
