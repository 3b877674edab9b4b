"""Never run, only type-checked: what an editor shows and what mypy strict and pyright refuse.

Each misuse carries the ignore of both checkers, and both report an ignore that is not needed: so a misuse that is no longer
flagged fails `make lint`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_type

import pulumi

import pulumi_atlassian_forge as forge


def name_in_a_file() -> str | None: ...


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
# As read from a file or from configuration: what the run time takes, both checkers take.
maybe: str | None = name_in_a_file()
raw: dict[str, object] | None = {"expression": "true"}
texts: list[str] = ["avi:jira:new:thing"]
optional: pulumi.Output[str | None] = pulumi.Output.from_input(None)
forge.TriggerModule(
    "optional", events=texts, function=maybe, endpoint=optional, filter=raw, key=maybe, installation=maybe, adopt=maybe
)
forge.TriggerModule("dictionaries", events=texts, function="f", filter={"onError": "NEW"}, payload={"include": {"fields": ["a"]}})
forge.TriggerModule(
    "objects", events=[{"eventType": "avi:jira:updated:issue", "filter": {"expression": name}}, name], endpoint="e"
)
forge.TriggerModule("tuple", events=("avi:jira:created:issue",), function="f", filter=forge.TriggerFilter(expression=maybe))
forge.TriggerModule("new-value", events=texts, function="f", filter=forge.TriggerFilter(expression="x", on_error="RETRY"))
forge.TriggerModule("include", events=texts, function="f", payload=forge.TriggerPayload(include={"propertyPaths": ["a"]}))
arguments: dict[str, Any] = {"events": texts, "function": "f"}
forge.TriggerModule("arguments", **arguments)
module = forge.DynamicModule("five", type="jira:issuePanel", data={"title": "Risk", "icon": name, "more": [1, {"a": None}]})

assert_type(trigger.id, pulumi.Output[str])
assert_type(trigger.key, pulumi.Output[str])
assert_type(trigger.installation, pulumi.Output[str])
assert_type(trigger.api_version, pulumi.Output[str])
assert_type(trigger.events, pulumi.Output[Sequence[str | Mapping[str, Any]]])
assert_type(trigger.function, pulumi.Output[str | None])
assert_type(trigger.data, pulumi.Output[Mapping[str, Any]])
assert_type(module.type, pulumi.Output[str])
assert_type(module.data, pulumi.Output[Mapping[str, Any]])

# --- misuse ----------------------------------------------------------------------------------------------------------------

forge.TriggerModule("m1", event=["avi:jira:updated:issue"], function="f")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
forge.TriggerModule("m2", events=["avi:jira:updated:issue"], function=7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
forge.TriggerModule("m3", events=[7], function="f")  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
forge.TriggerModule("m4", function="f")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
forge.TriggerModule("m5", events=EVENTS, function="f", installation=name)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
forge.TriggerFilter(on_error=3, expression="x")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
forge.TriggerFilter("x")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
forge.DynamicModule("m6", type=3, data={})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
forge.DynamicModule("m7", type="x")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
