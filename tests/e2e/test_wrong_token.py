"""A valid token of another installation loses nothing and registers nothing; what was really deleted has its way through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.campaign import SOAK, runs
from tests.support.independent_server import Module, Server
from tests.support.project import Outcome, Project

PROGRAM = """
for i in range({n}):
    forge.TriggerModule(f"module-{{i}}", events=["avi:jira:updated:issue"], endpoint="{endpoint}-{{i}}")
"""
ACCEPT = {"ATLASSIAN_FORGE_ACCEPT_ALL_GONE": "true"}
QUESTION = "is ATLASSIAN_FORGE_TOKEN (or atlassian-forge:token) the token of this installation"
TABLE = [(2, "v1"), (5, "v2"), (2, "v2"), (5, "v1"), (50, "v1"), (50, "v2")][: runs(2, 6)]


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


def made(project: Callable[..., Project], server: Server, n: int, version: str) -> Project:
    stack = project(server, apiVersion=version)
    stack.program(program(n))
    done = stack.up()
    assert done.code == 0, done.text
    return stack


def program(n: int, endpoint: str = "hook") -> str:
    return PROGRAM.format(n=n, endpoint=endpoint).replace('endpoint="', 'endpoint=f"')


def refused(done: Outcome) -> None:
    assert done.code != 0, done.text
    assert done.diagnostics.count(QUESTION) == 1, done.text
    assert "Traceback" not in done.text
    assert "ATLASSIAN_FORGE_ACCEPT_ALL_GONE=true pulumi refresh" in done.diagnostics


@pytest.mark.parametrize(("n", "version"), TABLE)
def test_nothing_is_lost_and_nothing_registered(project: Callable[..., Project], server: Server, n: int, version: str) -> None:
    stack = made(project, server, n, version)
    ours, state = server.stores, sorted(resource["id"] for resource in stack.state())
    for others in (0, 3) if version == "v1" or SOAK else (3,):
        wrong = foreign(others)
        server.stores = foreign(others)
        stack.program(program(n))
        refused(stack.refresh())
        stack.program(program(n, "changed"))
        refused(stack.up())
        stack.program(program(n + 1))
        refused(stack.up())
        refused(stack.destroy())
        assert server.stores == wrong
        assert sorted(resource["id"] for resource in stack.state()) == state
    server.stores = ours
    stack.program(program(n, "changed"))
    assert stack.up().code == 0
    assert stack.refresh().summary == {"unchanged": n + 1}
    done = stack.destroy()
    assert done.code == 0, done.text
    assert server.modules(version) == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_of_one_module_nobody_can_tell(project: Callable[..., Project], server: Server, version: str) -> None:
    stack = made(project, server, 1, version)
    server.stores = foreign(3)
    done = stack.refresh()
    assert done.code == 0, done.text
    assert "no other module of this stack is known that could show whether the token is the right one" in done.text
    assert "forge-modules orphans" in done.text
    assert stack.state() == []


GONE: dict[str, tuple[int, range]] = {
    "one of 20": (20, range(1)),
    "the first half of 6": (6, range(3)),
    "the second half of 20": (20, range(10, 20)),
    "every other one of 20": (20, range(0, 20, 2)),
}


ONE_EACH = list(zip(GONE, ["v1", "v2"] * 2, strict=True))


@pytest.mark.parametrize(
    ("which", "version"), [*ONE_EACH, *((which, "v1" if v == "v2" else "v2") for which, v in ONE_EACH)][: runs(4, 8)]
)
def test_what_was_deleted_by_hand_is_believed(project: Callable[..., Project], server: Server, which: str, version: str) -> None:
    n, numbers = GONE[which]
    stack = made(project, server, n, version)
    chosen = {f"hook-{i}" for i in numbers}
    store = server.stores[version]
    for key in [key for key, module in store.items() if module["data"]["endpoint"] in chosen]:
        del store[key]
    done = stack.refresh()
    assert done.code == 0, done.text
    assert done.summary["deleted"] == len(chosen)
    done = stack.up()
    assert done.code == 0, done.text
    assert len(server.modules(version)) == n
    assert stack.destroy().code == 0
    assert server.modules(version) == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_all_deleted_by_hand_has_a_way_through(project: Callable[..., Project], server: Server, version: str) -> None:
    stack = made(project, server, 5, version)
    server.stores[version].clear()
    refused(stack.refresh())
    assert len(stack.state()) == 5
    done = stack.refresh(**ACCEPT)
    assert done.code == 0, done.text
    assert done.diagnostics.count("because acceptAllGone is set; remove it after this run") == 1
    assert stack.state() == []
    assert stack.up().code == 0
    assert len(server.modules(version)) == 5
    server.stores[version].clear()
    refused(stack.destroy())
    assert stack.destroy(**ACCEPT).code == 0
    assert stack.state() == []


def test_what_was_deleted_by_hand_is_registered_again_under_its_key(project: Callable[..., Project], server: Server) -> None:
    stack = made(project, server, 5, "v1")
    del server.stores["v1"]["module-2"]
    stack.program(program(5, "changed"))
    done = stack.up()
    assert done.code == 0, done.text
    assert "default/module-2: was deleted outside Pulumi, and is registered again" in done.text
    assert {module["data"]["endpoint"] for module in server.modules()} == {f"changed-{i}" for i in range(5)}
    assert stack.preview("--expect-no-changes").code == 0


def test_under_v2_its_key_cannot_be_had_again(project: Callable[..., Project], server: Server) -> None:
    stack = made(project, server, 5, "v2")
    del server.stores["v2"][next(key for key, module in server.stores["v2"].items() if module["data"]["endpoint"] == "hook-2")]
    stack.program(program(5, "changed"))
    done: Any = stack.up()
    assert done.code != 0
    assert "next: `pulumi up --refresh`" in done.text
    done = stack.up("--refresh")
    assert done.code == 0, done.text
    assert {module["data"]["endpoint"] for module in server.modules("v2")} == {f"changed-{i}" for i in range(5)}
