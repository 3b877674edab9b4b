"""The environment of a measurement: date, machine and software."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from .errors import BenchError

_PACKAGES: Final = {"pulumi-atlassian-forge": "pulumi-atlassian-forge", "Pulumi SDK": "pulumi", "httpx": "httpx"}


class Environment(BaseModel):
    """The environment of a measurement.

    Attributes:
        date: The day or days, in UTC.
        quick: Whether it was a run with ``--quick``.
        cores: Number of processors.
        processor: Their model.
        software: Versions by name.
    """

    date: str
    quick: bool
    cores: int
    processor: str
    software: dict[str, str]

    def since(self, day: str) -> Environment:
        """This environment with an earlier day added."""
        return self.model_copy(update={"date": day if day.endswith(self.date) else f"{day} and {self.date}"})

    def sentence(self, times: str) -> str:
        """The environment as a sentence.

        Args:
            times: Text about the number of runs.
        """
        software = ", ".join(f"{name} {version}" for name, version in self.software.items())
        machine = f"{self.cores} cores ({self.processor}), {software}"
        if not self.quick:
            return f"Measured on {self.date} on {machine}; {times}."
        return f"**A quick run** (`--quick`), for a first impression: {times}. Measured on {self.date} on {machine}."


def now(software: Mapping[str, str], *, quick: bool) -> Environment:
    """The environment of the current run.

    Args:
        software: Versions besides those of Python packages.
        quick: Whether it is ``--quick``.

    Raises:
        BenchError: This machine is not supported.
    """
    if not Path("/proc/self/io").exists():
        raise BenchError("the benchmark reads /proc, which only Linux has")
    return Environment(
        date=datetime.now(UTC).date().isoformat(),
        quick=quick,
        cores=os.cpu_count() or 1,
        processor=_processor(),
        software={
            "Python": platform.python_version(),
            **{name: version(package) for name, package in _PACKAGES.items()},
            **software,
        },
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
