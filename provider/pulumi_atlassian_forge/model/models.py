"""From the table of types to pydantic models, built once when they are first needed.

An unknown value passes wherever it stands; everything else is strict: no text is taken for a number, no number for a flag.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StringConstraints,
    Tag,
    TypeAdapter,
    WrapValidator,
    create_model,
)

from pulumi_atlassian_forge.model.catalog.schema import Anything, Bool, Enum, ListOf, ObjectOf, OneOf, Spec, String

from .values import UNKNOWN

TEXT_TAG, OBJECT_TAG = "<text>", "<object>"
"""How pydantic names the two sides of an :class:`OneOf` in a location; not part of a property's path."""


_building = threading.Lock()


def adapter(table: str, name: str) -> TypeAdapter[Any]:
    """The validator of a spec.

    Args:
        table: ``TYPES``, or the name of one spec in :mod:`.catalog.module_types`.
        name: The type, in ``TYPES``.
    """
    # The first four checks of a run come at once; without the lock each thread would build the same models.
    with _building:
        return _built(table, name)


@functools.cache
def _built(table: str, name: str) -> TypeAdapter[Any]:
    from .catalog import module_types  # noqa: PLC0415 - only its names are cached here

    spec = getattr(module_types, table)
    return TypeAdapter(_annotation(spec[name] if table == "TYPES" else spec))


def _pass_unknown(value: Any, validate: Callable[[Any], Any]) -> Any:
    return value if value is UNKNOWN else validate(value)


def _annotation(spec: Spec) -> Any:
    return Annotated[_known(spec), WrapValidator(_pass_unknown)]


def _known(spec: Spec) -> Any:
    match spec:
        case String():
            rule = StringConstraints(strict=True, min_length=1, max_length=spec.longest, pattern=spec.pattern)
            kind: Any = Annotated[str, rule]
        case Enum():
            kind = Literal[spec.values]
        case Bool():
            kind = StrictBool
        case ListOf():
            kind = Annotated[list[_annotation(spec.of)], Field(strict=True, min_length=spec.at_least)]  # type: ignore[misc]
        case ObjectOf():
            kind = _model(spec)
        case OneOf():
            kind = Annotated[
                Annotated[_known(spec.text), Tag(TEXT_TAG)] | Annotated[_model(spec.fields), Tag(OBJECT_TAG)],
                Discriminator(lambda value: OBJECT_TAG if isinstance(value, dict) else TEXT_TAG),
            ]
        case Anything():
            kind = Any
    return kind


def _model(spec: ObjectOf) -> type[BaseModel]:
    # The fields are numbered and go by alias, because a property may have a name that pydantic keeps for itself ("schema").
    required: dict[str, Any] = {
        f"required_{i}": (_annotation(of), Field(alias=name)) for i, (name, of) in enumerate(spec.required.items())
    }
    optional: dict[str, Any] = {
        f"optional_{i}": (_annotation(of), Field(default=None, alias=name)) for i, (name, of) in enumerate(spec.optional.items())
    }
    config = ConfigDict(extra="forbid" if spec.closed else "allow", hide_input_in_errors=True)
    return create_model("Properties", __config__=config, **required, **optional)
