"""The outputs and inputs in state. They are users' data for ever: docs/adr/0001-state.md is the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.model.comparison import as_declared, differences, normalized_forms, overlap, server_additions
from pulumi_atlassian_forge.model.content import TRIGGER, Content, is_typed, properties_of

SCHEMA: Final = 1
"""The version of the state's form. ``__schema`` also distinguishes a refresh (old outputs) from a get (inputs only)."""

_OUTPUTS_ONLY: Final = frozenset(
    {"__identity", "__made", "__normalized", "__schema", "__server", "__siblings", "__successor", "__type"}
)


@dataclass(frozen=True, slots=True)
class ServerForm:
    """What a server made of the content of our last write: neither is a change outside Pulumi.

    ``added`` are the paths that it added; None: not known yet. ``normalized`` are the remembered forms of what it changed.
    """

    added: list[str] | None = None
    normalized: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_response(cls, sent: Content, response: Content) -> ServerForm:
        """From the response to a write."""
        normalized = normalized_forms(sent, response)
        covered = overlap(added := server_additions(sent, response), [*normalized])
        return cls([path for path in added if path not in covered], normalized)

    @classmethod
    def recorded(cls, olds: Mapping[str, Any]) -> ServerForm:
        """From the outputs in state."""
        return cls(olds.get("__server"), olds.get("__normalized") or {})

    def without(self, paths: Sequence[str]) -> ServerForm:
        """Without the remembered forms of values that are no longer declared as they were."""
        stale = overlap([*self.normalized], paths) if self.normalized else []
        return ServerForm(self.added, {path: form for path, form in self.normalized.items() if path not in stale})


def outputs_of(
    base: Mapping[str, Any],
    declared: Content,
    live: LiveModule,
    server: ServerForm,
    *,
    typed: bool | None = None,
    first_look: bool = False,
) -> dict[str, Any]:
    """The outputs of a module: its declaration as it is live, and the hidden properties.

    ``base`` is the inputs, or the old outputs of a refresh. With ``first_look`` the paths that the server added are not known
    yet, and taken from ``live``. By default the module is a ``TriggerModule`` if ``base`` is one.
    """
    typed = is_typed(base) if typed is None else typed
    outputs: dict[str, Any] = {"key": live.key, "installation": base["installation"], "apiVersion": base["apiVersion"]}
    outputs |= {name: base[name] for name in ("__name", "__made", "__identity", "adopt") if name in base}
    outputs["__schema"] = SCHEMA
    if typed and live.content.type != TRIGGER:
        # The key has another type now: a trigger's properties cannot show that, and only a replacement fixes it.
        return outputs | {"__type": live.content.type}
    if live.content.type == declared.type:
        seen = as_declared(declared, live.content, server.added, server.normalized)
        server = server.without(differences(declared, seen))  # state holds the live value of these now
    else:
        seen, server = live.content, ServerForm(server.added)
    added = server_additions(seen, live.content) if first_look else server.added
    if added is not None:
        outputs["__server"] = added
    if server.normalized:
        outputs["__normalized"] = dict(server.normalized)
    return outputs | properties_of(seen, typed=typed)


def inputs_of(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that a refresh returns beside the outputs: what the user manages, in the form that ``check`` produces."""
    server_made = _OUTPUTS_ONLY | ({"key"} if outputs["apiVersion"] == "v2" else set())
    return {name: value for name, value in outputs.items() if name not in server_made}
