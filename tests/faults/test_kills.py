"""kill -9 of the engine, the plugin, or both, at random moments of an `up`, and the next run."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

import pytest

from testing.command import run
from testing.independent_server import TOKEN, Server
from testing.normalizing import FILTER, normalize_at_random
from testing.processes import Run, plugins_of, seconds_until_no_plugin
from testing.project import Project
from testing.soak import runs

N = 50
SPAN = 3.0  # seconds after the start within which the kill strikes: from before the first request to after the last
PROGRAM = f"""
for i in range({N}):
    forge.TriggerModule(f"m{{i}}", events=["avi:jira:updated:issue"], endpoint=f"h{{i}}", {FILTER})
"""


def killed(stack: Project, server: Server, victim: str, moment: float) -> None:
    """An `up` that ends by force; and that is the end of its requests."""
    run = Run(stack, "up", "--yes", "--skip-preview")
    try:
        if run.until(moment):
            if victim in ("plugin", "both"):
                run.kill_plugins()
            if victim in ("engine", "both"):
                run.signal(signal.SIGKILL)
        assert run.ended(60), "the engine hangs"
        if not server.calls:
            # Before its first hook a plugin is Pulumi's alone: nothing of ours is loaded that could watch. It sends nothing.
            run.kill_plugins()
        seconds_until_no_plugin(stack.root, 10)
        assert "Traceback" not in run.text()
        assert TOKEN not in run.text()
    finally:
        run.close()
    time.sleep(2 * server.latency)  # those that were in flight
    sent = len(server.calls)
    time.sleep(0.5)
    assert len(server.calls) == sent, "a request was sent after the end"
    stack.run("cancel", "--yes")  # the lock of a file backend


def everything_is_known(stack: Project, server: Server, version: str, output: str) -> int:
    """Every module is in the state, or named by the next run and by `orphans`: under v1 none is. Returns how many were."""
    owned = {resource["id"].split("/")[2] for resource in stack.state()}
    assert len(owned) == N
    others = {module["key"] for module in server.modules(version)} - owned
    assert version == "v2" or not others
    assert owned <= {module["key"] for module in server.modules(version)}
    (stack.root / "state.json").write_text(stack.export(), "utf-8")
    listed = run("orphans", "--state", str(stack.root / "state.json"), "--api-version", version, server=server)
    assert listed.code == (2 if others else 0), listed.stderr
    for key in others:
        assert key in listed.stdout
        assert key in output, "the next run did not name it"
    return len(others)


def kill_and_go_on(project: Callable[..., Project], server: Server, seed: int, version: str) -> None:
    draw = random.Random(seed)
    server.latency = 0.1
    if seed % 2:
        normalize_at_random(server, version, draw)
    stack = project(server, apiVersion=version)
    stack.program(PROGRAM)
    victim, moment = draw.choice(["engine", "plugin", "both"]), draw.uniform(0.2, SPAN)
    killed(stack, server, victim, moment)
    server.latency = 0
    before, in_state = len(server.modules(version)), len(stack.state())
    done = stack.up()
    assert done.code == 0, done.text
    left = everything_is_known(stack, server, version, done.text)
    print(f"{victim} after {moment:.1f} s: {before} registered, {in_state} in the state; the next up left {left} named")  # noqa: T201
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.destroy().code == 0
    assert len(server.modules(version)) == left


@pytest.mark.parametrize("seed", range(runs(1, 30)))
def test_v1_the_next_up_is_exact(project: Callable[..., Project], server: Server, seed: int) -> None:
    kill_and_go_on(project, server, seed, "v1")


@pytest.mark.parametrize("seed", range(100, 100 + runs(1, 30)))
def test_v2_what_is_left_is_named(project: Callable[..., Project], server: Server, seed: int) -> None:
    kill_and_go_on(project, server, seed, "v2")


@pytest.mark.smoke
def test_a_kill_in_the_middle_leaves_something_to_adopt(project: Callable[..., Project], server: Server) -> None:
    server.latency = 0.3
    stack = project(server)
    stack.program(PROGRAM)
    run = Run(stack, "up", "--yes", "--skip-preview")
    try:
        while server.count("POST") < 6:
            assert time.monotonic() < run.began + 60
            time.sleep(0.02)
        assert plugins_of(stack.root)
        run.signal(signal.SIGKILL)
        seconds_until_no_plugin(stack.root, 10)
    finally:
        run.close()
    assert 0 < len(server.modules()) < N
    server.latency = 0
    assert stack.run("cancel", "--yes").code == 0
    done = stack.up()
    assert done.code == 0, done.text
    everything_is_known(stack, server, "v1", done.text)
