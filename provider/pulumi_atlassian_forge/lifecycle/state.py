"""The outputs and inputs in state. They are users' data for ever: docs/adr/0001-state.md is the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.model.comparison import as_declared, server_additions
from pulumi_atlassian_forge.model.content import TRIGGER, Content, is_typed, properties_of

SCHEMA: Final = 1
"""The version of the state's form. ``__schema`` also distinguishes a refresh (old outputs) from a get (inputs only)."""

_OUTPUTS_ONLY: Final = frozenset({"__identity", "__made", "__schema", "__server", "__siblings", "__type"})


def outputs_of(
    base: Mapping[str, Any],
    declared: Content,
    live: LiveModule,
    server: list[str] | None,
    *,
    typed: bool | None = None,
    first_look: bool = False,
) -> dict[str, Any]:
    """The outputs of a module: its declaration as it is live, and the hidden properties.

    ``base`` is the inputs, or the old outputs of a refresh. ``server`` is the paths that the server added; None: not known yet,
    and with ``first_look`` taken from ``live``. By default the module is a ``TriggerModule`` if ``base`` is one.
    """
    typed = is_typed(base) if typed is None else typed
    outputs: dict[str, Any] = {"key": live.key, "installation": base["installation"], "apiVersion": base["apiVersion"]}
    outputs |= {name: base[name] for name in ("__name", "__made", "__identity", "adopt") if name in base}
    outputs["__schema"] = SCHEMA
    if typed and live.content.type != TRIGGER:
        # The key has another type now: a trigger's properties cannot show that, and only a replacement fixes it.
        return outputs | {"__type": live.content.type}
    seen = as_declared(declared, live.content, server) if live.content.type == declared.type else live.content
    if first_look:
        server = server_additions(seen, live.content)
    if server is not None:
        outputs["__server"] = server
    return outputs | properties_of(seen, typed=typed)


def inputs_of(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that a refresh returns beside the outputs: what the user manages, in the form that ``check`` produces."""
    server_made = _OUTPUTS_ONLY | ({"key"} if outputs["apiVersion"] == "v2" else set())
    return {name: value for name, value in outputs.items() if name not in server_made}
