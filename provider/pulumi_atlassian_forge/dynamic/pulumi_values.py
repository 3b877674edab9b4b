"""Pulumi's values as plain values, and back: what the hooks receive and return."""

from __future__ import annotations

from typing import Any

import pulumi

from pulumi_atlassian_forge.model.values import UNKNOWN, normalise

from . import hidden_properties


def text(value: object) -> str | None:
    """A value of the configuration as a text; None if it is not set."""
    return value if value is None or isinstance(value, str) else str(value)


def incoming(props: dict[str, Any]) -> dict[str, Any]:
    """Pulumi's values as ours: without ``__provider``, whole floats as ints, and its unknowns as :data:`UNKNOWN`."""
    own = {name: _from_pulumi(value) for name, value in props.items() if name != "__provider"}
    return normalise(hidden_properties.unpack(own))  # type: ignore[no-any-return]


def outgoing(props: dict[str, Any]) -> dict[str, Any]:
    """The way back: a new dictionary, because the runtime adds ``__provider`` to it."""
    return hidden_properties.pack({name: _to_pulumi(value) for name, value in props.items()})


def _from_pulumi(value: Any) -> Any:
    if isinstance(value, pulumi.output.Unknown):
        return UNKNOWN
    if isinstance(value, dict):
        return {name: _from_pulumi(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_from_pulumi(item) for item in value]
    return value


def _to_pulumi(value: Any) -> Any:
    """The runtime writes any ``Unknown`` as its wire constant."""
    if value is UNKNOWN:
        return pulumi.UNKNOWN
    if isinstance(value, dict):
        return {name: _to_pulumi(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_to_pulumi(item) for item in value]
    return value
