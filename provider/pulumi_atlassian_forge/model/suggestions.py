"""What may have been meant by a name that is not known. No suggestion is better than a wrong one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MIN_LENGTH: Final = 4  # letters of a part that may be misspelled; with fewer, one letter makes another word
_ENDINGS: Final = ("s", "d", "ed", "ing")
_MAX_LENGTH: Final = 200  # characters of a name: a longer one is no misspelling, and would take long to compare
_VERSION: Final = re.compile(r"v?[0-9]*")


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that is closest to a misspelled one; None if none is as close as ``likeness``, a ``ratio`` of difflib.

    It is for single words. A name of several parts, of which another order or one other part has another meaning, is one for
    :func:`same_parts`.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only a misspelling needs it

    return next(iter(get_close_matches(name, known, n=1, cutoff=likeness)), None)


def same_parts(name: str, known: Iterable[str], *, optional: Collection[str] = ()) -> list[str]:
    """The known names with the same parts in any order: ``avi:jira:created:issue`` for ``jira:issue_created``.

    A part may be misspelled by one letter, have another ending, or be written in two (``issue-link``). ``optional`` are parts
    that a known name may have beyond the given one. Of several names only those with the fewest such differences are returned.
    """
    if len(name) > _MAX_LENGTH:
        return []
    wanted = parts_of(name)
    found: dict[str, int] = {}
    for candidate in known:
        cost = _difference(wanted, parts_of(candidate), optional)
        if cost is not None:
            found[candidate] = cost
    least = min(found.values(), default=0)
    return [candidate for candidate, cost in found.items() if cost == least]


def parts_of(name: str) -> list[str]:
    """The words of a name, in lower case: ``jira``, ``issue``, ``created`` for ``jira:issue_created``."""
    return [part.lower() for part in _PART.findall(name)]


def _difference(wanted: list[str], candidate: list[str], optional: Collection[str]) -> int | None:
    """In how many parts two names differ slightly; None if they are different names."""
    cost = 0
    rest = _joined(wanted, candidate)
    for part in _joined(candidate, rest):
        near = min(((_distance(part, other), other) for other in rest), default=(2, ""))
        if near[0] <= 1:
            rest.remove(near[1])
            cost += near[0]
        elif part not in optional and not _VERSION.fullmatch(part):
            return None
        else:
            cost += 1
    return None if rest else cost


def _joined(parts: list[str], others: list[str]) -> list[str]:
    """The parts, with two neighbors as one if the other name has them as one."""
    found = list(parts)
    for index in range(len(parts) - 1):
        both = parts[index] + parts[index + 1]
        if both in others and parts[index] in found and parts[index + 1] in found:
            found[found.index(parts[index])] = both
            found.remove(parts[index + 1])
    return found


def _distance(a: str, b: str) -> int:
    """0 for equal parts, 1 for one that is a misspelling or another ending of the other, 2 for another word."""
    if a == b:
        return 0
    short, long = sorted((a, b), key=len)
    if len(short) < _MIN_LENGTH:
        return 2
    if long.startswith(short) and long[len(short) :] in _ENDINGS:
        return 1
    return 1 if _is_one_edit(short, long) else 2


def _is_one_edit(short: str, long: str) -> bool:
    """Whether one letter is missing, is another one, or has changed places with its neighbor."""
    start = next((index for index, (one, other) in enumerate(zip(short, long, strict=False)) if one != other), len(short))
    one, other = short[start:], long[start:]
    if len(short) < len(long):
        return one == other[1:]
    return one[1:] == other[1:] or (one[:2] == other[1::-1] and one[2:] == other[2:])
