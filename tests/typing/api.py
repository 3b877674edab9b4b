"""Never run, only type-checked: what an editor shows and what mypy strict and pyright refuse.

Each misuse carries the ignore of both checkers, and both report an ignore that is not needed: so a misuse that is no longer
flagged fails `make lint`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_type

import pulumi

import pulumi_atlassian_forge as forge

EVENTS: list[forge.EventName] = ["avi:jira:updated:issue"]
name: pulumi.Output[str] = pulumi.Output.from_input("x")
names: pulumi.Output[list[str]] = pulumi.Output.from_input(["x"])

# --- use -------------------------------------------------------------------------------------------------------------------

trigger = forge.TriggerModule(
    "one",
    events=["avi:jira:updated:issue", "a:name:nobody:knows", name],
    endpoint=name,
    filter=forge.TriggerFilter(expression=name, on_error="RECEIVE", ignore_self=True, app_is_licensed=False),
    payload=forge.TriggerPayload(include=forge.TriggerPayloadInclude(property_paths=["issue.key"], fields=[name])),
    key=name,
    installation="acme",
    opts=pulumi.ResourceOptions(protect=True),
)
forge.TriggerModule("two", events=names, function="f")
forge.TriggerModule("three", events=EVENTS, function=name)
forge.TriggerModule(
    "four", events=EVENTS, function="f", filter=name.apply(lambda text: forge.TriggerFilter(expression=text, ignore_self=True))
)
module = forge.DynamicModule("five", type="jira:issuePanel", data={"title": "Risk", "icon": name, "more": [1, {"a": None}]})

assert_type(trigger.id, pulumi.Output[str])
assert_type(trigger.key, pulumi.Output[str])
assert_type(trigger.installation, pulumi.Output[str])
assert_type(trigger.api_version, pulumi.Output[str])
assert_type(trigger.events, pulumi.Output[Sequence[str]])
assert_type(trigger.function, pulumi.Output[str | None])
assert_type(trigger.data, pulumi.Output[Mapping[str, Any]])
assert_type(module.type, pulumi.Output[str])
assert_type(module.data, pulumi.Output[Mapping[str, Any]])

# --- misuse ----------------------------------------------------------------------------------------------------------------

forge.TriggerModule("m1", event=["avi:jira:updated:issue"], function="f")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]
forge.TriggerModule("m2", events=["avi:jira:updated:issue"], function=7)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]
forge.TriggerModule("m3", events=EVENTS, function="f", endpoint="e")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
forge.TriggerModule("m4", events=EVENTS)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]
forge.TriggerModule("m5", events=EVENTS, function="f", installation=name)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]
forge.TriggerFilter(on_error="PANIC", expression="x")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
forge.TriggerFilter("x")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
forge.DynamicModule("m6", type=3, data={})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
forge.DynamicModule("m7", type="x")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
