"""Drift: shown by refresh and preview, and by `forge-modules drift` without the program."""

from __future__ import annotations

import re
from collections.abc import Callable

from testing.independent_server import Server
from testing.installations import BOTH, on_both
from testing.project import Project
from tests.support.command import in_project, printed, register_outside
from tests.support.engines import BOTH_ENGINES, CLI

PROGRAM = """
for name in ("default", "other-v2"):
    forge.TriggerModule(f"changed-{name}", installation=name, events=["avi:jira:updated:issue"], endpoint="hook")
    forge.TriggerModule(f"deleted-{name}", installation=name, events=["avi:jira:updated:issue"], endpoint="hook-2")
    forge.TriggerModule(f"retyped-{name}", installation=name, events=["avi:jira:updated:issue"], endpoint="hook-3")
    forge.DynamicModule(f"kept-{name}", installation=name, type="jira:issueAction", data={"title": "Risk", "resource": "main"})
"""


def ids(server: Server) -> dict[tuple[str, str], str]:
    """The id of each module, by its installation and what it calls."""
    return {
        (name, module["data"].get("endpoint", "kept")): f"{name}/{version}/{module['key']}"
        for name, version in BOTH.items()
        for module in server.modules(version)
    }


def change_outside_pulumi(server: Server) -> None:
    """Change a module of each installation, delete one, give one another type, and add one."""
    for (name, endpoint), id_ in ids(server).items():
        _, version, key = id_.split("/")
        store = server.stores[version]
        match endpoint:
            case "hook":
                store[key]["data"]["endpoint"] = "other"
            case "hook-2":
                del store[key]
            case "hook-3":
                store[key]["type"] = "jira:issuePanel"
            case _:
                register_outside(server, version, f"added-{name}")


@BOTH_ENGINES
def test_drift_is_shown_and_repaired(project: Callable[..., Project], server: Server, engine: str) -> None:
    stack = on_both(project, server.environment())
    stack.program(PROGRAM)
    assert stack.up().code == 0
    printable = in_project(stack, "drift", "--stack", "test")
    assert (printable.code, printable.stdout) == (0, "no drift: 8 modules as in the state\n")
    named = ids(server)
    change_outside_pulumi(server)

    before = server.counts()
    done = in_project(stack, "drift", "--stack", "test", "--json")
    assert done.code == 2, done.text
    found = {one["id"]: one for one in printed(done)["drift"]}
    what = {"hook": "changed", "hook-2": "deleted", "hook-3": "type changed"}
    assert {id_: one["status"] for id_, one in found.items()} == {
        named[name, endpoint]: status for name in BOTH for endpoint, status in what.items()
    }
    for name in BOTH:
        assert found[named[name, "hook"]]["differences"] == [{"path": "/endpoint", "state": "hook", "live": "other"}]
    assert {name: server.counts()[name] - before[name] for name in before} == {"GET": 4, "POST": 0, "PUT": 0, "DELETE": 0}
    plain = in_project(stack, "drift", "--stack", "test")
    assert "6 of 8 modules differ from the state:" in plain.stdout
    for name in BOTH:
        line = f'{named[name, "hook"]}  TriggerModule \'changed-{name}\'  changed\n  /endpoint: "hook" → "other"'
        assert line in plain.stdout
    assert plain.stdout.count("type changed: trigger → jira:issuePanel") == 2
    for name in BOTH:
        orphans = in_project(stack, "orphans", "--installation", name, "--stack", "test", "--json")
        assert [module["key"] for module in printed(orphans)["orphans"]] == [f"added-{name}"]

    assert stack.refresh().code == 0
    shown = stack.preview("--diff")
    assert shown.code == 0, shown.text
    assert re.findall(r"(\d+) to (\w+)", shown.stdout) == [("2", "create"), ("2", "update"), ("2", "replace")]
    if engine == CLI:
        assert len(re.findall(r'~ endpoint *: "other" => "hook"', shown.stdout)) == 2
    done = stack.up()
    assert done.code == 0, done.text
    assert stack.preview("--expect-no-changes").code == 0
    assert in_project(stack, "drift", "--stack", "test").code == 0
    for version in BOTH.values():
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
