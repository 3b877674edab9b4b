"""One cause, many modules: a wrong token fails each of them, and its advice is read once.

Pulumi wants an error for each resource. The first one that fails for a cause in this process has the whole message; each other
one has a line of its own that says what failed, why and what became of it, and names the first for what to do.
"""

from __future__ import annotations

import threading

from pulumi_atlassian_forge.errors import ForgeError


class ErrorDeduplicator:
    """The causes that were told in this process, each with the resource that has the whole message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: dict[str, str] = {}

    def shorten(self, error: ForgeError, name: str) -> ForgeError:
        """What to raise for a resource.

        Args:
            error: Why it failed.
            name: What it is called in the output of the engine.

        Returns:
            The error itself for the first resource of its cause, also where it fails again; for each other one its line.
        """
        with self._lock:
            first = self._first.setdefault(error.cause, name)
        return error if first == name else ForgeError(f"{error.line}; next: see the message about {first!r}")
