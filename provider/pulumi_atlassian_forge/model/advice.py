"""What is suspicious and yet allowed: the program warns of it, nothing fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pulumi_atlassian_forge.model.catalog.events import APP_EVENTS, EVENTS

from .suggestions import nearest

LONGEST_KEY: Final = 23
"""Characters of a function's or endpoint's key in a manifest (docs:manifest-reference/endpoint)."""

_EVENTS: Final = frozenset(EVENTS)


def misspelt_event(name: str) -> str | None:
    """What to say of an event that is not in the catalogue, or None of one that is."""
    if name in _EVENTS or name.startswith(APP_EVENTS):
        return None
    return f"{name!r} is not a known event{_hint(name, EVENTS)}; it is registered all the same"


def misspelt_type(name: str) -> str | None:
    """What to say of a type that is not in the table, or None of one that is."""
    from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES  # noqa: PLC0415 - a program of triggers need not wait for the table

    if name in KNOWN_TYPES:
        return None
    return f"{name!r} is not a known type of dynamic module{_hint(name, sorted(KNOWN_TYPES))}; it is registered unchecked"


def long_reference(argument: str, key: str) -> str | None:
    """What to say of a reference that no manifest can hold, or None of any other."""
    if len(key) <= LONGEST_KEY:
        return None
    return (
        f"{argument}= has {len(key)} characters; in a manifest the key of a function or an endpoint has at most {LONGEST_KEY} "
        "(docs:manifest-reference/endpoint), so nothing can be found under it."
    )


def _hint(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f" (did you mean {near!r}?)" if near else ""
