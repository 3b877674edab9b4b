"""One thing that is wrong with a declaration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure of ``check``.

    Attributes:
        path: The property, spelt as in state: ``filter.onError``, ``events[2]``, ``data.title``; empty for the whole resource.
        text: The Python argument, the rule and what to do. Never a value that a user gave: it may be a secret.
    """

    path: str
    text: str
