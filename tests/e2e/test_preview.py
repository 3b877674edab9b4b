"""What a reviewer sees in a pull request, and that `up` then does that and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.support.campaign import runs
from tests.support.independent_server import Module, Server
from tests.support.project import Project

TRIGGER = """
forge.TriggerModule(
    "one",
    events=[{events}],
    endpoint="hook",
    filter=forge.TriggerFilter(expression="event.issue", on_error="RECEIVE"),
)
"""

# A resource of another provider whose outputs are unknown in preview, and known in `up`.
OTHER = """
from typing import Any
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Other(ResourceProvider):
    def create(self, props):
        return CreateResult("other", {**props, "value": props["give"]})
    def diff(self, _id, olds, news):
        from pulumi.dynamic import DiffResult
        changed = olds.get("give") != news.get("give")
        return DiffResult(changes=changed, replaces=["give"] if changed else [])

class Thing(Resource):
    value: pulumi.Output[Any]
    def __init__(self, name, give):
        super().__init__(Other(), name, {"give": give, "value": None})
"""


def changed_lines(text: str) -> list[str]:
    """The lines of a detailed diff that carry a mark, without headers, counts and alignment."""
    marked = [" ".join(line.split()) for line in text.splitlines() if line.strip()[:2] in ("~ ", "+ ", "- ")]
    return [re.sub(r"^(.) (\S+) :", r"\1 \2:", line) for line in marked if not re.match(r". (pulumi|\d+ to )", line)]


def test_a_changed_event_is_the_only_thing_that_shows(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(TRIGGER.format(events='"avi:jira:updated:issue", "avi:jira:created:issue"'))
    assert stack.up().code == 0
    stack.program(TRIGGER.format(events='"avi:jira:updated:issue", "avi:jira:deleted:issue"'))
    seen = stack.preview("--diff")
    assert seen.code == 0, seen.text
    assert changed_lines(seen.stdout) == [
        "~ events: [",
        '~ [1]: "avi:jira:created:issue" => "avi:jira:deleted:issue"',
    ]


def test_a_new_order_of_events_changes_nothing(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(TRIGGER.format(events='"avi:jira:updated:issue", "avi:jira:created:issue"'))
    assert stack.up().code == 0
    stack.program(TRIGGER.format(events='"avi:jira:created:issue", "avi:jira:updated:issue"'))
    assert stack.preview("--expect-no-changes").code == 0


@pytest.mark.parametrize(
    ("give", "arguments", "expected"),
    [
        ('"avi:jira:created:issue"', 'events=["avi:jira:updated:issue", thing.value], endpoint="hook"', ["updated", "created"]),
        ('["avi:jira:created:issue"]', 'events=thing.value, endpoint="hook"', ["created"]),
    ],
    ids=["one-of-the-events", "the-whole-list"],
)
def test_an_unknown_in_the_events_previews_and_registers_the_right_value(
    project: Callable[..., Project], server: Server, give: str, arguments: str, expected: list[str]
) -> None:
    stack = project(server)
    stack.program(f'{OTHER}\nthing = Thing("thing", {give})\nforge.TriggerModule("one", {arguments})\n')
    assert stack.preview("--diff").code == 0
    assert not server.calls
    done = stack.up()
    assert done.code == 0, done.text
    assert server.modules()[0]["data"]["events"] == [f"avi:jira:{name}:issue" for name in expected]
    assert stack.preview("--expect-no-changes").code == 0


def test_a_filter_built_by_apply_previews_and_registers_the_right_value(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(
        f"""{OTHER}
thing = Thing("thing", "Bug")
forge.TriggerModule(
    "one",
    events=["avi:jira:updated:issue"],
    endpoint="hook",
    filter=thing.value.apply(lambda name: forge.TriggerFilter(expression=f"event.name == '{{name}}'", on_error="IGNORE")),
)
"""
    )
    assert stack.preview("--diff").code == 0
    done = stack.up()
    assert done.code == 0, done.text
    assert server.modules()[0]["data"]["filter"] == {"expression": "event.name == 'Bug'", "onError": "IGNORE"}
    assert stack.preview("--expect-no-changes").code == 0


def test_a_key_that_becomes_unknown_previews_as_a_replace(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    program = (
        OTHER
        + """
