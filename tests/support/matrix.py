"""Modules that together have every property of every type, with every kind of value that it takes.

Not one for each property: the i-th module of a type has the i-th value of each of its properties, absent being a value, too. An
update gives each module what the next one of its type has: so every property appears, goes, and changes from value to value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pulumi_atlassian_forge.model.catalog.module_types import TRIGGER, TYPES
from pulumi_atlassian_forge.model.catalog.schema import Anything, Bool, Enum, ListOf, ObjectOf, OneOf, Spec, String
from tests.support.samples import SAMPLES, TRIGGERS

TYPED: Final = "TriggerModule"
SPECS: Final[dict[str, Spec]] = {**TYPES, TYPED: TRIGGER}

_TEXTS: Final = ("jira_a", "jira_b")
"""Every pattern of the table takes them, and as the name of an event every rule of a filter."""

_ANYTHING: Final = {"a": ["b", {"c": [1.5, -1]}], "no": False, "none": {}, "nothing": [], "zero": 0, "\u00fc": "\u00fc"}


@dataclass(frozen=True)
class Declared:
    """The module of a program, of a known type or :data:`TYPED`, that takes this number in the cycle of its kind."""

    kind: str
    number: int
    data: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.kind.replace(':', '-')}-{self.number}"


def declared() -> tuple[list[Declared], list[Declared]]:
    """All modules as a program declares them first, and as it declares the same ones after an update of each."""
    before, after = [], []
    for kind, spec in SPECS.items():
        *_, fullest = TRIGGERS if kind == TYPED else SAMPLES[kind]
        cycle = [*values(spec), fullest]
        for number, (data, following) in enumerate(zip(cycle, [*cycle[1:], cycle[0]], strict=True)):
            before.append(Declared(kind, number, data))
            after.append(Declared(kind, number, following))
    return before, after


def values(spec: Spec) -> list[Any]:  # noqa: PLR0911 - one for each kind
    """Values that a rule takes: one of each kind."""
    match spec:
        case String():
            return [*_TEXTS]
        case Enum():
            return [spec.values[0], spec.values[-1]]  # where one is the default it is the first
        case Bool():
            return [False, True]
        case Anything():
            return ["any", _ANYTHING]
        case ListOf():
            each = values(spec.item)
            return [*([] if spec.min_items else [[]]), *([value] for value in each), each[1::-1]]
        case OneOf():
            return values(spec.scalar) + values(spec.object)
        case ObjectOf():
            return [_with_required(found, spec) for found in _objects(spec)]


def _objects(spec: ObjectOf) -> Iterator[dict[str, Any]]:
    """As many as the property with the most values has; the others begin again."""
    grouped = {name for names in spec.exactly_one for name in names}
    slots = [[{name: value} for value in values(of)] for name, of in spec.required.items()]
    slots += [[{}, *({name: value} for value in values(of))] for name, of in spec.optional.items() if name not in grouped]
    slots += [[{name: value} for name in names for value in values(spec.optional[name])] for names in spec.exactly_one]
    slots += [] if spec.closed else [[{}, {"brandNew": _ANYTHING}]]
    for number in range(max(map(len, slots))):
        yield {name: value for slot in slots for name, value in slot[number % len(slot)].items()}


def _with_required(found: dict[str, Any], spec: ObjectOf) -> dict[str, Any]:
    """With what has to be there beside the rest: a filter's ``onError`` needs an expression."""
    if not spec.at_least_one or ("onError" not in found and found.keys() & {*spec.at_least_one}):
        return found
    name = spec.at_least_one[0]
    return {name: values(spec.optional[name])[0], **found}


def paths(spec: Spec, path: str = "") -> Iterator[str]:
    """Every property of the table, and those within."""
    if isinstance(spec, OneOf):
        yield from paths(spec.object, path)
    elif isinstance(spec, ListOf):
        yield from paths(spec.item, path)
    elif isinstance(spec, ObjectOf):
        for name, of in {**spec.required, **spec.optional}.items():
            yield f"{path}/{name}"
            yield from paths(of, f"{path}/{name}")


def paths_in(value: Any, path: str = "") -> Iterator[str]:
    """Every property that a value has, named as :func:`paths` does."""
    for item in value if isinstance(value, list) else ():
        yield from paths_in(item, path)
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield f"{path}/{name}"
        yield from paths_in(inner, f"{path}/{name}")
