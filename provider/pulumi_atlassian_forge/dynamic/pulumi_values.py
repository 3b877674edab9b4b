"""Pulumi's values as plain values, and back; the hidden properties on their way (docs/adr/0001-state.md).

The engine hides every property whose name begins with ``__``. Pulumi's SDKs for Python before 3.235 hide them from the provider,
too: such a property never arrives in a hook. With those SDKs the hidden properties travel in one visible property, ``internal``.
Both forms are always understood, so that a stack may be used with an older and a newer SDK in turn.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from pulumi_atlassian_forge.model.values import EXACT, UNKNOWN

INTERNAL: Final = "internal"
SECRETS: Final = "__secrets"  # a hidden input: the places of secret arguments (docs/adr/0007-declared-secrets.md)
PROBLEMS: Final = "__problems"  # a hidden input: a preview asks for its validation errors (docs/adr/0002-validation-errors.md)
ANNOUNCED: Final = "__announced"  # a hidden input: the paths of the warnings that the program has shown on its resource
_HIDDEN: Final = "__"
_PROVIDER: Final = "__provider"  # the SDK's own: it always arrives


def from_pulumi(props: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of a hook as plain values: without ``__provider`` and null, whole floats as ints, unknown as :data:`UNKNOWN`."""
    own = {name: _from_pulumi(value) for name, value in props.items() if name != _PROVIDER and value is not None}
    return decode_hidden(own)


def to_pulumi(props: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values as properties: a new dictionary, because the SDK adds ``__provider`` to it."""
    return encode_hidden({name: _to_pulumi(value) for name, value in props.items()})


def with_problems(inputs: Mapping[str, Any], problems: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The inputs of a preview that hands its validation errors to the program instead of failing.

    Only the name stays: the SDK in the program accepts no attribute of another type than the declared one.
    """
    return {**{name: value for name, value in inputs.items() if name == "__name"}, PROBLEMS: [list(each) for each in problems]}


@functools.cache
def sdk_passes_hidden() -> bool:
    """Whether this SDK passes hidden properties to the hooks. Tried, not concluded from a version."""
    probe = struct_pb2.Struct()
    probe.update({f"{_HIDDEN}probe": True})
    return bool(rpc.deserialize_properties(probe))


def encode_hidden(props: Mapping[str, Any]) -> dict[str, Any]:
    """Properties in the form in which this SDK passes the hidden ones."""
    if sdk_passes_hidden():
        return dict(props)
    hidden = {name.removeprefix(_HIDDEN): value for name, value in props.items() if _is_hidden(name) and value is not None}
    visible = {name: value for name, value in props.items() if not _is_hidden(name)}
    return {**visible, INTERNAL: hidden} if hidden else visible


def decode_hidden(props: Mapping[str, Any]) -> dict[str, Any]:
    """Properties that arrived in either form, with the hidden ones under their own names."""
    hidden = props.get(INTERNAL)
    if not isinstance(hidden, Mapping):
        return dict(props)
    own = {name: value for name, value in props.items() if name != INTERNAL}
    return {**{_HIDDEN + name: value for name, value in hidden.items()}, **own}


def _is_hidden(name: str) -> bool:
    return name.startswith(_HIDDEN) and name != _PROVIDER


def _from_pulumi(value: Any) -> Any:
    if isinstance(value, pulumi.output.Unknown):
        return UNKNOWN
    if isinstance(value, dict):
        return {name: _from_pulumi(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_from_pulumi(item) for item in value]
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= EXACT  # the wire format has floats only
    return int(value) if is_whole else value


def _to_pulumi(value: Any) -> Any:
    if value is UNKNOWN:
        return pulumi.UNKNOWN  # the SDK writes any ``Unknown`` as the constant of the wire format
    if isinstance(value, dict):
        return {name: _to_pulumi(item) for name, item in value.items()}
    return [_to_pulumi(item) for item in value] if isinstance(value, list) else value
