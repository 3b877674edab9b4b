"""JSON values of a declaration, which may be unknown in a preview: normalization, and what JSON cannot carry."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

from .problems import Location, Problem, problem_at

MAX_DEPTH: Final = 24
"""How deep containers may be nested. Our own limit: the wire format between engine and plugin refuses about 32 levels."""

EXACT: Final = 2**53
"""The largest integer up to which a float, which is what the engine carries, holds every integer."""

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


NAME_NOT_TEXT: Final = "has a name that is not text: JSON cannot hold it"

# --- what JSON, and the engine's wire format, cannot carry ------------------------------------------------------------------


def json_problems(value: Any, path: str) -> list[Problem]:
    """Everything that cannot be sent in the value of a property (``data``, ``filter``), found before any function recurses."""
    if depth(value) > MAX_DEPTH:
        rule = f"is nested more than {MAX_DEPTH} levels deep (our own limit, set by the engine's wire format): flatten it"
        return [problem_at((path,), rule)]
    return list(_json_problems(value, (path,)))


def replace_unsendable(value: Any) -> Any:
    """The value with :data:`UNKNOWN` in place of all that :func:`json_problems` finds, so that the rest can be checked too."""
    return UNKNOWN if depth(value) > MAX_DEPTH else _replace_unsendable(value)


def _replace_unsendable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _replace_unsendable(item) for name, item in value.items() if is_name(name)}
    if isinstance(value, (list, tuple)):
        return [_replace_unsendable(item) for item in value]
    return value if scalar_problem(value) is None else UNKNOWN


def _json_problems(value: Any, location: Location) -> Iterator[Problem]:
    if isinstance(value, dict):
        for name, item in value.items():
            if is_name(name):
                yield from _json_problems(item, (*location, name))
            else:
                yield problem_at(location, NAME_NOT_TEXT)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _json_problems(item, (*location, index))
    elif (rule := scalar_problem(value)) is not None:
        yield problem_at(location, rule)


def is_name(name: Any) -> bool:
    """Whether a key of a dictionary is text that can be sent."""
    return isinstance(name, str) and not has_lone_surrogate(name)


def scalar_problem(value: Any) -> str | None:
    """Why a value that is not a container cannot be sent, as the rest of a sentence about it; None if it can."""
    if value is None or value is UNKNOWN or isinstance(value, bool):
        return None
    if isinstance(value, str):
        lone = has_lone_surrogate(value)
        return "holds a lone surrogate, which no text encoding can represent: correct the string" if lone else None
    if not isinstance(value, (int, float)):
        return f"is a {type(value).__name__}, which JSON cannot hold: give text, a number, a list or a dictionary"
    if isinstance(value, float) and not math.isfinite(value):
        return "is not a finite number: JSON has neither NaN nor infinity"
    if (isinstance(value, int) or value.is_integer()) and abs(value) > EXACT:
        return "is an integer beyond 2**53, which the engine cannot represent exactly: give it as a string"
    return None
