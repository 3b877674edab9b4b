"""The process groups of the token commands that run now: a process that exits without a clean-up would leave them behind."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Final

RUNNING: Final[set[int]] = set()
"""The process groups, by their ids."""


def kill(group: int) -> None:
    """Kill a process group: a program, and what it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def kill_all() -> None:
    """Kill every process group that runs now."""
    for group in [*RUNNING]:
        kill(group)
