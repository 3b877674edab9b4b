"""The diff that a reviewer sees in a pull request, and that `up` then does that and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from testing.independent_server import Module, Server
from testing.installations import Installations, joined, served
from testing.project import Project
from testing.soak import runs
from tests.support.engines import BOTH_ENGINES, CLI

TRIGGER = """
forge.TriggerModule(
    "{name}",
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


def events(changed: str, reordered: str) -> str:
    return TRIGGER.format(name="changed", events=changed) + TRIGGER.format(name="reordered", events=reordered)


@pytest.mark.smoke
def test_a_changed_event_is_the_only_thing_that_shows_and_a_new_order_changes_nothing(
    project: Callable[..., Project], server: Server
) -> None:
    stack = project(server)
    before = '"avi:jira:updated:issue", "avi:jira:created:issue"'
    stack.program(events(before, before))
    assert stack.up().code == 0
    stack.program(
        events('"avi:jira:updated:issue", "avi:jira:deleted:issue"', '"avi:jira:created:issue", "avi:jira:updated:issue"')
    )
    seen = stack.preview("--diff")
    assert seen.code == 0, seen.text
    assert changed_lines(seen.stdout) == [
        "~ events: [",
        '~ [1]: "avi:jira:created:issue" => "avi:jira:deleted:issue"',
    ]
    assert seen.summary == {"to": 1, "unchanged": 2}, seen.text


@BOTH_ENGINES
def test_what_is_unknown_in_preview_registers_the_right_value(project: Callable[..., Project], server: Server) -> None:
    """One of the events, the whole list of them, and a filter that is built by apply."""
    stack = project(server)
    stack.program(
        f"""{OTHER}
created = Thing("created", "avi:jira:created:issue")
several = Thing("several", ["avi:jira:created:issue"])
bug = Thing("bug", "Bug")
forge.TriggerModule("one-of-the-events", events=["avi:jira:updated:issue", created.value], endpoint="hook")
forge.TriggerModule("the-whole-list", events=several.value, endpoint="hook")
forge.TriggerModule(
    "filter",
    events=["avi:jira:updated:issue"],
    endpoint="hook",
    filter=bug.value.apply(lambda name: forge.TriggerFilter(expression=f"event.name == '{{name}}'", on_error="IGNORE")),
)
"""
    )
    assert stack.preview("--diff").code == 0
    assert not server.calls
    done = stack.up()
    assert done.code == 0, done.text
    data = {module["key"]: module["data"] for module in server.modules()}
    assert {key: one["events"] for key, one in data.items()} == {
        "one-of-the-events": ["avi:jira:updated:issue", "avi:jira:created:issue"],
        "the-whole-list": ["avi:jira:created:issue"],
        "filter": ["avi:jira:updated:issue"],
    }
    assert data["filter"]["filter"] == {"expression": "event.name == 'Bug'", "onError": "IGNORE"}
    assert stack.preview("--expect-no-changes").code == 0


SHAPES = [("array", "envelope"), ("envelope", "array")][: runs(1, 2)]  # of the lists under v1 and under v2
MADE = """
for name in INSTALLATIONS:
    forge.TriggerModule(
        f"{name}-plain", installation=name, events=["avi:jira:updated:issue", "avi:jira:created:issue"], endpoint="hook"
    )
    forge.TriggerModule(
        f"{name}-filtered",
        installation=name,
        events=["avi:jira:updated:issue"],
        endpoint="hook",
        filter=forge.TriggerFilter(expression="x"),
    )
    forge.DynamicModule(
        f"{name}-panel", installation=name, type="jira:issueAction", data={"title": "Risk", "resource": "main"}
    )
"""


def rewrite(module: Module) -> Module:
    """What a server adds, and an order of its own."""
    data = {**module["data"], "modified": "2026-01-01"}
    if module["type"] == "trigger":
        data["events"] = sorted(data["events"])
        if "filter" in data:
            data["filter"] = {"onError": "IGNORE_AND_LOG", "ignoreSelf": False, **data["filter"]}
    else:
        data["viewportSize"] = "medium"
    return {**module, "data": data, "createdBy": "somebody"}


@BOTH_ENGINES
@pytest.mark.parametrize("shapes", SHAPES, ids="-".join)
def test_a_server_addition_is_no_drift_and_a_person_s_is(
    project: Callable[..., Project], both: Installations, shapes: tuple[str, str], engine: str
) -> None:
    for one, shape in zip(both.values(), shapes, strict=True):
        one.server.list_shape, one.server.rewrite = shape, rewrite
    stack = joined(project, both)
    stack.program(MADE.replace("INSTALLATIONS", repr([*both])))
    assert stack.up().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    refreshed = stack.refresh()
    assert refreshed.summary == {"unchanged": 7}, refreshed.text
    assert stack.preview("--expect-no-changes").code == 0

    for module in [module for one in both.values() for module in one.modules()]:
        if module["type"] == "trigger" and "filter" not in module["data"]:
            module["data"]["filter"] = {"ignoreSelf": True}
        if module["type"] != "trigger":
            module["data"]["icon"] = "outside-pulumi.svg"
    assert stack.refresh().summary["updated"] == 4
    seen = stack.preview("--diff")
    assert seen.summary == {"to": 4, "unchanged": 3}, seen.text
    of_each = ["~ data: {", '- icon: "outside-pulumi.svg"', "- filter: {", "- ignoreSelf: true"]
    if engine == CLI:
        assert sorted(changed_lines(seen.stdout)) == sorted(2 * of_each)
    assert stack.up().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    for module in [module for one in both.values() for module in one.modules()]:
        assert "icon" not in module["data"]
        assert module["data"].get("filter", {}).get("ignoreSelf") is not True


@BOTH_ENGINES
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


@BOTH_ENGINES
def test_a_changed_or_unknown_key_replaces_create_first(
    project: Callable[..., Project],
) -> None:
    with served("known-v1", "unknown-v1") as installations:
        stack = joined(project, installations)
        program = (
            OTHER
            + """
thing = Thing("thing", "GIVEN")
for name, key in {"known-v1": "GIVEN", "unknown-v1": thing.value}.items():
    forge.TriggerModule(name, installation=name, key=key, events=["avi:jira:updated:issue"], endpoint="hook")
"""
        )
        stack.program(program.replace("GIVEN", "first"))
        assert stack.up().code == 0
        for one in installations.values():
            one.server.calls.clear()
        stack.program(program.replace("GIVEN", "second"))
        seen = stack.preview()
        assert seen.code == 0, seen.text
        assert "+-3 to replace" in seen.stdout, seen.text
        assert seen.summary == {"to": 3, "unchanged": 1}, seen.text
        done = stack.up()
        assert done.code == 0, done.text
        for one in installations.values():
            # The list says that this is the installation of the module in the state, before anything is registered.
            assert [call.method for call in one.server.calls] == ["GET", "POST", "DELETE"]
            assert [module["key"] for module in one.modules()] == ["second"]


@BOTH_ENGINES
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
