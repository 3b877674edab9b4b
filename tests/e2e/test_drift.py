"""What somebody changed by hand: shown by refresh and preview, and by `forge-modules drift` without the program."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.support.command import by_hand, in_project, printed
from tests.support.independent_server import Server
from tests.support.project import Project

PROGRAM = """
forge.TriggerModule("changed", events=["avi:jira:updated:issue"], endpoint="hook")
forge.TriggerModule("deleted", events=["avi:jira:updated:issue"], endpoint="hook-2")
forge.TriggerModule("retyped", events=["avi:jira:updated:issue"], endpoint="hook-3")
forge.DynamicModule("kept", type="jira:issueAction", data={"title": "Risk", "resource": "main"})
"""


def keys(server: Server, version: str) -> dict[str, str]:
    """The key of each module, by what it calls."""
    return {module["data"].get("endpoint", "kept"): module["key"] for module in server.modules(version)}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_was_done_by_hand_is_shown_and_put_right(project: Callable[..., Project], server: Server, version: str) -> None:
    stack = project(server, apiVersion=version)
    stack.program(PROGRAM)
    assert stack.up().code == 0
    clean = in_project(stack, "drift", "--stack", "test")
    assert (clean.code, clean.stdout) == (0, "no drift: 4 modules as the state says\n")
    named = keys(server, version)
    store = server.stores[version]
    store[named["hook"]]["data"]["endpoint"] = "other"
    del store[named["hook-2"]]
    store[named["hook-3"]]["type"] = "jira:issuePanel"
    by_hand(server, version, "added")

    before = server.counts()
    done = in_project(stack, "drift", "--stack", "test", "--json")
    assert done.code == 2, done.text
    found = {one["id"].split("/")[2]: one for one in printed(done)["drift"]}
    assert {key: one["status"] for key, one in found.items()} == {
        named["hook"]: "changed",
        named["hook-2"]: "deleted",
        named["hook-3"]: "type changed",
    }
    assert found[named["hook"]]["differences"] == [{"path": "/endpoint", "state": "hook", "live": "other"}]
    assert {name: server.counts()[name] - before[name] for name in before} == {"GET": 2, "POST": 0, "PUT": 0, "DELETE": 0}
    plain = in_project(stack, "drift", "--stack", "test")
    assert "3 of 4 modules not as the state says:" in plain.stdout
    assert f'default/{version}/{named["hook"]}  TriggerModule \'changed\'  changed\n  /endpoint: "hook" → "other"' in plain.stdout
    assert "type changed: trigger → jira:issuePanel" in plain.stdout
    orphans = in_project(stack, "orphans", "--stack", "test", "--json")
    assert [module["key"] for module in printed(orphans)["orphans"]] == ["added"]

    assert stack.refresh().code == 0
    shown = stack.preview("--diff")
    assert shown.code == 0, shown.text
    assert re.findall(r"(\d+) to (\w+)", shown.stdout) == [("1", "create"), ("1", "update"), ("1", "replace")]
    assert re.search(r'~ endpoint *: "other" => "hook"', shown.stdout)
    done = stack.up()
    assert done.code == 0, done.text
    assert stack.preview("--expect-no-changes").code == 0
    assert in_project(stack, "drift", "--stack", "test").code == 0
    assert sorted(module["data"].get("endpoint", "kept") for module in server.modules(version)) == [
        "hook", "hook", "hook-2", "hook-3", "kept",
    ]  # fmt: skip


def test_a_state_file_and_another_token_and_an_encrypted_value(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program("""
        forge.TriggerModule("one", events=["avi:jira:updated:issue"], endpoint="hook")
        forge.TriggerModule("two", events=["avi:jira:updated:issue"], endpoint="hook-2")
        forge.DynamicModule("hidden", type="acme:x", data={"a": pulumi.Output.secret("hush-9914")})
    """)
    assert stack.up().code == 0
    (stack.root / "state.json").write_text(stack.run("stack", "export").stdout)
    done = in_project(stack, "drift", "--state", "state.json")
    assert done.code == 1
    assert "not compared, because the state holds encrypted values: default/v1/hidden" in done.stderr
    server.stores["v1"]["hidden"]["data"]["a"] = "other"
    done = in_project(stack, "drift", "--stack", "test")
    assert done.code == 2
    assert '/a: "[secret]" → "[secret]"' in done.stdout
    assert "hush" not in done.text
    server.stores["v1"] = {"foreign": {"key": "foreign", "type": "x", "data": {}}}
    done = in_project(stack, "drift", "--stack", "test")
    assert done.code == 1
    assert "none of the 3 modules of this stack" in done.stderr
    done = in_project(stack, "drift")
    assert (done.code, "there is nothing to compare with" in done.stderr) == (1, True)
