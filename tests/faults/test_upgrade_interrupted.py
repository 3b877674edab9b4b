"""Upgrade from v1 to v2 that is killed or interrupted: the next run completes it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from testing.independent_server import Server
from testing.processes import Run, seconds_until_no_plugin
from testing.project import Project
from testing.soak import runs
from tests.support.command import in_project
from tests.support.upgrade import in_state, upgrading

N = 20


@pytest.mark.parametrize(("how", "method"), [("killed", "POST"), ("Ctrl-C", "POST"), ("killed", "DELETE")][: runs(2, 3)])
def test_an_interrupted_upgrade_ends_the_same_when_it_is_run_again(
    project: Callable[..., Project], server: Server, how: str, method: str
) -> None:
    stack = upgrading(project, server, N)
    server.latency = 0.2
    server.calls.clear()
    run = Run(stack, "up", "--yes", "--skip-preview")
    try:
        while server.count(method) < N // 2:
            assert not run.ended(0.02), run.text()
        if how == "killed":
            run.kill_plugins()
            run.signal(signal.SIGKILL)
        else:
            run.signal(signal.SIGINT)
        assert run.ended(60), "the engine hangs"
        seconds_until_no_plugin(stack.root, 10)
    finally:
        run.close()
    time.sleep(2 * server.latency)  # what was in flight is carried out
    on_v1, on_v2 = len(server.modules("v1")), len(server.modules("v2"))
    assert (0 < on_v2 < N) if method == "POST" else (0 < on_v1 < N)
    server.latency = 0
    stack.run("cancel", "--yes")

    done = stack.up()
    assert done.code == 0, done.text
    assert server.modules("v1") == []
    owned = in_state(stack, "v2")
    assert len(owned) == N
    left = set(server.stores["v2"]) - owned
    print(f"{how}, {method}: {on_v1} on v1 and {on_v2} on v2; {len(left)} left")  # noqa: T201
    # Those that were sent, and those whose responses the engine had and not written down: what it had in flight.
    under_way = 4 * (os.cpu_count() or 1)
    assert len(left) <= (under_way if (how, method) == ("killed", "POST") else 0)
    for key in left:
        assert key in done.text, "the next run did not name it"
    assert stack.preview("--expect-no-changes").code == 0
    listed = in_project(stack, "orphans", "--stack", "test")
    assert listed.code == (2 if left else 0), listed.text
    if left:
        done = in_project(stack, "orphans", "--stack", "test", "--delete", "--yes", *left)
        assert done.code == 0, done.text
    assert set(server.stores["v2"]) == owned
    assert in_project(stack, "orphans", "--stack", "test", "--api-version", "v1").code == 0
