"""What a misspelt name was meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that a misspelt one is closest to, or None where none is close.

    Args:
        name: What was written.
        known: What may be meant.
        likeness: How close it has to be, from 0 to 1 (``ratio`` of :mod:`difflib`).
    """
    from difflib import get_close_matches  # noqa: PLC0415 - most runs misspell nothing, and each would wait for it twice

    return next(iter(get_close_matches(name, known, n=1, cutoff=likeness)), None)
