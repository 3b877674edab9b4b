"""Runs the benchmark's command as a user does, and names the operations that every system has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.workload import Operation

ROOT: Final = Path(__file__).resolve().parents[2]
WORK: Final[tuple[Operation, ...]] = ("up", "update all", "refresh", "destroy")


def bench(*arguments: str, timeout: float = 240, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end.

    Args:
        arguments: Its options.
        timeout: Seconds.
        environment: Variables in addition to those of this process.
    """
    command, given = [sys.executable, "-m", "bench", *arguments], {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=timeout, check=False)
