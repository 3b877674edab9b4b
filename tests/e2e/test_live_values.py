"""Live values beyond the tables: read, adopted, imported and previewed, because the server is the judge of them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from testing.independent_server import Server
from testing.project import Project
from tests.support.command import in_project
from tests.support.engines import BOTH_ENGINES

JIRA = "avi:jira:created:issue"
PROPERTIES = ("events", "function", "endpoint", "filter", "payload")
KINDS: dict[str, Any] = {
    "text": "a text",
    "number": 5,
    "flag": True,
    "list": ["a", 1, {"b": [2]}],
    "object": {"apiVersion": 1, "onError": ["x"], "include": "y"},
    "objects": [{"eventType": JIRA, "filter": {"expression": "true"}}],
    "empty": {},
    "nothing": [],
}
OBJECT = {"eventType": JIRA, "filter": {"expression": "x", "onError": "NEW"}}
BEYOND: dict[str, tuple[str, dict[str, Any]]] = {
    "choice": ("jira:issueAction", {"title": {"i18n": "a.b"}, "resource": "main", "viewportSize": "fullscreen"}),
    "choice-of-a-list": ("jira:jqlFunction", {"name": "n", "operators": ["=~"], "types": ["sprint"], "function": "f"}),
    "layout": ("macro", {"title": "T", "resource": "main", "layout": "wide", "config": True}),
    "collection": ("jira:customField", {"name": "N", "description": "D", "type": "string", "collection": "set"}),
    "form": ("jira:issueAction", {"title": "T", "resource": "a/b/c", "resolver": {"function": "a.b"}}),
    "length": ("jira:issuePanel", {"title": "t" * 300, "icon": "", "resource": "main"}),
    "member-of-a-closed-object": ("jira:issueAction", {"title": {"i18n": "a.b", "fallback": "T"}, "resource": "main"}),
    "ignore-self": ("trigger", {"events": ["avi:confluence:updated:page"], "function": "f", "filter": {"ignoreSelf": True}}),
    "on-error": ("trigger", {"events": [JIRA], "function": "f", "filter": {"expression": "true", "onError": "RETRY"}}),
    "property": ("trigger", {"events": [JIRA], "function": "f", "retry": {"count": 3}}),
    "member": ("trigger", {"events": [JIRA], "function": "f", "filter": {"expression": "true", "sampling": 3}}),
    "only-an-unknown-member": ("trigger", {"events": [JIRA], "function": "f", "filter": {"sampling": 3}}),
    "only-an-unknown-part": ("trigger", {"events": [JIRA], "function": "f", "payload": {"include": {"headers": ["a"]}}}),
    "empty-parts": ("trigger", {"events": [JIRA], "function": "f", "filter": {}, "payload": {"include": {}}}),
    "events-as-objects": ("trigger", {"events": [OBJECT, JIRA], "function": "f"}),
    "an-event-twice": ("trigger", {"events": [JIRA, JIRA], "function": "f"}),
    "unknown-event": ("trigger", {"events": ["acme:new"], "function": "f" * 40}),
    "unknown-type": ("jira:newPanel", {"whatever": [1, {"a": None}]}),
}


def plant(server: Server, key: str, type_: str, data: dict[str, Any]) -> None:
    """A module that is live, whatever it holds."""
    server.stores["v1"][key] = {"key": key, "type": type_, "data": {**data, "key": key}}


@BOTH_ENGINES
@pytest.mark.smoke
def test_get_reads_a_trigger_with_values_of_any_kind(project: Callable[..., Project], server: Server) -> None:
    """The SDK would wait for ever for a value of another kind than the annotated one, and `up` would crash."""
    wanted: dict[str, Any] = {}
    for name in PROPERTIES:
        for kind, value in KINDS.items():
            wanted[f"{name}-{kind}"] = value
            plant(server, f"{name}-{kind}", "trigger", {"events": [JIRA], "function": "f", name: value})
    stack = project(server)
    stack.program(
        f"""
        for key in {sorted(wanted)}:
            found = forge.TriggerModule.get(key, f"default/v1/{{key}}")
            pulumi.export(key, getattr(found, key.partition("-")[0]))
            pulumi.export(f"{{key}}-data", found.data)
        """
    )
    shown = stack.preview()
    assert shown.code == 0, shown.text
    done = stack.up()
    assert done.code == 0, done.text
    found = json.loads(stack.run("stack", "output", "--json").stdout)
    assert {key: found[key] for key in wanted} == wanted
    assert {key: found[f"{key}-data"][key.partition("-")[0]] for key in wanted} == wanted
    assert stack.preview("--expect-no-changes").code == 0


@BOTH_ENGINES
def test_the_parts_of_a_live_filter_and_payload_have_python_names(project: Callable[..., Project], server: Server) -> None:
    parts = {"filter": {"expression": "x", "onError": "NEW"}, "payload": {"include": {"propertyPaths": ["a"]}}}
    plant(server, "t", "trigger", {"events": [JIRA], "function": "f", **parts})
    stack = project(server)
    stack.program(
        """
        found = forge.TriggerModule.get("t", "default/v1/t")
        pulumi.export("on_error", found.filter.on_error)
        pulumi.export("raw", found.filter["onError"])
        pulumi.export("paths", found.payload.include.property_paths)
        forge.TriggerModule("copy", events=found.events, function=found.function, filter=found.filter, payload=found.payload)
        """
    )
    done = stack.up()
    assert done.code == 0, done.text
    found = json.loads(stack.run("stack", "output", "--json").stdout)
    assert found == {"on_error": "NEW", "raw": "NEW", "paths": ["a"]}
    assert server.stores["v1"]["copy"]["data"] == {**server.stores["v1"]["t"]["data"], "key": "copy"}


@pytest.mark.complete
@BOTH_ENGINES
def test_a_declared_trigger_survives_values_of_another_kind_in_a_refresh(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(f'forge.TriggerModule("t", events=["{JIRA}"], function="f")')
    assert stack.up().code == 0
    for value in KINDS.values():
        for name in PROPERTIES:
            plant(server, "t", "trigger", {"events": [JIRA], "function": "f", name: value})
            assert stack.refresh().code == 0
            done = stack.up()
            assert (done.code, "Traceback" in done.text) == (0, False), (name, value, done.text)
            # An empty part equals an absent one: it stays, and is no change.
            left: dict[str, Any] = {name: {}} if value == {} and name in {"filter", "payload"} else {}
            assert server.stores["v1"]["t"]["data"] == {"events": [JIRA], "function": "f", "key": "t", **left}


@BOTH_ENGINES
def test_what_import_and_show_write_of_live_modules_previews_without_errors(
    project: Callable[..., Project], server: Server
) -> None:
    for key, (type_, data) in BEYOND.items():
        plant(server, key, type_, data)
    stack = project(server)
    done = in_project(stack, "import")
    assert done.code == 0, done.text
    shown = [in_project(stack, "show", key) for key in BEYOND]
    assert not [one.text for one in shown if one.code]
    shutil.copy(stack.root / "forge_modules.py", stack.root / "imported.py")
    (stack.root / "shown.py").write_text("import pulumi_atlassian_forge as forge\n" + "".join(one.stdout for one in shown))
    for program in ("imported", "shown"):
        stack.program(f"import {program}\n")
        seen = stack.preview()
        assert seen.code == 0, seen.text
        assert "error:" not in seen.text
        for code in ("AF401", "AF402", "AF403", "AF404", "AF405", "AF406", "AF408", "AF410"):
            assert f"({code})" in seen.diagnostics, (code, seen.text)


def test_live_modules_beyond_the_tables_are_imported_into_a_stack(project: Callable[..., Project], server: Server) -> None:
    for key, (type_, data) in BEYOND.items():
        if key != "empty-parts":  # a filter that the program does not declare is drift, and a preview refuses an empty one
            plant(server, key, type_, data)
    stack = project(server)
    done = in_project(stack, "import", "--stack", "test", "--run")
    assert done.code == 0, done.text
    stack.program("import forge_modules\n")
    done = stack.preview("--expect-no-changes")
    assert done.code == 0, done.text
    done = stack.refresh("--expect-no-changes")
    assert done.code == 0, re.findall(r".*\[diff:.*", done.text)


@BOTH_ENGINES
def test_a_live_module_beyond_the_tables_is_adopted(project: Callable[..., Project], server: Server) -> None:
    type_, data = BEYOND["on-error"]
    plant(server, "t", type_, data)
    stack = project(server)
    stack.program(
        f"""
        filter = forge.TriggerFilter(expression="true", on_error="RETRY")
        forge.TriggerModule("t", events=["{JIRA}"], function="f", filter=filter, adopt=True)
        """
    )
    done = stack.up()
    assert done.code == 0, done.text
    assert server.counts() | {"GET": 0} == {"GET": 0, "POST": 0, "PUT": 0, "DELETE": 0}
    assert "(AF403)" in done.diagnostics


def test_show_names_what_a_preview_refuses(server: Server, project: Callable[..., Project]) -> None:
    plant(server, "odd", "jira:issuePanel", {"title": 3, "resource": "main", "icon": "i"})
    done = in_project(project(server), "show", "odd")
    assert done.code == 0
    comment, call, *_ = done.stdout.splitlines()
    assert comment == "# pulumi preview refuses this: data['title'] must be a string or a dictionary"
    assert call == "forge.DynamicModule("
