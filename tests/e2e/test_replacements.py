"""Replacements keep every module that the stack owns, whatever the engine takes for a new resource.

The engine registers what it takes for new and then deletes what it takes for old. If both are one module, by its key under v1
or by ``adopt=`` under v2, the delete would remove what was registered a moment before.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from testing.independent_server import Server
from testing.project import Outcome, Project
from tests.support.engines import BOTH_ENGINES

pytestmark = BOTH_ENGINES

TYPE = "pulumi-python:dynamic/atlassian-forge:TriggerModule"

BASE = """
def trigger(name, endpoint, **more):
    forge.TriggerModule(name, events=["avi:jira:updated:issue"], endpoint=endpoint, **more)

class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("my:Team", name)
        trigger("moved", "moved", opts=pulumi.ResourceOptions(parent=self))

trigger("bystander", "bystander")
"""

BEFORE = """
trigger("moved", "moved")
forge.DynamicModule("class", type="trigger", data={"events": ["avi:jira:updated:issue"], "endpoint": "class"})
"""

AFTER = """
Team("team")
trigger("class", "class")
"""

OWN_KEYS = """
trigger("{name}", "renamed", key="renamed")
trigger("first", "duplicates", key="{one}")
trigger("second", "duplicates", key="{other}")
"""

# The engine replaces these without asking the provider for the order.
FORCED = """
opts = pulumi.ResourceOptions(delete_before_replace={delete_first})
trigger("forced", "forced", opts=opts)
trigger("tainted", "tainted", opts=opts)
"""


def urn(name: str) -> str:
    return f"urn:pulumi:test::project::{TYPE}::{name}"


def key_of(server: Server, endpoint: str) -> str:
    (key,) = [module["key"] for module in server.modules("v2") if module["data"]["endpoint"] == endpoint]
    return str(key)


def assert_converged(stack: Project, server: Server, done: Outcome, version: str, names: set[str]) -> None:
    """Everything is on the server, once, and known to the state; and a destroy finds all of it."""
    assert done.code == 0, done.text
    owned = {resource["urn"].rpartition("::")[2]: resource["id"] for resource in stack.state()}
    assert set(owned) == names
    assert sorted(owned.values()) == sorted(f"default/{version}/{module['key']}" for module in server.modules(version))
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.destroy().code == 0
    assert server.modules(version) == []


def test_under_v1_no_module_of_the_stack_is_lost(project: Callable[..., Project], server: Server) -> None:
    """Renamed with the same key, moved into a component, declared by the other class, two with swapped keys, tainted, forced."""
    base = BASE + FORCED.format(delete_first=True)
    stack = project(server)
    stack.program(base + BEFORE + OWN_KEYS.format(name="old", one="one", other="other"))
    assert stack.up().code == 0
    before = {module["key"]: module["data"] for module in server.modules()}
    assert stack.run("state", "taint", urn("tainted"), "--yes").code == 0
    server.calls.clear()
    stack.program(base + AFTER + OWN_KEYS.format(name="new", one="other", other="one"))
    done = stack.up("--replace", urn("forced"))
    assert {module["key"]: module["data"] for module in server.modules()} == before, done.text
    assert server.count("PUT") == 0
    deleted = sorted(call.path.rpartition("/")[2] for call in server.calls if call.method == "DELETE")
    assert deleted == ["forced", "tainted"], "the others are there all the time"
    for key in ("renamed", "moved", "class", "one", "other"):
        assert f"default/{key}: is not deleted: it belongs to another resource of this stack now" in done.text
    assert_converged(stack, server, done, "v1", {"bystander", "forced", "tainted", "moved", "class", "new", "first", "second"})


def test_under_v2_no_module_of_the_stack_is_lost(project: Callable[..., Project], server: Server) -> None:
    """What is renamed, moved, of the other class, tainted or replaced by force is registered anew; what is adopted stays."""
    base = BASE + FORCED.format(delete_first=None)
    stack = project(server, apiVersion="v2")
    stack.program(base + BEFORE + 'trigger("old", "renamed")\ntrigger("former", "adopted")\n')
    assert stack.up().code == 0
    adopted = key_of(server, "adopted")
    endpoints = sorted(module["data"]["endpoint"] for module in server.modules("v2"))
    assert stack.run("state", "taint", urn("tainted"), "--yes").code == 0
    server.calls.clear()
    stack.program(base + AFTER + f'trigger("new", "renamed")\ntrigger("heir", "adopted", adopt="{adopted}")\n')
    done = stack.up("--replace", urn("forced"))
    assert sorted(module["data"]["endpoint"] for module in server.modules("v2")) == endpoints, done.text
    assert key_of(server, "adopted") == adopted
    assert server.count("POST") == server.count("DELETE") == len({"forced", "tainted", "moved", "class", "renamed"})
    assert f"default/{adopted}: is not deleted: it belongs to another resource of this stack now" in done.text
    assert_converged(stack, server, done, "v2", {"bystander", "forced", "tainted", "moved", "class", "new", "heir"})


@pytest.mark.parametrize(("version", "arguments"), [("v1", 'key="only"'), ("v2", 'adopt="{key}"')])
def test_the_only_module_of_a_stack_is_not_lost_when_it_is_renamed(
    project: Callable[..., Project], server: Server, version: str, arguments: str
) -> None:
    stack = project(server, apiVersion=version)
    trigger = 'forge.TriggerModule("{name}", events=["avi:jira:updated:issue"], endpoint="hook", {arguments})'
    stack.program(trigger.format(name="old", arguments=arguments if version == "v1" else ""))
    assert stack.up().code == 0
    (module,) = server.modules(version)
    stack.program(trigger.format(name="new", arguments=arguments.format(key=module["key"])))
    done = stack.up()
    assert server.modules(version) == [module]
    assert_converged(stack, server, done, version, {"new"})
