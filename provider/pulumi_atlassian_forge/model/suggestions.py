"""The nearest known name to a misspelled one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that is closest to a misspelled one, or None if none is close.

    Args:
        name: The name that was written.
        known: The names that may be meant.
        likeness: How close it has to be, from 0 to 1 (``ratio`` of :mod:`difflib`).
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only a misspelling needs it

    return next(iter(get_close_matches(name, known, n=1, cutoff=likeness)), None)
