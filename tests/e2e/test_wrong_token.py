"""Installation guard: a valid token of another installation deletes and registers nothing; real deletions are confirmed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from testing.independent_server import Module
from testing.installations import Installation, Installations, in_state, joined, output_of, served
from testing.project import Outcome, Project
from testing.soak import runs
from tests.support.engines import BOTH_ENGINES

pytestmark = BOTH_ENGINES

PROGRAM = """
for installation, n in {sizes}.items():
    for i in range(n):
        forge.TriggerModule(
            f"{{installation}}-{{i}}", installation=installation, events=["avi:jira:updated:issue"], endpoint=f"{endpoint}-{{i}}"
        )
"""
SIZES = [(2, 5), (5, 2), (50, 50)][: runs(1, 3)]
# Each module of each installation is tried, whatever becomes of the others.
ALL = "--continue-on-error"


def program(sizes: Mapping[str, int], endpoint: str = "hook") -> str:
    return PROGRAM.format(sizes=dict(sizes), endpoint=endpoint)


def made(project: Callable[..., Project], installations: Installations, sizes: Mapping[str, int]) -> Project:
    stack = joined(project, installations)
    stack.program(program(sizes))
    done = stack.up()
    assert done.code == 0, done.text
    return stack


def of_each(installations: Installations) -> dict[str, list[str]]:
    """The endpoints of the modules that are registered."""
    return {name: sorted(module["data"]["endpoint"] for module in one.modules()) for name, one in installations.items()}


def endpoints(sizes: Mapping[str, int], endpoint: str = "hook") -> dict[str, list[str]]:
    return {name: sorted(f"{endpoint}-{i}" for i in range(n)) for name, n in sizes.items()}


def foreign(n: int) -> dict[str, dict[str, Module]]:
    """Another installation of the same app, with other modules."""
    return {
        version: {
            f"other-{i}": {
                "key": f"other-{i}",
                "type": "trigger",
                "data": {"key": f"other-{i}", "events": ["e"], "endpoint": "h"},
            }
            for i in range(n)
        }
        for version in ("v1", "v2")
    }


def delete_outside_pulumi(one: Installation, deleted: set[str]) -> None:
    for module in one.modules():
        if module["data"]["endpoint"] in deleted:
            del one.server.stores[one.version][module["key"]]


def question(one: Installation) -> str:
    key = "token" if one.name == "default" else f"installations.{one.name}.token"
    return f"is {one.variable('TOKEN')} (or atlassian-forge:{key}) the token of this installation"


def refused(done: Outcome, installations: Installations) -> None:
    """It fails on each of them, and of each that is asked once."""
    assert done.code != 0, done.text
    assert "Traceback" not in done.text
    assert {name: done.diagnostics.count(question(one)) for name, one in installations.items()} == dict.fromkeys(
        installations, 1
    ), done.text
    for one in installations.values():
        assert f" {one.variable('ACCEPT_MISSING_MODULES')}=true pulumi refresh" in done.diagnostics


def refused_somewhere(done: Outcome, installations: Installations) -> None:
    """After the first failure the engine begins nothing more, so that it may not come to each of them."""
    asked = {name: one for name, one in installations.items() if question(one) in done.diagnostics}
    assert asked, done.text
    refused(done, asked)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_nothing_is_lost_and_nothing_registered(
    project: Callable[..., Project], both: Installations, sizes: tuple[int, int]
) -> None:
    wanted = dict(zip(both, sizes, strict=True))
    one_more = {name: n + 1 for name, n in wanted.items()}
    stack = made(project, both, wanted)
    ours, state = {name: one.server.stores for name, one in both.items()}, in_state(stack)
    assert {name: len(keys) for name, keys in state.items()} == wanted
    for others, options, is_refused in ((0, (), refused_somewhere), (3, (ALL,), refused)):
        for one in both.values():
            one.server.stores = foreign(others)
        stack.program(program(wanted))
        refused(stack.refresh(), both)
        stack.program(program(wanted, "changed"))
        is_refused(stack.up(*options), both)
        stack.program(program(one_more))
        is_refused(stack.up(*options), both)
        is_refused(stack.destroy(*options), both)
        assert {name: one.server.stores for name, one in both.items()} == dict.fromkeys(both, foreign(others))
        assert in_state(stack) == state
    for name, one in both.items():
        one.server.stores = ours[name]
    stack.program(program(wanted, "changed"))
    assert stack.up().code == 0
    assert of_each(both) == endpoints(wanted, "changed")
    assert stack.refresh().summary == {"unchanged": sum(sizes) + 1}
    done = stack.destroy()
    assert done.code == 0, done.text
    assert of_each(both) == {name: [] for name in both}


def test_a_single_module_cannot_be_confirmed(project: Callable[..., Project], both: Installations) -> None:
    stack = made(project, both, dict.fromkeys(both, 1))
    keys = {name: one.modules()[0]["key"] for name, one in both.items()}
    for one in both.values():
        one.server.stores = foreign(3)
    done = stack.refresh()
    assert done.code == 0, done.text
    for name, key in keys.items():
        (line,) = [line for line in done.diagnostics.splitlines() if f"{name}/{key}: " in line]
        assert "has no other module that could confirm that the token belongs to this installation" in line
        assert "forge-modules orphans" in line
    assert stack.state() == []


DELETED: dict[str, tuple[int, range]] = {
    "one-of-20": (20, range(1)),
    "the-first-half-of-6": (6, range(3)),
    "the-second-half-of-20": (20, range(10, 20)),
    "every-other-one-of-20": (20, range(0, 20, 2)),
}


@pytest.mark.parametrize("versions", [("v1", "v2") * 2, ("v2", "v1") * 2][: runs(1, 2)], ids="-".join)
def test_modules_deleted_outside_pulumi_are_confirmed_deleted(project: Callable[..., Project], versions: tuple[str, ...]) -> None:
    rows = {f"{which}-{version}": deleted for (which, deleted), version in zip(DELETED.items(), versions, strict=True)}
    sizes = {name: n for name, (n, _) in rows.items()}
    with served(*rows) as installations:
        stack = made(project, installations, sizes)
        for name, (_, numbers) in rows.items():
            delete_outside_pulumi(installations[name], {f"hook-{i}" for i in numbers})
        left = {name: sorted(module["key"] for module in one.modules()) for name, one in installations.items()}
        assert {name: len(keys) for name, keys in left.items()} == {name: n - len(deleted) for name, (n, deleted) in rows.items()}
        done = stack.refresh()
        assert done.code == 0, done.text
        assert done.summary["deleted"] == sum(len(deleted) for _, deleted in rows.values())
        assert in_state(stack) == left
        done = stack.up()
        assert done.code == 0, done.text
        assert of_each(installations) == endpoints(sizes)
        assert stack.destroy().code == 0
        assert of_each(installations) == {name: [] for name in rows}


def test_the_deletion_of_all_modules_can_be_accepted(project: Callable[..., Project], both: Installations) -> None:
    sizes, accept = dict.fromkeys(both, 5), {one.variable("ACCEPT_MISSING_MODULES"): "true" for one in both.values()}
    stack = made(project, both, sizes)
    for one in both.values():
        one.server.stores[one.version].clear()
    refused(stack.refresh(), both)
    assert {name: len(keys) for name, keys in in_state(stack).items()} == sizes
    done = stack.refresh(**accept)
    assert done.code == 0, done.text
    deduplicator = re.findall(r"(\S+)/\S+: .* because acceptMissingModules is set; remove it after this run", done.diagnostics)
    assert sorted(deduplicator) == sorted(both), done.text
    assert stack.state() == []
    assert stack.up().code == 0
    assert of_each(both) == endpoints(sizes)
    for one in both.values():
        one.server.stores[one.version].clear()
    refused(stack.destroy(ALL), both)
    assert stack.destroy(**accept).code == 0
    assert stack.state() == []


def test_a_module_deleted_outside_pulumi_is_registered_again_under_v1_and_needs_a_refresh_under_v2(
    project: Callable[..., Project], both: Installations
) -> None:
    sizes = dict.fromkeys(both, 5)
    stack = made(project, both, sizes)
    for one in both.values():
        delete_outside_pulumi(one, {"hook-2"})
    stack.program(program(sizes, "changed"))
    done = stack.up(ALL)
    assert "default/default-2: was deleted outside Pulumi, and is registered again" in done.text
    assert of_each(both)["default"] == endpoints(sizes, "changed")["default"]
    assert {module["key"] for module in both["default"].modules()} == {f"default-{i}" for i in range(5)}

    assert done.code != 0
    assert [name for name, text in output_of(done).items() if "error: " in text and name != "project-test"] == ["other-v2-2"], (
        done.text
    )
    assert "next: `pulumi up --refresh`" in output_of(done)["other-v2-2"]
    left = stack.preview()
    assert left.summary == {"to": 1, "unchanged": 10}, left.text  # that one alone is still to be changed
    done = stack.up("--refresh")
    assert done.code == 0, done.text
    assert of_each(both) == endpoints(sizes, "changed")
