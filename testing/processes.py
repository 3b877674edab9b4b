"""Driver of a run of the real CLI that a test can interrupt, and of the plugin processes below it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from testing.project import Project


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


def is_alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (ProcessLookupError, FileNotFoundError):
        return False


class Run:
    """``pulumi <args>`` in a session of its own, as on a terminal."""

    def __init__(self, stack: Project, *args: str) -> None:
        stack.make()
        self._stack = stack
        self._log = (stack.root / "run.log").open("w+", encoding="utf-8")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            ["pulumi", "--non-interactive", "--color=never", *args, "--stack", "test"],
            cwd=stack.root,
            env=stack.own_environment(),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def until(self, moment: float) -> bool:
        """Wait until so many seconds after the start; False where the run was over before."""
        left = self.began + moment - time.monotonic()
        try:
            self.process.wait(max(0.0, left))
        except subprocess.TimeoutExpired:
            return True
        return False

    def signal(self, number: signal.Signals, *, whole_group: bool = False) -> None:
        """Send a signal to the CLI, or to all in its process group as a terminal does. A plugin has a group of its own."""
        with contextlib.suppress(ProcessLookupError):
            if whole_group:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def kill_plugins(self) -> None:
        for pid in plugins_of(self._stack.root):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def ended(self, within: float) -> bool:
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def text(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def close(self) -> None:
        """Leave nothing behind, whatever the test did: a language host may outlive its engine."""
        if self._log.closed:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._log.close()


def seconds_until_no_plugin(root: Path, limit: float) -> float:
    """How long plugins of a directory live on; fails after the limit."""
    began = time.monotonic()
    while plugins_of(root):
        assert time.monotonic() - began < limit, "a plugin lives on"
        time.sleep(0.05)
    return time.monotonic() - began
