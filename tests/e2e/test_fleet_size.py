"""What an installation of a fleet costs does not grow with their number: wall time, and memory of the whole process tree.

In `make soak` 20 installations with 50 modules each; in `make test` the same with few.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.support.campaign import SOAK, runs
from tests.support.fleet import FleetProject, ended, fleet, session_of

FEW, MANY = (5, 20) if SOAK else (2, 4)
MODULES = runs(3, 50)
FLAT = 1.2
"""By how much many may exceed few. Time is compared in the whole campaign only: a slice is as long as its noise."""


def kilobytes(pid: int) -> int:
    """The resident memory of a process; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)


def measured(project: FleetProject, names: list[str]) -> tuple[float, float]:
    """Seconds for each installation, and MB at the peak, of an `up` on so many."""
    peak = 0
    over = threading.Event()
    began = time.monotonic()
    process = project.start("up", *(f"--only={name}" for name in names))

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.2):
            peak = max(peak, sum(map(kilobytes, session_of(process))))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        done = ended(process, within=1800)
    finally:
        over.set()
        watching.join()
    assert done.code == 0, done.text
    return (time.monotonic() - began) / len(names), peak / 1024


@pytest.mark.timeout(3600)
def test_time_and_memory_for_each_installation_are_flat(tmp_path: Path) -> None:
    names = [f"site{number}" for number in range(FEW + MANY)]
    with fleet(tmp_path / "fleet", names, MODULES) as project:
        few = measured(project, names[:FEW])
        many = measured(project, names[FEW:])
        for count, (seconds, megabytes) in ((FEW, few), (MANY, many)):
            print(f"{count} installations of {MODULES} modules: {seconds:.1f} s for each, peak {megabytes:.0f} MB")  # noqa: T201
        assert project.counts() == dict.fromkeys(names, MODULES)
        assert many[0] <= FLAT * few[0] or not SOAK, "wall time for each installation grows"
        assert many[1] <= FLAT * few[1], "memory grows with the number of installations"
