"""Each road to the API, through the real CLI, to a server that lets in nobody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.bridge import KEY, bridge
from tests.support.command import in_project
from tests.support.independent_server import Call, Server
from tests.support.project import Project
from tests.support.roads import RENEWABLE, ROADS, Opened, opened

PROGRAM = """
for i in range({n}):
    for installation in {installations}:
        forge.TriggerModule(
            f"{{installation}}-{{i}}", installation=installation, events=["avi:jira:updated:issue"], endpoint=f"{endpoint}-{{i}}"
        )
"""


def program(n: int, endpoint: str, installations: tuple[str, ...] = ("default",)) -> str:
    return PROGRAM.format(n=n, endpoint=endpoint, installations=installations)


def travelling(project: Callable[..., Project], road: Opened, *installations: str) -> Project:
    stack = project(**{f"installations.{name}.apiVersion": "v2" for name in installations})
    del stack.config["atlassian-forge:baseUrl"]
    stack.environment = road.environment | {
        name: value for installation in installations for name, value in road.also(installation).items()
    }
    return stack


def watch_processes(root: Path, server: Server, secrets: list[str]) -> list[str]:
    """The command lines that showed a secret while a request was under way: those of processes that work in a project's folder.

    Others are tests' beside this one, whose secrets are called the same.
    """
    shown: list[str] = []

    def look(_: Call) -> None:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line, folder = file.read_bytes().decode(errors="replace"), (file.parent / "cwd").resolve()
            except OSError:
                continue
            if not folder.is_relative_to(root):
                continue
            shown.extend(line for secret in secrets if secret in line)

    server.interfere = look
    return shown


@pytest.mark.parametrize("road", ROADS[1:])  # of `token` all other tests are
def test_twenty_modules_live_their_life_on_both_versions(
    project: Callable[..., Project], server: Server, tmp_path: Path, road: str
) -> None:
    with opened(road, server, tmp_path / "road") as way:
        stack = travelling(project, way, "acme")
        shown = watch_processes(stack.root.resolve(), server, way.secrets)
        both = ("default", "acme")
        stack.program(program(20, "hook", both))
        assert stack.up().summary == {"created": 41}
        assert (len(server.modules("v1")), len(server.modules("v2"))) == (20, 20)
        stack.program(program(20, "changed", both))
        done = stack.up()
        assert done.summary == {"updated": 40, "unchanged": 1}, done.text
        assert {module["data"]["endpoint"] for module in server.modules("v2")} == {f"changed-{i}" for i in range(20)}
        server.stores["v1"]["default-7"]["data"]["endpoint"] = "by-hand"
        done = stack.refresh()
        assert done.summary == {"updated": 1, "unchanged": 40}, done.text
        everything = stack.export() + stack.everything()
        done = stack.destroy()
        assert done.code == 0, done.text
        assert server.modules("v1") + server.modules("v2") == []
        assert not [secret for secret in way.secrets if secret in everything + stack.everything()]
        assert shown == []


@pytest.mark.parametrize("road", RENEWABLE)
def test_a_token_that_ends_in_the_middle_is_renewed_once(
    project: Callable[..., Project], server: Server, tmp_path: Path, road: str
) -> None:
    with opened(road, server, tmp_path / "road") as way:
        stack = travelling(project, way)

        def end(_: Call) -> None:
            if server.count("POST") == 20 and server.token != "planted-token-2":
                way.renew("planted-token-2")
                server.token = "planted-token-2"

        server.interfere = end
        stack.program(program(50, "hook"))
        done = stack.up()
        assert done.summary == {"created": 51}, done.text
        assert len(server.modules()) == 50
        used = [call.headers["authorization"] for call in server.calls]
        assert set(used) == {"Bearer planted-token-6f1d0c", "Bearer planted-token-2"}
        after = used[used.index("Bearer planted-token-2") :]
        assert after.count("Bearer planted-token-6f1d0c") <= 3, "those that were under way in the four workers"
        assert "planted-token-2" not in stack.export() + stack.everything()


def test_the_bridge_s_key_is_read_again_when_it_was_rotated(
    project: Callable[..., Project], server: Server, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("planted-old-key-0123456789abcdefghij")
    with bridge(server.base_url, server.token) as url:
        stack = travelling(project, Opened({}, lambda _: None, []))
        stack.environment = {"ATLASSIAN_FORGE_BRIDGE_URL": url, "ATLASSIAN_FORGE_BRIDGE_KEY_FILE": str(key)}
        stack.program(program(1, "hook"))
        done = stack.up()
        assert done.code != 0
        assert "ATLASSIAN_FORGE_BRIDGE_KEY (or atlassian-forge:bridgeKey) the bridge's own BRIDGE_KEY" in done.text
        assert server.calls == []
        key.write_text(KEY)
        assert stack.up().code == 0
    assert len(server.modules()) == 1


def test_another_installation_behind_the_road_is_noticed_though_its_modules_have_the_same_keys(
    project: Callable[..., Project], server: Server, tmp_path: Path
) -> None:
    """Staging and production of one app: keys and contents are the same, and only the road knows the difference."""
    with opened("tokenCommand", server, tmp_path / "road") as way:
        stack = travelling(project, way)
        stack.program(program(3, "hook"))
        assert stack.up().code == 0
        printed = tmp_path / "road" / "printed"
        right = printed.read_text()
        printed.write_text(right.replace("an-installation", "production"))
        before = [dict(module) for module in server.modules()], stack.export()
        for text, run in ((program(3, "changed"), stack.up), (program(4, "hook"), stack.up), (program(3, "hook"), stack.destroy)):
            stack.program(text)
            server.calls.clear()
            done = run()
            assert done.code != 0
            assert done.diagnostics.count("this is another installation than the one that the stack was made on") == 1, done.text
            assert (
                "is ATLASSIAN_FORGE_TOKEN_COMMAND (or atlassian-forge:tokenCommand) the token of this installation" in done.text
            )
            assert "ATLASSIAN_FORGE_ACCEPT_ALL_GONE=true pulumi refresh" in done.text
            assert {call.method for call in server.calls} <= {"GET"}
        assert stack.refresh().code != 0
        for args in (("orphans", "--stack", "test"), ("import", "--stack", "test")):
            told = in_project(stack, *args)
            assert told.code == 1, told.text
            assert "is another one than that which the states were made on" in told.stderr
        assert [dict(module) for module in server.modules()] == before[0]
        assert sorted(resource["id"] for resource in stack.state()) == [f"default/v1/default-{i}" for i in range(3)]
        printed.write_text(right)
        assert stack.up().code == 0
        assert stack.destroy().code == 0
        assert server.modules() == []
