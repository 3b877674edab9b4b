"""What JSON, and the way to it, cannot carry: found with its path, before anything recursive looks at the value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .problems import Location, Problem, argument_of, path_of
from .values import EXACT, MAX_DEPTH, UNKNOWN, depth, has_lone_surrogate


def json_problems(value: Any, path: str) -> list[Problem]:
    """Everything in a value that cannot be sent.

    Args:
        value: A value of any kind.
        path: The property of the resource that holds it: ``data``, ``filter``.
    """
    if depth(value) > MAX_DEPTH:
        rule = f"is nested more than {MAX_DEPTH} levels deep (our own limit, set by the engine's wire format): flatten it"
        return [_problem((path,), rule)]
    return list(_walk(value, (path,)))


def sendable(value: Any) -> Any:
    """The value with :data:`UNKNOWN` wherever :func:`json_problems` finds something, so that the rest can be checked, too."""
    return UNKNOWN if depth(value) > MAX_DEPTH else _sendable(value)


def _sendable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sendable(item) for name, item in value.items() if _is_name(name)}
    if isinstance(value, (list, tuple)):
        return [_sendable(item) for item in value]
    return value if _scalar_problem(value) is None else UNKNOWN


def _walk(value: Any, location: Location) -> Iterator[Problem]:
    if isinstance(value, dict):
        for name, item in value.items():
            if _is_name(name):
                yield from _walk(item, (*location, name))
            else:
                yield _problem(location, "has a name that is not text: JSON cannot hold it")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _walk(item, (*location, index))
    elif (rule := _scalar_problem(value)) is not None:
        yield _problem(location, rule)


def _problem(location: Location, rule: str) -> Problem:
    return Problem(path_of(location), f"{argument_of(location)} {rule}")


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and not has_lone_surrogate(name)


def _scalar_problem(value: Any) -> str | None:
    if value is None or value is UNKNOWN or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _too_large(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return "is not a finite number: JSON has neither NaN nor infinity"
        return _too_large(value) if value.is_integer() else None
    if isinstance(value, str):
        return (
            "holds a lone surrogate, which no text encoding can carry: correct the string" if has_lone_surrogate(value) else None
        )
    return f"is a {type(value).__name__}, which JSON cannot hold: give text, a number, a list or a dictionary"


def _too_large(value: float) -> str | None:
    if abs(value) <= EXACT:
        return None
    return "is an integer beyond 2**53, which the engine cannot carry exactly: give it as a string"
