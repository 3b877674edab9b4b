"""An engine that is killed leaves no plugin behind, and the next run is exact."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.independent_server import Server
from tests.support.project import Project, base_environment

N = 12
PROGRAM = f'for i in range({N}):\n    forge.TriggerModule(f"m{{i}}", events=["avi:jira:updated:issue"], endpoint=f"h{{i}}")\n'


def plugins_of(root: Path) -> list[int]:
    """The plugin processes that work in a directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            if b"pulumi.dynamic" in command and (entry / "cwd").resolve() == root:
                found.append(int(entry.name))
        except OSError:
            continue  # it ended while it was looked at
    return found


def test_a_killed_engine_leaves_no_plugin_and_the_next_up_is_exact(project: Callable[..., Project], server: Server) -> None:
    server.latency = 0.3
    stack = project(server)
    stack.program(PROGRAM)
    stack.run("stack", "ls")
    run = subprocess.Popen(
        ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview", "--stack", "test"],
        cwd=stack.root,
        env={**base_environment(stack.root), **stack.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while server.count("POST") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert plugins_of(stack.root)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    deadline = time.monotonic() + 10
    while plugins_of(stack.root):
        assert time.monotonic() < deadline, "a plugin lives on"
        time.sleep(0.1)
    registered = len(server.modules())
    assert 0 < registered < N

    server.latency = 0
    assert stack.run("cancel", "--yes").code == 0
    done = stack.up()
    assert done.code == 0, done.text
    assert len(server.modules()) == N
    assert len(stack.state()) == N
    assert stack.preview("--expect-no-changes").code == 0
