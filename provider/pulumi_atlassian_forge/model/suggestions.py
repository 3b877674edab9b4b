"""The nearest known name to a misspelled one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that is closest to a misspelled one; None if none is as close as ``likeness``, a ``ratio`` of difflib."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a misspelling needs it

    return next(iter(get_close_matches(name, known, n=1, cutoff=likeness)), None)
