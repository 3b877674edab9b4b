"""The words in which the table of types is written. Plain data: no validation happens here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class String:
    """A string that is not empty."""

    longest: int | None = None
    pattern: str | None = None
    form: str = ""


@dataclass(frozen=True, slots=True)
class Enum:
    """One of a closed set of strings."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bool:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Whatever JSON can hold: documented, but not in detail."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    of: Spec
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object.

    Attributes:
        required: Properties that must be there.
        optional: Properties that may be there.
        closed: Whether no other property is allowed. An open object passes what the table does not know.
        exactly_one: Groups of properties of which exactly one must be there.
        at_least_one: Properties of which at least one must be there.
    """

    required: Mapping[str, Spec] = field(default_factory=dict)
    optional: Mapping[str, Spec] = field(default_factory=dict)
    closed: bool = False
    exactly_one: tuple[tuple[str, ...], ...] = ()
    at_least_one: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OneOf:
    """A string in one form, or an object in another."""

    text: String | Enum
    fields: ObjectOf


Spec: TypeAlias = String | Enum | Bool | Anything | ListOf | ObjectOf | OneOf
