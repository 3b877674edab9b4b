"""What a program cannot even hand to the engine: found where it is written, before the SDK fails deep inside itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.model.values import has_lone_surrogate

from .arguments import TriggerFilter, TriggerPayload, TriggerPayloadInclude

_SENT_AS_THEY_ARE = (pulumi.Output, pulumi.Resource, pulumi.Asset, pulumi.Archive, bool, int, float, type(None))


def reject_unsendable(resource_name: str, properties: Mapping[str, Any]) -> None:
    """Refuse values of kinds that JSON does not have, and text that no encoding carries.

    Args:
        resource_name: The logical name, for the message.
        properties: The arguments; outputs in them are not looked into.

    Raises:
        ForgeError: There is such a value; all are named.
    """
    found = [text for name, value in properties.items() for text in _unsendable(value, name, ())]
    if found:
        raise ForgeError("\n".join([f"the arguments of {resource_name!r} cannot be sent", *found]))


def _unsendable(value: Any, path: str, above: tuple[int, ...]) -> Iterator[str]:
    if isinstance(value, str):
        if has_lone_surrogate(value):
            yield f"{path}: holds a lone surrogate, which no text encoding can carry: correct the string"
    elif isinstance(value, _SENT_AS_THEY_ARE) or inspect.isawaitable(value):
        return
    elif (parts := _parts(value)) is None:
        yield f"{path}: is a {type(value).__name__}, which JSON cannot hold: give text, a number, a list or a dictionary"
    elif id(value) in above:
        yield f"{path}: holds itself: a tree is needed"
    else:
        for name, item in parts:
            if isinstance(name, int):
                yield from _unsendable(item, f"{path}[{name}]", (*above, id(value)))
            elif isinstance(name, str) and not has_lone_surrogate(name):
                yield from _unsendable(item, f"{path}.{name}", (*above, id(value)))
            else:
                yield f"{path}: has a name that is not text: JSON cannot hold it"


def _parts(value: Any) -> list[tuple[Any, Any]] | None:
    """What a container holds, with names or places; None of anything else."""
    if isinstance(value, Mapping):
        # An integer as a name is not a place.
        return [(name if isinstance(name, str) else None, item) for name, item in value.items()]
    if isinstance(value, (TriggerFilter, TriggerPayload, TriggerPayloadInclude)):
        return list(vars(value).items())
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview, range)):
        return list(enumerate(value))
    return None
