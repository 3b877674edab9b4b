"""When, on what and with what something was measured."""

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


class Circumstances(BaseModel):
    """What a reader has to know before comparing figures.

    Attributes:
        date: The day, UTC; the days, where it was more than one.
        quick: Whether it was ``--quick``.
        cores: Processors.
        processor: Their model.
        software: What ran, by name.
    """

    date: str
    quick: bool
    cores: int
    processor: str
    software: dict[str, str]

    def since(self, day: str) -> Circumstances:
        """These, with the days of an earlier time before their own."""
        return self.model_copy(update={"date": day if day.endswith(self.date) else f"{day} and {self.date}"})

    def sentence(self, times: str) -> str:
        """All of it.

        Args:
            times: How often what was measured.
        """
        software = ", ".join(f"{name} {version}" for name, version in self.software.items())
        machine = f"{self.cores} cores ({self.processor}), {software}"
        if not self.quick:
            return f"Measured on {self.date} on {machine}; {times}."
        return f"**A quick run** (`--quick`), for a first look: {times}. Measured on {self.date} on {machine}."


def now(software: Mapping[str, str], *, quick: bool) -> Circumstances:
    """Those of a run that begins.

    Args:
        software: The versions of what runs besides Python's own packages.
        quick: Whether it is ``--quick``.

    Raises:
        BenchError: This machine cannot be measured.
    """
    if not Path("/proc/self/io").exists():
        raise BenchError("the benchmark reads /proc, which only Linux has")
    return Circumstances(
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
