"""Instances of a JSON Schema, and the same with one thing spoilt, as hypothesis strategies.

For the part of JSON Schema that `@forge/manifest` uses. Keywords that only relate properties (``if``, ``not``, ``uniqueItems``)
are left to the validator that filters what is drawn.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import strategies as st

Schema = dict[str, Any]
Path = tuple[str | int, ...]

_UNKNOWN: Final = "brandNew"
_ANYTHING: Final = st.sampled_from(["any", 1, True, {}, {"a": [1]}, []])
_SPOILT: Final = ["", "not ok!", "x" * 20_001, 7, 1.5, True, None, [], {}, ["x"], {"x": 1}]
_MAX_TEXT: Final = 12


class Instances:
    """The instances of the schemas in one document."""

    def __init__(self, document: Schema) -> None:
        self._document = document

    def resolve(self, schema: Schema) -> Schema:
        """The schema without ``$ref``; what stands beside one counts, as it does for the vendor's validator (Ajv 8)."""
        while "$ref" in schema:
            target: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = _merged(target, {name: value for name, value in schema.items() if name != "$ref"})
        return schema

    def of(self, schema: Schema) -> st.SearchStrategy[Any]:
        """Values that a schema takes, as far as it is understood."""
        return st.deferred(lambda: self._of(self.resolve(schema)))

    def _of(self, schema: Schema) -> st.SearchStrategy[Any]:
        for keyword in ("oneOf", "anyOf"):
            if keyword in schema:
                rest = {name: value for name, value in schema.items() if name != keyword}
                return st.one_of(*(self.of(_merged(rest, self.resolve(branch))) for branch in schema[keyword]))
        if "allOf" in schema:
            merged = {name: value for name, value in schema.items() if name != "allOf"}
            for part in schema["allOf"]:
                merged = _merged(merged, {} if "if" in part else self.resolve(part))
            return self.of(merged)
        if "enum" in schema or "const" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        return self._of_type(schema)

    def _of_type(self, schema: Schema) -> st.SearchStrategy[Any]:
        match schema.get("type", "object" if "properties" in schema else None):
            case "string":
                return _texts(schema)
            case "boolean":
                return st.booleans()
            case "integer" | "number":
                return st.integers(schema.get("minimum", 0), schema.get("minimum", 0) + 100)
            case "array":
                least = schema.get("minItems", 0)
                return st.lists(self.of(schema.get("items", {})), min_size=least, max_size=least + 2)
            case "object":
                return _objects(self, schema)
        return _ANYTHING


@st.composite
def _objects(draw: st.DrawFn, instances: Instances, schema: Schema) -> dict[str, Any]:
    required = schema.get("required", ())
    found = {}
    for name, of in schema.get("properties", {}).items():
        if name in required or draw(st.integers(0, 3)) == 0:
            found[name] = draw(instances.of(of))
    if schema.get("additionalProperties", True) and draw(st.integers(0, 3)) == 0:
        found[_UNKNOWN] = draw(_ANYTHING)
    return found


@st.composite
def spoilt(draw: st.DrawFn, instances: st.SearchStrategy[Any]) -> tuple[Any, Path]:
    """An instance in which one value was replaced, removed or added, and the place of it."""
    value = copy.deepcopy(draw(instances))
    *way, last = place = draw(st.sampled_from([path for path in places(value) if path]))
    inside = value
    for part in way:
        inside = inside[part]
    match draw(st.sampled_from(["replace", "replace", "remove", "add"])):
        case "remove":
            del inside[last]
        case "add" if isinstance(inside, dict):
            last = draw(st.sampled_from(["notKnown", "unlicensedAccess"]))
            place = (*way, last)
            inside[last] = "x"
        case _:
            inside[last] = draw(st.sampled_from(_SPOILT))
    return value, tuple(place)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value in a value."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield from places(inner, (*path, name))


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 20_000)
    if "pattern" in schema:
        pattern = re.compile(schema["pattern"].removeprefix("^").removesuffix("$"), re.ASCII)
        free: st.SearchStrategy[str] = st.from_regex(pattern, fullmatch=True)
        edges = [text for text in ("a" * most, "-", "_", "a.b-c_1") if pattern.fullmatch(text)]
    else:
        free = st.text(min_size=least, max_size=min(most, _MAX_TEXT))
        edges = ["x" * most, *([""] if least == 0 else [])]
    return (free | st.sampled_from(edges)).filter(lambda text: least <= len(text) <= most) if edges else free


def _merged(a: Schema, b: Schema) -> Schema:
    """What two schemas say together, near enough: the validator has the last word."""
    merged = {**a, **b}
    if "properties" in a and "properties" in b:
        merged["properties"] = {**a["properties"], **b["properties"]}
    if "required" in a and "required" in b:
        merged["required"] = sorted({*a["required"], *b["required"]})
    return merged
