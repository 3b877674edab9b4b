"""What the policies say: plain functions of a module's properties, to be read and tested without Pulumi.

A message names properties and the policy's own configuration, never a value of the program: that may be a secret.

Properties are read no sooner than they are needed. In a preview one may be unknown until `up`; reading it ends the policy with
a notice of `pulumi-policy`, and a policy that has no need of it should run all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

Properties = Mapping[str, Any]
Rule = Callable[[str, Properties, Mapping[str, Any]], Iterator[str]]
"""From a resource's type, its properties and the policy's configuration to one message for each violation."""

StackRule = Callable[[Sequence[str], Mapping[str, Any]], Iterator[str]]
"""The same, from the types of all resources of a stack."""

TRIGGER = "pulumi-python:dynamic/atlassian-forge:TriggerModule"
DYNAMIC = "pulumi-python:dynamic/atlassian-forge:DynamicModule"
MODULES = (TRIGGER, DYNAMIC)
TARGETS = {"function": "functions", "endpoint": "endpoints"}
"""A property that says what is called, and the setting that lists what may be."""


def unfiltered(resource_type: str, properties: Properties, config: Mapping[str, Any]) -> Iterator[str]:
    """Events that are too many without a filter. Only an expression narrows them: who looks at a page is hardly ever the app."""
    for path, pattern in _events_without(resource_type, properties, config["events"], "expression"):
        yield (
            f"{path} matches {pattern} and no filter has an expression: the app would be called at every view, by anybody. "
            "Next: give the trigger a filter with an expression, or leave the event out."
        )


def calls_itself(resource_type: str, properties: Properties, config: Mapping[str, Any]) -> Iterator[str]:
    """Events that the app causes by its own response to them."""
    for path, pattern in _events_without(resource_type, properties, config["events"], "ignoreSelf"):
        yield (
            f"{path} matches {pattern} and no filter has ignoreSelf: an app that changes what it is told of calls itself "
            "without end. Next: set ignore_self=True in the filter (in data: ignoreSelf); events of other products than "
            "Jira do not take it and need a trigger of their own."
        )


def forbidden_target(resource_type: str, properties: Properties, config: Mapping[str, Any]) -> Iterator[str]:
    """Functions and endpoints that are not on the list, at any depth of a module's data."""
    limited = {name: config[setting] for name, setting in TARGETS.items() if "*" not in config[setting]}
    if not limited:
        return
    where, content = _calling(resource_type, properties)
    for path, name, target in _targets(where, content):
        allowed = limited.get(name)
        if allowed is not None and not any(fnmatchcase(target, pattern) for pattern in allowed):
            yield (
                f"{path} is not among what may be called ({', '.join(allowed) or 'nothing'}). "
                f"Next: name one that is, or have this one added to {TARGETS[name]!r} in the configuration of the policies."
            )


def too_many(resource_types: Sequence[str], config: Mapping[str, Any]) -> Iterator[str]:
    """More modules in a stack than there should be."""
    count, maximum = sum(kind in MODULES for kind in resource_types), int(config["maximum"])
    if count > maximum:
        yield (
            f"The stack has {count} modules, and the most that is allowed is {maximum}: an installation holds 100, and a module "
            "that is replaced needs a free place. Next: take modules out, or move some to a stack of another installation."
        )


def _trigger(resource_type: str, properties: Properties) -> tuple[str, Properties]:
    """The properties of a trigger, however it is declared, and the path to them; none of what is no trigger."""
    if resource_type == TRIGGER:
        return "", properties
    if resource_type == DYNAMIC and properties.get("type") == "trigger" and isinstance(properties.get("data"), Mapping):
        return "data.", properties["data"]
    return "", {}


def _calling(resource_type: str, properties: Properties) -> tuple[str, object]:
    """What may name a function or an endpoint, and the path to it: two properties of a trigger, any of another module's data."""
    prefix, trigger = _trigger(resource_type, properties)
    if trigger:
        return prefix.removesuffix("."), {name: trigger[name] for name in TARGETS if name in trigger}
    return "data", properties.get("data") if resource_type == DYNAMIC else None


def _events_without(resource_type: str, properties: Properties, patterns: Sequence[str], guard: str) -> Iterator[tuple[str, str]]:
    """The events that match and for which no filter has that property: the path and the pattern."""
    prefix, trigger = _trigger(resource_type, properties)
    for index, event in enumerate(trigger.get("events") or ()):
        own = event if isinstance(event, Mapping) else {"eventType": event}
        name = str(own.get("eventType"))
        pattern = next((pattern for pattern in patterns if fnmatchcase(name, pattern)), None)
        if pattern is not None and not _in_a_filter((trigger, own), guard):
            yield f"{prefix}events[{index}]", pattern


def _in_a_filter(holders: Sequence[Properties], name: str) -> bool:
    filters = (holder.get("filter") for holder in holders)
    return any(isinstance(each, Mapping) and bool(each.get(name)) for each in filters)


def _targets(path: str, value: object) -> Iterator[tuple[str, str, str]]:
    """Whatever is called `function` or `endpoint` and is a text: the path, the name, the text."""
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
