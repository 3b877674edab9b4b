"""Replacements never delete the module of the successor: forced ones, and those of an interrupted run."""

from __future__ import annotations

from collections.abc import Callable

from testing.independent_server import Server
from testing.installations import BOTH, on_both
from testing.project import Project
from tests.support.engines import BOTH_ENGINES

pytestmark = BOTH_ENGINES

URN = "urn:pulumi:test::project::pulumi-python:dynamic/atlassian-forge:TriggerModule::{name}"
ONE = 'forge.TriggerModule("{name}", events=["avi:jira:updated:issue"], endpoint="{endpoint}"{more})\n'
BYSTANDER = ONE.format(name="bystander", endpoint="by", more="")
BAD = ONE.format(name="bad", endpoint="bad", more=", opts=pulumi.ResourceOptions(depends_on=others)")


def hook(name: str, **more: str) -> str:
    return ONE.format(name=name, endpoint="hook", more="".join(f', {argument}="{value}"' for argument, value in more.items()))


def test_a_forced_replacement_under_v1_keeps_the_module(project: Callable[..., Project], server: Server) -> None:
    """Both ways to force one, in one run."""
    stack = project(server)
    stack.program(hook("asked") + hook("tainted"))
    assert stack.up().code == 0
    assert stack.run("state", "taint", URN.format(name="tainted"), "--yes").code == 0
    done = stack.up("--replace", URN.format(name="asked"))
    assert done.code == 0, done.text
    assert done.summary == {"replaced": 2, "unchanged": 1}
    assert sorted(module["key"] for module in server.modules()) == ["asked", "tainted"]


def fail_half_way(stack: Project, server: Server, program: str) -> None:
    """Run a program, and a module that cannot be registered after all others: no predecessor is deleted."""
    stack.program(f"others = [{', '.join(program.splitlines())}]\n{BAD}")
    server.interfere = lambda call: (422, {"message": "no"}) if call.method == "POST" and b'"bad"' in call.body else None
    assert stack.up().code != 0
    server.interfere = lambda call: None


def in_state(stack: Project) -> list[str]:
    """The names of the modules, of one that waits for its deletion too."""
    return sorted(resource["urn"].rpartition("::")[2] for resource in stack.state())


def test_a_renaming_that_failed_half_way_does_not_have_the_next_run_delete_the_module(
    project: Callable[..., Project], server: Server
) -> None:
    stack = project(server)
    stack.program(BYSTANDER + hook("old", key="k"))
    assert stack.up().code == 0
    before = server.modules()
    then = BYSTANDER + hook("new", key="k")
    fail_half_way(stack, server, then)
    assert in_state(stack) == ["bystander", "new", "old"]
    stack.program(then)
    # A refresh compares every module of the state, also those of which the program knows nothing any more.
    done = stack.up("--refresh")
    assert done.code == 0, done.text
    assert server.modules() == before
    assert stack.preview("--expect-no-changes").code == 0


def test_a_swap_and_an_adoption_that_failed_half_way_do_not_have_the_next_run_delete_the_modules(
    project: Callable[..., Project], server: Server
) -> None:
    """Two modules swap their keys on v1, and on v2 one resource adopts the module of another."""
    stack = on_both(project, server.environment())
    stack.program(BYSTANDER + hook("a", key="one") + hook("b", key="two") + hook("old", installation="other-v2"))
    assert stack.up().code == 0
    before = {version: server.modules(version) for version in BOTH.values()}
    (adopted,) = before["v2"]
    swapped = hook("a", key="two") + hook("b", key="one")
    then = BYSTANDER + swapped + hook("new", installation="other-v2", adopt=adopted["key"])
    fail_half_way(stack, server, then)
    assert in_state(stack) == ["a", "a", "b", "b", "bystander", "new", "old"]
    stack.program(then)
    done = stack.up()
    assert done.code == 0, done.text
    assert {version: server.modules(version) for version in BOTH.values()} == before
    assert stack.preview("--expect-no-changes").code == 0


def test_a_module_renamed_by_an_alias_is_still_replaced(project: Callable[..., Project], server: Server) -> None:
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
