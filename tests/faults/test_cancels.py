"""Ctrl-C, a second Ctrl-C, and the time limit of a CI system, at random moments of an `up`.

A plugin has a process group of its own, so the signals go to the CLI alone, or to its group as on a terminal.
"""

from __future__ import annotations

import random
import re
import signal
import statistics
import time
from collections.abc import Callable

import pytest

from testing.independent_server import TOKEN, Server
from testing.normalizing import FILTER, normalize_at_random
from testing.processes import Run, seconds_until_no_plugin
from testing.project import Project
from testing.soak import runs
from tests.faults.test_kills import everything_is_known

N = 50
LATENCY = 0.3
REQUEST_TIMEOUT = 5.0
PROGRAM = f"""
for i in range({N}):
    forge.TriggerModule(f"m{{i}}", events=["avi:jira:updated:issue"], endpoint=f"h{{i}}", {FILTER})
"""


def made(project: Callable[..., Project], server: Server, draw: random.Random) -> tuple[Project, str]:
    """A stack of its own on a server that has heard of none: a test runs many, one after the other."""
    server.latency = LATENCY
    server.calls.clear()
    for modules in server.stores.values():
        modules.clear()
    version = draw.choice(["v1", "v2"])
    if draw.random() < 0.5:
        normalize_at_random(server, version, draw)
    stack = project(server, apiVersion=version, requestTimeout=str(REQUEST_TIMEOUT))
    stack.program(PROGRAM)
    return stack, version


def tracebacks(text: str) -> list[str]:
    """Where each begins, but for one that begins in Pulumi's own launcher: a Ctrl-C may find the program as it starts."""
    starts = re.findall(r"Traceback \(most recent call last\):\n(.*)", text)
    return [start for start in starts if "pulumi-language-python-exec" not in start]


def next_run_is_clean(stack: Project, server: Server, version: str, run: Run) -> None:
    if not server.calls:
        run.kill_plugins()  # as in test_kills: nothing of ours was loaded
    seconds_until_no_plugin(stack.root, 10)
    text = run.text()
    assert not tracebacks(text)
    assert TOKEN not in text
    run.close()
    server.latency = 0
    stack.run("cancel", "--yes")
    done = stack.up()
    assert done.code == 0, done.text
    everything_is_known(stack, server, version, done.text)
    assert stack.preview("--expect-no-changes").code == 0


def ctrl_c(project: Callable[..., Project], server: Server, seed: int, *, twice: bool) -> float:
    """Seconds from the last Ctrl-C to the prompt."""
    draw = random.Random(seed)
    stack, version = made(project, server, draw)
    run = Run(stack, "up", "--yes", "--skip-preview")
    try:
        run.until(draw.uniform(0.3, 4.0))
        group = draw.random() < 0.5
        began = time.monotonic()
        run.signal(signal.SIGINT, whole_group=group)
        if twice and run.until(time.monotonic() - run.began + draw.uniform(0.05, 1.0)):
            began = time.monotonic()
            run.signal(signal.SIGINT, whole_group=group)
        assert run.ended(60), "the engine hangs"
        seconds = time.monotonic() - began
        next_run_is_clean(stack, server, version, run)
    finally:
        run.close()
    return seconds


def test_a_traceback_is_found_unless_it_is_the_launcher_s() -> None:
    launcher = 'Traceback (most recent call last):\n  File "/engine/pulumi-language-python-exec", line 10, in <module>\n'
    ours = 'Traceback (most recent call last):\n  File "/lib/pulumi_atlassian_forge/provider.py", line 1, in create\n'
    assert tracebacks(f"Updating (test):\n{launcher}{ours}") == [ours.splitlines()[1]]


@pytest.mark.smoke
def test_one_ctrl_c_ends_after_the_requests_in_flight(project: Callable[..., Project], server: Server) -> None:
    seconds = [ctrl_c(project, server, seed, twice=False) for seed in range(runs(1, 20))]
    print(f"first Ctrl-C to the prompt: median {statistics.median(seconds):.1f} s, at most {max(seconds):.1f} s")  # noqa: T201
    assert max(seconds) <= REQUEST_TIMEOUT + 5  # five: the engine's own patience with plugins


def test_two_end_at_once(project: Callable[..., Project], server: Server) -> None:
    seconds = [ctrl_c(project, server, seed, twice=True) for seed in range(100, 100 + runs(1, 20))]
    print(f"second Ctrl-C to the prompt: median {statistics.median(seconds):.1f} s, at most {max(seconds):.1f} s")  # noqa: T201
    assert statistics.median(seconds) <= 6
    assert max(seconds) <= 12  # the engine waits five seconds for its language host, and on a busy machine five for the plugin


@pytest.mark.parametrize("seed", range(200, 200 + runs(1, 20)))
def test_a_ci_system_that_cancels(project: Callable[..., Project], server: Server, seed: int) -> None:
    """SIGINT, 7.5 s, SIGTERM, 2.5 s, SIGKILL: as GitHub's runner does it."""
    draw = random.Random(seed)
    stack, version = made(project, server, draw)
    server.latency = draw.choice([LATENCY, 4.0])  # so slow that SIGTERM comes, too
    run = Run(stack, "up", "--yes", "--skip-preview")
    try:
        run.until(draw.uniform(0.3, 4.0))
        for number, patience in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, 60.0)):
            run.signal(number)
            if run.ended(patience):
                break
        next_run_is_clean(stack, server, version, run)
    finally:
        run.close()


@pytest.mark.parametrize("seed", range(300, 300 + runs(1, 5)))
def test_a_pause_that_the_server_asked_for_does_not_hold_a_second_ctrl_c(
    project: Callable[..., Project], server: Server, seed: int
) -> None:
    draw = random.Random(seed)
    stack, version = made(project, server, draw)
    server.interfere = lambda call: (429, {"message": "slow down"}, {"retry-after": "30"})
    run = Run(stack, "up", "--yes", "--skip-preview")
    try:
        while not server.calls:
            time.sleep(0.02)
            assert time.monotonic() < run.began + 30
        run.signal(signal.SIGINT)
        run.until(time.monotonic() - run.began + 1)
        began = time.monotonic()
        run.signal(signal.SIGINT)
        assert run.ended(60)
        # The engine waits five seconds for its language host, and on a busy machine five more for the plugin; the pause is 30.
        assert time.monotonic() - began <= 12
        server.interfere = lambda call: None
        next_run_is_clean(stack, server, version, run)
    finally:
        run.close()
