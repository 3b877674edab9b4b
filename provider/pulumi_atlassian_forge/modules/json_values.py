"""What JSON, and the way to it, cannot carry: found with its path, before anything recursive looks at the value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from .problems import Problem
from .values import MAX_DEPTH, UNKNOWN, depth

_EXACT: Final = 2**53


def json_problems(value: Any, path: str) -> list[Problem]:
    """Everything in a value that cannot be sent.

    Args:
        value: A value of any kind.
        path: Where it stands.
    """
    if depth(value) > MAX_DEPTH:
        text = f"{path}= is nested more than {MAX_DEPTH} levels deep (our own limit, set by the engine's wire format): flatten it"
        return [Problem(path, text)]
    return list(_walk(value, path))


def _walk(value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str) or _surrogate(name):
                yield Problem(path, "has a name that is not text: JSON cannot hold it")
            else:
                yield from _walk(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]")
    elif (text := _scalar_problem(value)) is not None:
        yield Problem(path, text)


def _scalar_problem(value: Any) -> str | None:
    if value is None or value is UNKNOWN or isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        if not math.isfinite(value):
            return "is not a finite number: JSON has neither NaN nor infinity"
        if float(value).is_integer() and abs(value) > _EXACT:
            return "is an integer beyond 2**53, which the engine cannot carry exactly: give it as a string"
        return None
    if isinstance(value, str):
        return "holds a lone surrogate, which no text encoding can carry: correct the string" if _surrogate(value) else None
    return f"is a {type(value).__name__}, which JSON cannot hold: give text, a number, a list or a dictionary"


def _surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
