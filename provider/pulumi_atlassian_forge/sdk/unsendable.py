"""Arguments that Pulumi's SDK cannot send to the engine: refused at the resource, before the SDK fails without saying where."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.model.values import NAME_NOT_TEXT, is_name, scalar_problem

from .arguments import TriggerFilter, TriggerPayload, TriggerPayloadInclude

# Numbers too: the plugin validates them, with the property path.
_PASSED = (pulumi.Output, pulumi.Resource, pulumi.Asset, pulumi.Archive, bool, int, float, type(None))


def reject_unsendable(resource_name: str, properties: Mapping[str, Any]) -> None:
    """Raise a :class:`ForgeError` that names every value that JSON cannot hold. The values of outputs are not checked."""
    found = [text for name, value in properties.items() for text in _problems(value, name, ())]
    if found:
        raise ForgeError("\n".join([f"the arguments of {resource_name!r} cannot be sent", *found]))


def _problems(value: Any, path: str, above: tuple[int, ...]) -> Iterator[str]:
    if isinstance(value, _PASSED) or inspect.isawaitable(value):
        return
    parts = items_of(value)
    if parts is None:
        problem = scalar_problem(value)
        if problem is not None:
            yield f"{path}: {problem}"
    elif id(value) in above:
        yield f"{path}: holds itself: a tree is needed"
    else:
        for name, item in parts:
            if isinstance(name, int):
                yield from _problems(item, f"{path}[{name}]", (*above, id(value)))
            elif is_name(name):
                yield from _problems(item, f"{path}.{name}", (*above, id(value)))
            else:
                yield f"{path}: {NAME_NOT_TEXT}"


def items_of(value: Any) -> list[tuple[Any, Any]] | None:
    """The items of a container by name or index; None if the value is not a container. A typed argument has its Python names."""
    if isinstance(value, Mapping):
        return [(name if isinstance(name, str) else None, item) for name, item in value.items()]
    if isinstance(value, (TriggerFilter, TriggerPayload, TriggerPayloadInclude)):
        return list(vars(value).items())
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview, range)):
        return list(enumerate(value))
    return None
