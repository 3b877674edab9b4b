"""Modules that no client can read: what other clients, and faults of a server, may leave in a list."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from .option_model import pair, unknown

_Resource = dict[str, Any]
_DEEP: Final = "[" * 10_000 + "]" * 10_000


def _with_value(text: str) -> Callable[[_Resource], str]:
    """The resource with a further value in its data, given as JSON text."""

    def spoil(resource: _Resource) -> str:
        data = json.dumps({**resource["data"], "spoiled": "here"}).replace('"here"', text)
        return json.dumps({**resource, "data": 0}).replace('"data": 0', f'"data": {data}')

    return spoil


def _with(**changes: Any) -> Callable[[_Resource], str]:
    """The resource with other fields; None leaves one out."""
    return lambda resource: json.dumps({name: value for name, value in (resource | changes).items() if value is not None})


FORMS: Final[Mapping[str, Callable[[_Resource], str]]] = {
    "surrogate": _with_value('"Risk \\ud83d"'),  # a title that a JavaScript client cut inside an emoji
    "number": _with_value("1e400"),
    "digits": _with_value("9" * 309),
    "nan": _with_value("NaN"),
    "depth": _with_value(_DEEP),
    "no-data": _with(data=None),
    "list-data": _with(data=[]),
    "no-type": _with(type=None),
    "no-key": _with(key=None),
    "number-key": _with(key=7),
    "null": lambda _: "null",
}


def parse(texts: str) -> dict[str, str]:
    """The form of each key in ``key=form`` texts, separated by commas; raises ValueError if a form is unknown."""
    found = dict(pair(text) for text in texts.split(",") if text.strip())
    for form in found.values():
        if form not in FORMS:
            raise ValueError(unknown(form, "a form of an unreadable module", FORMS))
    return found
