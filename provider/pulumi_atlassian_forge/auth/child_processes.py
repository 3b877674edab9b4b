"""Process groups of the running token commands. None of them outlives this process, however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Final

RUNNING: Final[set[int]] = set()
"""The process groups, by their ids."""


_WATCH: Final = 'read -r _; kill -s KILL -- "-$1"'  # the end of its standard input is the end of this process


@contextlib.contextmanager
def end_with_this_process(group: int) -> Iterator[None]:
    """Kill a process group as soon as this process ends: by SIGTERM, SIGHUP or SIGKILL, which leave no time for a cleanup.

    A command has a session of its own, so no signal to this process reaches it. No signal handler is needed for that, which the
    program and the plugin would not stand: a shell waits for the end of a pipe that only this process holds open. Without a shell
    the command may outlive this process.
    """
    try:
        watch = subprocess.Popen(  # noqa: S603 - a fixed command, and a number
            ["/bin/sh", "-c", _WATCH, "sh", str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        yield
        return
    try:
        yield
    finally:
        watch.kill()  # before its input ends
        watch.communicate()


def kill(group: int) -> None:
    """Kill a process group: a program and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def kill_all() -> None:
    """Kill all of them."""
    for group in [*RUNNING]:
        kill(group)
