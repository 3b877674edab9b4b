"""The vocabulary of the table of module types, a small subset of JSON Schema. Plain data: :mod:`..validation` checks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class String:
    """A string; it is not empty unless ``min_length`` is 0. A ``pattern`` has a ``form``, which describes it in a message."""

    max_length: int | None = None
    pattern: str | None = None
    form: str = ""
    min_length: Literal[0, 1] = 1


@dataclass(frozen=True, slots=True)
class Enum:
    """One of a closed set of strings."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bool:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value: documented, but not in detail."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of items of one kind."""

    item: Spec
    min_items: int = 0


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object, with properties that must be there and properties that may be there."""

    required: Mapping[str, Spec] = field(default_factory=dict)
    optional: Mapping[str, Spec] = field(default_factory=dict)
    closed: bool = False  # whether another property is warned of; an open object passes properties that the table does not know
    exactly_one: tuple[tuple[str, ...], ...] = ()  # groups of properties of which exactly one must be there
    at_least_one: tuple[str, ...] = ()  # properties of which at least one must be there

    @property
    def properties(self) -> dict[str, Spec]:
        """All properties that the table knows."""
        return {**self.required, **self.optional}


@dataclass(frozen=True, slots=True)
class OneOf:
    """A string, or an object in its place."""

    scalar: String | Enum
    object: ObjectOf


Spec: TypeAlias = String | Enum | Bool | Anything | ListOf | ObjectOf | OneOf
