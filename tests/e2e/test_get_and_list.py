"""`get`, `get_module` and `list_modules` in programs, in preview and in up."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from testing.independent_server import Server
from testing.project import Project
from tests.support.command import register_outside
from tests.support.engines import BOTH_ENGINES

EVENTS = 'events=["avi:jira:updated:issue"]'


def two_installations(project: Callable[..., Project], server: Server) -> Project:
    """The server's v1 as `default`, and its v2 as `acme`."""
    stack = project(server, **{"installations.acme.apiVersion": "v2"})
    stack.environment |= {
        "ATLASSIAN_FORGE_ACME_BASE_URL": server.base_url,
        "ATLASSIAN_FORGE_ACME_TOKEN": server.token,
    }
    return stack


@BOTH_ENGINES
def test_an_existing_module_is_read_in_preview_and_up_and_never_changed(project: Callable[..., Project], server: Server) -> None:
    register_outside(server, "v1", "one", filter={"ignoreSelf": True}, events=["avi:jira:updated:issue"], endpoint="hook")
    register_outside(server, "v1", "panel", "jira:issuePanel", title="Risk", icon="https://example.com/i.svg", resource="main")
    register_outside(server, "v2", "five")
    stack = two_installations(project, server)
    stack.program("""
        one = forge.TriggerModule.get("one", "default/v1/one")
        panel = forge.DynamicModule.get("panel", pulumi.Output.from_input("default/v1/panel"))
        any_trigger = forge.DynamicModule.get("any", "acme/v2/five")
        pulumi.export("found", pulumi.Output.all(
            one.key, one.endpoint, one.events, one.filter.apply(lambda found: found.ignore_self),
            panel.type, panel.data["title"], panel.key,
            any_trigger.api_version, any_trigger.data["endpoint"], any_trigger.installation,
        ))
        forge.TriggerModule("copy", events=one.events, endpoint=one.endpoint)
    """)
    shown = stack.preview()
    assert shown.code == 0, shown.text
    done = stack.up()
    assert done.code == 0, done.text
    found = json.loads(stack.run("stack", "output", "--json").stdout)["found"]
    assert found == [
        "one", "hook", ["avi:jira:updated:issue"], True, "jira:issuePanel", "Risk", "panel", "v2", "hook", "acme",
    ]  # fmt: skip
    assert sorted(module["key"] for module in server.modules()) == ["copy", "one", "panel"]
    assert server.count("GET") <= 6
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.refresh().code == 0
    assert stack.destroy().code == 0
    assert sorted(module["key"] for module in server.modules()) == ["one", "panel"]


@BOTH_ENGINES
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('forge.TriggerModule.get("x", "default/v1/missing")', "there is no module with this key on this installation"),
        ('forge.TriggerModule.get("x", "default/v1/panel")', "it is a module of type jira:issuePanel"),
        ('forge.TriggerModule.get("x", "missing")', "'missing' is not the id of a module"),
        ('forge.TriggerModule.get("x", "other/v1/one")', "installation 'other' is not configured"),
        ('forge.get_module("missing")', "could not read module 'missing' (any type) on installation 'default' (v1)"),
        ('forge.get_module("one", installation="acme")', "could not read module 'one' (any type) on installation 'acme' (v2)"),
        ('forge.list_modules(installation="other")', "installation 'other' is not configured"),
    ],
)
def test_a_missing_module_ends_the_preview_with_a_message(
    project: Callable[..., Project], server: Server, statement: str, words: str
) -> None:
    register_outside(server, "v1", "one")
    register_outside(server, "v1", "panel", "jira:issuePanel", title="Risk", resource="main")
    stack = two_installations(project, server)
    stack.program(statement)
    done = stack.preview()
    assert done.code != 0
    assert words in done.text


@BOTH_ENGINES
def test_a_stack_builds_triggers_from_the_modules_of_another_installation(
    project: Callable[..., Project], server: Server
) -> None:
    for number in range(3):
        register_outside(server, "v2", f"key-{number}", events=["avi:jira:updated:issue"], endpoint=f"hook-{number}")
    register_outside(server, "v2", "panel", "jira:issuePanel", title="Risk", resource="main")
    stack = two_installations(project, server)
    stack.program("""
        for number, module in enumerate(forge.list_modules(type="trigger", installation="acme")):
            forge.TriggerModule(f"copy-{number}", events=module.data["events"], endpoint=module.data["endpoint"])
        later = forge.list_modules_output(installation="acme").apply(lambda found: [module.key for module in found])
        pulumi.export("later", later)
        pulumi.export("one", forge.get_module_output(later[0], installation="acme").id)
    """)
    shown = stack.preview()
    assert shown.code == 0, shown.text
    assert "+ 4 to create" in shown.stdout
    assert server.count("GET") == 1, "one list for all calls of a program"
    assert stack.up().code == 0
    assert sorted(module["data"]["endpoint"] for module in server.modules()) == ["hook-0", "hook-1", "hook-2"]
    found = json.loads(stack.run("stack", "output", "--json").stdout)
    assert found == {"later": ["key-0", "key-1", "key-2", "panel"], "one": "acme/v2/key-0"}


@BOTH_ENGINES
def test_in_a_preview_what_is_unknown_is_not_asked_for(project: Callable[..., Project], server: Server) -> None:
    stack = project(server, apiVersion="v2")
    stack.program(f"""
        made = forge.TriggerModule("made", {EVENTS}, endpoint="hook")
        pulumi.export("type", forge.get_module_output(made.key).type)
    """)
    assert stack.preview().code == 0
    assert not server.calls
    done = stack.up()
    assert done.code == 0, done.text
    assert json.loads(stack.run("stack", "output", "--json").stdout) == {"type": "trigger"}