thing = Thing("thing", "GIVEN")
forge.TriggerModule("one", key=thing.value, events=["avi:jira:updated:issue"], endpoint="hook")
"""
    )
    stack.program(program.replace("GIVEN", "first"))
    assert stack.up().code == 0
    stack.program(program.replace("GIVEN", "second"))
    seen = stack.preview()
    assert seen.code == 0, seen.text
    assert seen.summary["to"] == 2, seen.text  # both are replaced
    done = stack.up()
    assert done.code == 0, done.text
    assert [module["key"] for module in server.modules()] == ["second"]


@pytest.mark.parametrize(
    ("version", "shape"), [("v1", "array"), ("v2", "envelope"), ("v1", "envelope"), ("v2", "array")][: runs(2, 4)]
)
def test_what_the_server_adds_is_no_drift_and_what_a_person_adds_is(
    project: Callable[..., Project], server: Server, version: str, shape: str
) -> None:
    server.list_shape = shape

    def rewrite(module: Module) -> Module:
        data = {**module["data"], "modified": "2026-01-01"}
        if module["type"] == "trigger":
            data["events"] = sorted(data["events"])
            if "filter" in data:
                data["filter"] = {"onError": "IGNORE_AND_LOG", "ignoreSelf": False, **data["filter"]}
        else:
            data["viewportSize"] = "medium"
        return {**module, "data": data, "createdBy": "somebody"}

    server.rewrite = rewrite
    stack = project(server, apiVersion=version)
    stack.program(
        """
forge.TriggerModule("plain", events=["avi:jira:updated:issue", "avi:jira:created:issue"], endpoint="hook")
forge.TriggerModule("filtered", events=["avi:jira:updated:issue"], endpoint="hook", filter=forge.TriggerFilter(expression="x"))
forge.DynamicModule("panel", type="jira:issueAction", data={"title": "Risk", "resource": "main"})
"""
    )
    assert stack.up().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    refreshed = stack.refresh()
    assert refreshed.summary == {"unchanged": 4}, refreshed.text
    assert stack.preview("--expect-no-changes").code == 0

    for module in server.modules(version):
        if module["type"] == "trigger" and "filter" not in module["data"]:
            module["data"]["filter"] = {"ignoreSelf": True}
        if module["type"] != "trigger":
            module["data"]["icon"] = "by-hand.svg"
    assert stack.refresh().summary["updated"] == 2
    seen = stack.preview("--diff")
    assert changed_lines(seen.stdout) == [
        '- icon: "by-hand.svg"',
        "- filter: {",
        "- ignoreSelf: true",
    ] or set(changed_lines(seen.stdout)) >= {'- icon: "by-hand.svg"', "- ignoreSelf: true"}, seen.stdout
    assert stack.up().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    for module in server.modules(version):
        assert "icon" not in module["data"]
        assert module["data"].get("filter", {}).get("ignoreSelf") is not True


def test_another_type_under_the_same_key_replaces_delete_first(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    program = 'forge.DynamicModule("one", type="{type}", data={{"title": "Risk", "resource": "main"}})'
    stack.program(program.format(type="jira:issueAction"))
    assert stack.up().code == 0
    server.calls.clear()
    stack.program(program.format(type="jira:issueActivity"))
    done = stack.up()
    assert done.code == 0, done.text
    assert [call.method for call in server.calls] == ["DELETE", "POST"]
    assert [module["type"] for module in server.modules()] == ["jira:issueActivity"]


def test_another_key_replaces_create_first(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    program = 'forge.TriggerModule("one", key="{key}", events=["avi:jira:updated:issue"], endpoint="hook")'
    stack.program(program.format(key="a"))
    assert stack.up().code == 0
    server.calls.clear()
    stack.program(program.format(key="b"))
    assert stack.up().code == 0
    # The list says that this is the installation of the module in the state, before anything is registered.
    assert [call.method for call in server.calls] == ["GET", "POST", "DELETE"]
    assert [module["key"] for module in server.modules()] == ["b"]


def test_two_resources_with_one_key_fail_in_preview_with_both_names(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(
        """
class Team(pulumi.ComponentResource):
    def __init__(self, kind, name):
        super().__init__(f"my:{kind}", name)
        forge.TriggerModule("hook", events=["avi:jira:updated:issue"], endpoint="hook", opts=pulumi.ResourceOptions(parent=self))

Team("Blue", "blue-team")
Team("Red", "red-team")
"""
    )
    seen = stack.preview()
    assert seen.code != 0
    assert "blue-team/hook" in seen.text
    assert "red-team/hook" in seen.text
    assert "give one of them another key=" in seen.text
    assert not server.calls
