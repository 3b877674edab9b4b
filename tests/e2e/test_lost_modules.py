"""A replacement never deletes the module that its successor has: forced ones, and those of a run that broke off."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.independent_server import Server
from tests.support.project import Project

URN = "urn:pulumi:test::project::pulumi-python:dynamic/atlassian-forge:TriggerModule::x"
ONE = 'forge.TriggerModule("{name}", events=["avi:jira:updated:issue"], endpoint="{endpoint}"{more})\n'


def twins(*keys: str) -> str:
    return "".join(ONE.format(name=name, endpoint="hook", more=f', key="{key}"') for name, key in zip("ab", keys, strict=True))


@pytest.mark.parametrize("how", ["replace", "taint"])
def test_a_forced_replacement_under_v1_keeps_the_module(project: Callable[..., Project], server: Server, how: str) -> None:
    stack = project(server)
    stack.program(ONE.format(name="x", endpoint="hook", more=""))
    assert stack.up().code == 0
    if how == "taint":
        assert stack.run("state", "taint", URN, "--yes").code == 0
    done = stack.up(*(["--replace", URN] if how == "replace" else []))
    assert done.code == 0, done.text
    assert [module["key"] for module in server.modules()] == ["x"]


@pytest.mark.parametrize("change", ["rename-v1", "swap-v1", "adopt-v2"])
def test_a_run_that_failed_half_way_does_not_have_the_next_one_delete_the_module(
    project: Callable[..., Project], server: Server, change: str
) -> None:
    version = change[-2:]
    stack = project(server, apiVersion=version)
    by = ONE.format(name="bystander", endpoint="by", more="")
    first = {
        "rename-v1": ONE.format(name="old", endpoint="hook", more=', key="k"'),
        "swap-v1": ONE.format(name="a", endpoint="hook", more=', key="one"')
        + ONE.format(name="b", endpoint="hook", more=', key="two"'),
        "adopt-v2": ONE.format(name="old", endpoint="hook", more=""),
    }[change]
    stack.program(by + first)
    assert stack.up().code == 0
    before = server.modules(version)
    key = next(module["key"] for module in before if module["data"]["endpoint"] == "hook")
    then = {
        "rename-v1": ONE.format(name="new", endpoint="hook", more=', key="k"'),
        "swap-v1": ONE.format(name="a", endpoint="hook", more=', key="two"')
        + ONE.format(name="b", endpoint="hook", more=', key="one"'),
        "adopt-v2": ONE.format(name="new", endpoint="hook", more=f', adopt="{key}"'),
    }[change]
    stack.program(by + then + ONE.format(name="bad", endpoint="bad", more=""))
    server.interfere = lambda call: (422, {"message": "no"}) if call.method == "POST" and b'"bad"' in call.body else None
    assert stack.up().code != 0  # no predecessor was deleted; the state has both
    server.interfere = lambda call: None
    stack.program(by + then)
    # A refresh compares every module of the state, also those of which the program knows nothing any more.
    done = stack.up(*(["--refresh"] if change == "rename-v1" else []))
    assert done.code == 0, done.text
    assert server.modules(version) == before
    assert stack.preview("--expect-no-changes").code == 0


def test_one_that_an_alias_has_renamed_is_still_replaced(project: Callable[..., Project], server: Server) -> None:
    """Its outputs keep the old name; the key is declared under the new one."""
    panel = 'forge.DynamicModule("{name}", type="{type}", data={{"title": "Risk", "resource": "main"}}, key="k"{more})\n'
    alias = ', opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")])'
    stack = project(server)
    stack.program(panel.format(name="old", type="jira:issueAction", more=""))
    assert stack.up().code == 0
    stack.program(panel.format(name="new", type="jira:issueAction", more=alias))
    assert stack.up().code == 0
    stack.program(panel.format(name="new", type="jira:issueActivity", more=alias))
    done = stack.up()
    assert done.code == 0, done.text
    assert [(module["key"], module["type"]) for module in server.modules()] == [("k", "jira:issueActivity")]
    assert stack.preview("--expect-no-changes").code == 0
