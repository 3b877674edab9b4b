"""From the bytes of an answer to a JSON value that the rest of the house can hold.

Strict where a value could not be used later (in a comparison, in state, on Pulumi's wire), lenient everywhere else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from .errors import BadAnswer

DEPTH: Final = 64
"""Containers in one another that an answer may have (our own limit): what comes after it must be able to recurse."""

_DIGITS: Final = 308  # beyond that an integer fits into no float, and Pulumi's wire knows floats only


def read_json(body: bytes) -> Any:
    """Parse an answer's body.

    The specification prints a list as objects with commas between them and no brackets: that becomes a list too.

    Raises:
        BadAnswer: It is empty, not UTF-8, not JSON, too deep, or holds a number or a text that cannot be kept. ``transient``
            where it may have been garbled on its way.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadAnswer("the answer is not UTF-8", transient=True) from None
    if not text.strip():
        raise BadAnswer("the answer is empty", transient=True)
    value = _parse(text)
    _refuse_unusable(value)
    return value


def _parse(text: str) -> Any:
    try:
        try:
            return _DECODER.decode(text)
        except json.JSONDecodeError as error:
            if not (error.msg == "Extra data" and text.lstrip().startswith("{")):
                raise
            return _DECODER.decode(f"[{text}]")
    except RecursionError:
        raise BadAnswer(f"the answer is nested deeper than {DEPTH} levels") from None
    except json.JSONDecodeError:
        raise BadAnswer("the answer is not JSON", transient=True) from None


def _refuse_unusable(value: Any) -> None:
    """Without recursion: the value may be deeper than Python's stack."""
    level = [value]
    for _ in range(DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise BadAnswer(f"the answer is nested deeper than {DEPTH} levels")


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, inner in value.items():
            _refuse_lone_surrogates(name)
            yield inner
    elif isinstance(value, list):
        yield from value
    elif isinstance(value, str):
        _refuse_lone_surrogates(value)


def _refuse_lone_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadAnswer("the answer holds half of a surrogate pair, which is no text") from None


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise BadAnswer("the answer holds a number that is too large")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BadAnswer("the answer holds a number that is too large")
    return number


def _no_number(name: str) -> NoReturn:
    raise BadAnswer(f"the answer holds {name}, which is no JSON")


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_no_number)
