"""The values of a declaration: JSON, and in a preview also unknown."""

from __future__ import annotations

import re
from typing import Any, Final

MAX_DEPTH: Final = 24
"""How deep containers may be nested. Our own limit: the wire format between engine and plugin refuses about 32 levels."""

EXACT: Final = 2**53
"""Beyond it a float, which is what the engine carries, does not hold every integer."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Unknown:
    """The type of :data:`UNKNOWN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __copy__(self) -> Unknown:
        return self

    def __deepcopy__(self, _memo: object) -> Unknown:
        return self

    def __reduce__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
"""A value that is not known yet: an output of another resource during a preview."""


def contains_unknown(value: Any) -> bool:
    """Whether a value is unknown, or holds one that is."""
    if isinstance(value, dict):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(contains_unknown(item) for item in value)
    return value is UNKNOWN


def normalize(value: Any) -> Any:
    """Put a value into the one form that is compared, stored and sent.

    Whole floats become integers, because every number reaches a hook as a float; tuples become lists; null under a key is
    dropped, because the engine drops it. Containers are new, other values are the same.
    """
    if isinstance(value, dict):
        return {name: normalize(item) for name, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [normalize(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    return value


def depth(value: Any) -> int:
    """How many containers are nested, without recursion: a value may be deeper than Python's stack."""
    deepest, level = 0, [value]
    while level:
        containers = [item for item in level if isinstance(item, (dict, list, tuple))]
        if containers:
            deepest += 1
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
    return deepest


def has_lone_surrogate(text: str) -> bool:
    """Whether a text holds half of a surrogate pair, which no encoding carries."""
    return _SURROGATE.search(text) is not None
