"""The content of a module, and its conversion from and to the properties of the two resources (docs/adr/0001-state.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .values import EXACT

TRIGGER: Final = "trigger"
TRIGGER_PROPERTIES: Final = ("events", "function", "endpoint", "filter", "payload")
"""The closed set of a trigger's properties (schema of ``@forge/manifest``), in the order of the specification's examples."""

_ORDER: Final = {name: index for index, name in enumerate((*TRIGGER_PROPERTIES, "expression", "onError"))}


@dataclass(frozen=True, slots=True)
class Content:
    """A module without its key: what is compared and sent. Its ``repr`` shows no data, which may be a secret."""

    type: str
    data: dict[str, Any]

    def __repr__(self) -> str:
        return f"Content({self.type!r}, …)"


def is_typed(props: Mapping[str, Any]) -> bool:
    """Whether these are the properties of a ``TriggerModule``, which has neither a type nor data."""
    return "type" not in props and "data" not in props


def content_of(props: Mapping[str, Any]) -> Content:
    """The canonical content of a declaration: normalized, without ``data.key``, with its names in a fixed order.

    The protocol between program, engine and plugin keeps no order of names. A fixed order sends the same declaration as the
    same bytes: the order of the specification's examples, then the alphabetical one.
    """
    if is_typed(props):
        return Content(TRIGGER, _ordered(normalize({name: props[name] for name in TRIGGER_PROPERTIES if name in props})))
    data = props.get("data")
    if not isinstance(data, dict):
        return Content(props.get("type", ""), data if data is not None else {})
    kept = normalize({name: value for name, value in data.items() if name != "key"})
    return Content(props.get("type", ""), _ordered(kept))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))}
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    return value


def normalize(value: Any) -> Any:
    """Put a value into the one form that is compared, stored and sent.

    Whole floats become integers, because every number reaches a hook as a float; tuples become lists; null under a key is
    dropped, because the engine drops it. Containers are new, other values are the same.
    """
    if isinstance(value, dict):
        return {name: normalize(item) for name, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [normalize(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    return value


def properties_of(content: Content, *, typed: bool) -> dict[str, Any]:
    """The properties that a content has in state; ``typed`` if it is a ``TriggerModule``'s, with a closed set of them."""
    if typed:
        return {name: content.data[name] for name in TRIGGER_PROPERTIES if name in content.data}
    return {"type": content.type, "data": content.data}


def canonical_json(value: Any) -> str:
    """Compact JSON as JavaScript's ``JSON.stringify`` writes it: the order of keys is kept, only necessary escapes are used."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
