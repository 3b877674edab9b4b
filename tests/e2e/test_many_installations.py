"""One program on ten installations: one is unreachable, one is throttled, and neither delays the other eight."""

from __future__ import annotations

import functools
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testing.independent_server import TOKEN, Call, Server, serve
from testing.project import Outcome, Project
from tests.support.engines import BOTH_ENGINES

pytestmark = BOTH_ENGINES

N = 12
CIRCUIT_OPEN_S, THROTTLED = "down", "throttled"
HEALTHY = tuple(f"well-{number}" for number in range(8))
ALL = (CIRCUIT_OPEN_S, THROTTLED, *HEALTHY)  # in this order in each round: those that are sick come first
AT_ONCE = f"--parallel={N * len(ALL)}"
LATENCY = 0.5  # so long that what is measured is not the machine

PROGRAM = """
for i in range({n}):
    for name in {names}:
        forge.TriggerModule(f"{{name}}-{{i}}", installation=name, events=["avi:jira:updated:issue"], endpoint=f"hook-{{i}}")
"""


@dataclass
class Installations:
    """Servers, and the file that leads to them.

    Attributes:
        folder: Where the token lies.
        nowhere: An address without a listener.
        servers: By the name of the installation.
        moments: When each was asked, in seconds.
    """

    folder: Path
    nowhere: str
    servers: dict[str, Server] = field(default_factory=dict)
    moments: dict[str, list[float]] = field(default_factory=dict)

    def written(self, stack: Project, *, without: str = "", timeout: int = 120) -> None:
        """Write the file, in which one of them may be down."""
        lines = ["installations:"]
        for name, server in self.servers.items():
            lines += [
                f"  {name}:",
                f"    baseUrl: {self.nowhere if name == without else server.base_url}",
                f"    tokenFile: {self.folder / 'token'}",
                f"    operationTimeout: {timeout}",
            ]
        (stack.root / "forge-installations.yaml").write_text("\n".join(lines) + "\n", "utf-8")

    def are_done(self) -> bool:
        return all(len(self.servers[name].modules()) == N for name in HEALTHY)

    def seconds(self) -> float:
        """From the first request to a healthy one to the last."""
        moments = [moment for name in HEALTHY for moment in self.moments[name]]
        return max(moments) - min(moments)

    def forget(self) -> None:
        for name, server in self.servers.items():
            self.moments[name].clear()
            server.calls.clear()
            server.stores["v1"].clear()


@pytest.fixture
def installations(tmp_path: Path) -> Iterator[Installations]:
    folder = tmp_path / "tokens"
    folder.mkdir()
    (folder / "token").write_text(TOKEN, "utf-8")
    with ExitStack() as servers, socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # and does not listen
        found = Installations(folder, f"http://127.0.0.1:{unheard.getsockname()[1]}")
        for name in ALL:
            server = found.servers[name] = servers.enter_context(serve(latency=LATENCY))
            moments = found.moments[name] = []
            server.interfere = functools.partial(_noted, moments)
        yield found


def _noted(moments: list[float], _: Call) -> None:
    moments.append(time.monotonic())


def failed(done: Outcome, verb: str) -> list[str]:
    """The modules that have a message, as often as they have one."""
    lines = [line for line in done.diagnostics.splitlines() if f"could not {verb} module" in line]
    return sorted(line.split("'")[1] for line in lines)


def unconfigured(project: Callable[..., Project]) -> Project:
    """A stack whose installations stand in the file alone."""
    stack = project()
    del stack.config["atlassian-forge:baseUrl"]
    return stack


def test_eight_installations_run_at_full_speed_beside_an_unreachable_and_a_throttled_one(
    project: Callable[..., Project], installations: Installations
) -> None:
    alone, stack = unconfigured(project), unconfigured(project)
    installations.written(alone)
    alone.program(PROGRAM.format(n=N, names=HEALTHY))
    done = alone.up(AT_ONCE)
    assert done.code == 0, done.text
    usual = installations.seconds()
    installations.forget()

    slow = installations.servers[THROTTLED]

    def throttle(_: Call) -> Any:
        """It serves nothing until the others are done: if they waited for it, none would ever be done."""
        return None if installations.are_done() else (429, {"message": "slow down"}, {"retry-after": "1"})

    slow.interfere = throttle
    installations.written(stack, without=CIRCUIT_OPEN_S)
    stack.program(PROGRAM.format(n=N, names=ALL))
    done = stack.up("--continue-on-error", AT_ONCE)
    print(f"eight installations: {usual:.1f} s alone, {installations.seconds():.1f} s beside the others")  # noqa: T201
    assert done.code != 0
    assert installations.are_done()
    assert installations.seconds() <= 3 * usual
    assert len(slow.modules()) == N

    expected = sorted(f"{CIRCUIT_OPEN_S}-{i}" for i in range(N))
    assert failed(done, "register") == expected, done.text
    assert len(re.findall(r"(?:\n    |\(v1\): )no connection: Connection refused", done.diagnostics)) == N
    assert 1 <= done.diagnostics.count("(6 attempts") <= 4, "those that were in flight: no other tries in vain"
    assert done.diagnostics.count(f"next: check ATLASSIAN_FORGE_DOWN_BASE_URL ({installations.nowhere})") == 1
    assert done.diagnostics.count(f"next: see the message about '{CIRCUIT_OPEN_S}-") == N - 1
    assert len(stack.state()) == 9 * N

    installations.written(stack)
    done = stack.up()
    assert done.summary == {"created": N, "unchanged": 9 * N + 1}, done.text
    assert [len(server.modules()) for server in installations.servers.values()] == [N] * len(ALL)


def test_a_refresh_and_a_destroy_do_all_but_what_is_down(project: Callable[..., Project], installations: Installations) -> None:
    names, few = (CIRCUIT_OPEN_S, *HEALTHY[:3]), 3
    stack = unconfigured(project)
    installations.written(stack)
    stack.program(PROGRAM.format(n=few, names=names))
    done = stack.up()
    assert done.code == 0, done.text

    installations.written(stack, without=CIRCUIT_OPEN_S, timeout=3)
    for name in names:
        installations.servers[name].stores["v1"][f"{name}-0"]["data"]["endpoint"] = "outside-pulumi"
    done = stack.refresh()
    assert done.code != 0
    assert failed(done, "read") == [f"{CIRCUIT_OPEN_S}-{i}" for i in range(few)], done.text
    changed = [resource["id"] for resource in stack.state() if resource["outputs"]["endpoint"] == "outside-pulumi"]
    assert sorted(changed) == [f"{name}/v1/{name}-0" for name in HEALTHY[:3]]

    done = stack.destroy("--continue-on-error")
    assert done.code != 0
    assert failed(done, "delete") == [f"{CIRCUIT_OPEN_S}-{i}" for i in range(few)]
    assert sorted(resource["id"] for resource in stack.state()) == [
        f"{CIRCUIT_OPEN_S}/v1/{CIRCUIT_OPEN_S}-{i}" for i in range(few)
    ]
    assert [len(installations.servers[name].modules()) for name in names] == [few, 0, 0, 0]
    installations.written(stack)
    assert stack.destroy().code == 0
    assert installations.servers[CIRCUIT_OPEN_S].modules() == []
