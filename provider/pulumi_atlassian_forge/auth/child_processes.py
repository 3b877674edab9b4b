"""Process groups of the running token commands: the provider kills them before it exits without a cleanup."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Final

RUNNING: Final[set[int]] = set()
"""The process groups, by their ids."""


def kill(group: int) -> None:
    """Kill a process group: a program and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def kill_all() -> None:
    """Kill all of them."""
    for group in [*RUNNING]:
        kill(group)
