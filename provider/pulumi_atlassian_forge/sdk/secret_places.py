"""Tells the plugin which arguments are secret, because Pulumi does not: the hooks of a dynamic provider receive plain values.

The program sends the places of its secrets, not their values, as the hidden input ``__secrets``. ``check`` takes it out again and
redacts the values at these places from every message of its process (docs/adr/0007-declared-secrets.md). It never reaches state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from pulumi_atlassian_forge.dynamic.pulumi_values import SECRETS

from .unsendable import items_of

Place = tuple[str | int, ...]


def hidden_inputs(properties: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> dict[str, Any]:
    """The hidden input; none if the arguments hold no output, so that no resource without a secret has it."""
    outputs = [found for name, value in properties.items() for found in _outputs(value, (name,))]
    declared = [(_camel(name),) for name in (opts.additional_secret_outputs if opts is not None else None) or ()]
    return {SECRETS: _secret(outputs, declared)} if outputs or declared else {}


async def _secret(outputs: list[tuple[Place, pulumi.Output[Any]]], declared: list[tuple[str]]) -> list[list[str | int]]:
    """The places of the outputs that are secret. That is known before their values are."""
    found: list[Place] = [*declared, *[place for place, output in outputs if await output.is_secret()]]
    return [[*place] for place in found]


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def _outputs(value: Any, place: Place) -> Iterator[tuple[Place, pulumi.Output[Any]]]:
    if isinstance(value, pulumi.Output):
        yield place, value
        return
    for name, item in items_of(value) or ():
        # A typed argument has Python names, and a dictionary the names of the API.
        step = _camel(name) if isinstance(name, str) and not isinstance(value, Mapping) else name
        yield from _outputs(item, (*place, step))
