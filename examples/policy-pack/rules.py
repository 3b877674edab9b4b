"""The rules of the policies: plain functions of a module's properties, which can be tested without Pulumi.

A message names properties and the policy's own configuration, never a value of the program, because it may be a secret.

Properties are read lazily. In a preview a property may be unknown until `up`. Reading it ends the policy with a notice of
`pulumi-policy`, and a policy that does not need the property should still run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

Properties = Mapping[str, Any]
Rule = Callable[[str, Properties, Mapping[str, Any]], Iterator[str]]
"""Takes a resource's type, its properties and the policy's configuration; yields one message for each violation."""

StackRule = Callable[[Sequence[str], Mapping[str, Any]], Iterator[str]]
"""Takes the types of all resources of a stack and the policy's configuration; yields one message for each violation."""

TRIGGER = "pulumi-python:dynamic/atlassian-forge:TriggerModule"
DYNAMIC = "pulumi-python:dynamic/atlassian-forge:DynamicModule"
MODULES = (TRIGGER, DYNAMIC)
TARGETS = {"function": "functions", "endpoint": "endpoints"}
"""The properties that name a call target, and the settings that list the allowed targets."""


def unfiltered_views(resource_type: str, properties: Properties, config: Mapping[str, Any]) -> Iterator[str]:
    """View events without a filter expression. `ignoreSelf` is not enough: views are caused by users, hardly ever by the app."""
    for path, pattern in _unfiltered(resource_type, properties, config["events"], "expression"):
        yield (
            f"{path} matches {pattern} and no filter has an expression: the app would be called for every view by any user. "
            "Next: add a filter with an expression to the trigger, or remove the event."
        )


def self_triggering(resource_type: str, properties: Properties, config: Mapping[str, Any]) -> Iterator[str]:
    """Events that the app itself causes when it handles them."""
    for path, pattern in _unfiltered(resource_type, properties, config["events"], "ignoreSelf"):
        yield (
            f"{path} matches {pattern} and no filter has ignoreSelf: an app that updates the issue it was notified about "
            "triggers itself in an endless loop. Next: set ignore_self=True in the filter (in data: ignoreSelf). Events of other "
            "products do not support it and need a separate trigger."
        )


def disallowed_targets(resource_type: str, properties: Properties, config: Mapping[str, Any]) -> Iterator[str]:
    """Functions and endpoints that are not in the list of allowed ones, at any depth of a module's data."""
    limited = {name: config[setting] for name, setting in TARGETS.items() if "*" not in config[setting]}
    if not limited:
        return
    where, content = _target_holder(resource_type, properties)
    for path, name, target in _targets(where, content):
        allowed = limited.get(name)
        if allowed is not None and not any(fnmatchcase(target, pattern) for pattern in allowed):
            yield (
                f"{path} is not an allowed target ({', '.join(allowed) or 'nothing'}). "
                f"Next: use an allowed target, or add this one to {TARGETS[name]!r} in the configuration of the policies."
            )


def too_many_modules(resource_types: Sequence[str], config: Mapping[str, Any]) -> Iterator[str]:
    """More modules in a stack than the configured maximum."""
    count, maximum = sum(kind in MODULES for kind in resource_types), int(config["maximum"])
    if count > maximum:
        yield (
            f"The stack has {count} modules, more than the maximum of {maximum}: an installation has at most 100, and replacing "
            "a module needs a free slot. Next: remove modules, or move some to a stack of another installation."
        )


def _trigger(resource_type: str, properties: Properties) -> tuple[str, Properties]:
    """The properties of a trigger, of either resource type, and the path to them; empty for other modules."""
    if resource_type == TRIGGER:
        return "", properties
    if resource_type == DYNAMIC and properties.get("type") == "trigger" and isinstance(properties.get("data"), Mapping):
        return "data.", properties["data"]
    return "", {}


def _target_holder(resource_type: str, properties: Properties) -> tuple[str, object]:
    """The value that may name targets, and the path to it: two properties of a trigger, or the data of another module."""
    prefix, trigger = _trigger(resource_type, properties)
    if trigger:
        return prefix.removesuffix("."), {name: trigger[name] for name in TARGETS if name in trigger}
    return "data", properties.get("data") if resource_type == DYNAMIC else None


def _unfiltered(resource_type: str, properties: Properties, patterns: Sequence[str], needed: str) -> Iterator[tuple[str, str]]:
    """Events that match a pattern and have no filter with the given property: the path and the pattern."""
    prefix, trigger = _trigger(resource_type, properties)
    for index, event in enumerate(trigger.get("events") or ()):
        own = event if isinstance(event, Mapping) else {"eventType": event}
        name = str(own.get("eventType"))
        pattern = next((pattern for pattern in patterns if fnmatchcase(name, pattern)), None)
        if pattern is not None and not _has_filter_with((trigger, own), needed):
            yield f"{prefix}events[{index}]", pattern


def _has_filter_with(holders: Sequence[Properties], name: str) -> bool:
    """Whether the filter of a trigger or of one of its events has a property."""
    filters = (holder.get("filter") for holder in holders)
    return any(isinstance(each, Mapping) and bool(each.get(name)) for each in filters)


def _targets(path: str, value: object) -> Iterator[tuple[str, str, str]]:
    """All string properties named `function` or `endpoint`: the path, the name, the value."""
    if isinstance(value, Mapping):
        for name in value:
            inner, below = value[name], f"{path}.{name}" if path else name
            if name in TARGETS and isinstance(inner, str):
                yield below, name, inner
            else:
                yield from _targets(below, inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, inner in enumerate(value):
            yield from _targets(f"{path}[{index}]", inner)
