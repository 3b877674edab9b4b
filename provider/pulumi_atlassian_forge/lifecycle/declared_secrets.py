"""Values that a program declares as secret: they are redacted from every message of this process.

A server's refusal may quote what it was sent. What is public anyway, such as the name of an event or of a property, is not
redacted: where a whole ``data`` is secret, messages would lose their meaning.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pulumi_atlassian_forge.redaction import WORD_MIN_LENGTH, remember


def remember_declared(properties: Mapping[str, Any], places: Iterable[Sequence[str | int]]) -> None:
    """Redact the values, and the names of a dictionary's properties, at these places from now on."""
    texts = [text for place in places for text in _texts(_at(properties, place))]
    if texts:
        remember((text for text in texts if text not in _public()), shortest=WORD_MIN_LENGTH)


def _at(value: Any, place: Sequence[str | int]) -> Any:
    for step in place:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from (name, *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


@functools.cache
def _public() -> frozenset[str]:
    """The names and values of the vendor's documentation."""
    from pulumi_atlassian_forge.model.catalog.events import EVENTS  # noqa: PLC0415 - only a stack with secrets needs them
    from pulumi_atlassian_forge.model.catalog.module_types import TYPES  # noqa: PLC0415

    return frozenset([*EVENTS, *TYPES, *(word for spec in TYPES.values() for word in _words(spec))])


def _words(spec: Any) -> Iterator[str]:
    from pulumi_atlassian_forge.model.catalog.schema import Enum, ListOf, ObjectOf, OneOf  # noqa: PLC0415

    match spec:
        case Enum():
            yield from spec.values
        case ListOf():
            yield from _words(spec.item)
        case OneOf():
            yield from (*_words(spec.scalar), *_words(spec.object))
        case ObjectOf():
            for name, inner in spec.properties.items():
                yield from (name, *_words(inner))
