"""Measuring a command: memory, CPU and writes by role, time limits, interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.measure import Command, measure
from testing.processes import is_alive
from tests.support.bench_command import ROOT

CHILD = """
import subprocess, sys, time
if sys.argv[1] == "parent":
    subprocess.run([sys.executable, __file__, "the-plugin"], check=True)
else:
    held = b"x" * 150_000_000
    del held
    began = time.process_time()
    while time.process_time() - began < 0.3:
        pass
    time.sleep(0.2)  # so that it is sampled once more
"""


TOGETHER = """
import subprocess, sys, time
if sys.argv[1] == "parent":
    held = b"x" * 100_000_000
    subprocess.run([sys.executable, __file__, "the-plugin"], check=True)
else:
    held = b"x" * 100_000_000
    with open("/dev/null", "wb", buffering=0) as nowhere:
        for _ in range(30):
            nowhere.write(held[:1_000_000])
    time.sleep(0.3)  # so that it is sampled once more
"""


IGNORES_INTERRUPT = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, lambda *_: (time.sleep(1), sys.exit(1)))
deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(100)"
below = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, process_group=0)
below.stdout.readline()
with open("below.new", "w") as file:
    file.write(str(below.pid))
os.rename("below.new", "below")
below.wait()
"""

INTERRUPTED = """
import os, sys
from pathlib import Path
from bench.measure import Command, measure
here = Path(sys.argv[1])
measure(Command([sys.executable, str(here / "script.py")], here, dict(os.environ), {}), here / "log")
"""


def command(tmp_path: Path, text: str, *args: str) -> Command:
    script = tmp_path / "script.py"
    script.write_text(text, encoding="utf-8")
    return Command([sys.executable, str(script), *args], tmp_path, dict(os.environ), {"plugin": "the-plugin", "none": "no-such"})


def test_peak_memory_and_cpu_time_are_those_of_the_process_with_the_role(tmp_path: Path) -> None:
    measurement = measure(command(tmp_path, CHILD, "parent"), tmp_path / "log")
    assert measurement.roles.keys() == {"plugin"}
    assert 150 < measurement.roles["plugin"].memory < 250
    assert 0.25 < measurement.roles["plugin"].cpu <= measurement.cpu + 0.05  # /proc counts in hundredths
    assert measurement.wall > 0.5


def test_total_memory_is_concurrent_and_written_bytes_belong_to_the_role(tmp_path: Path) -> None:
    measurement = measure(command(tmp_path, TOGETHER, "parent"), tmp_path / "log")
    assert 200 < measurement.memory < 300
    assert 100 < measurement.roles["plugin"].memory < 150
    assert 30 <= measurement.roles["plugin"].written < 31


def test_standard_output_can_go_to_a_separate_file(tmp_path: Path) -> None:
    text = "import sys; print('out'); print('err', file=sys.stderr)"
    measure(command(tmp_path, text), tmp_path / "log", stdout_file=tmp_path / "out")
    assert (tmp_path / "out").read_text("utf-8") == "out\n"
    assert (tmp_path / "log").read_text("utf-8") == "err\n"


def test_a_failed_command_is_reported_with_the_end_of_its_output(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"ended with exit code 3; the end of what it printed:\nwhy it failed$"):
        measure(command(tmp_path, "import sys; print('why it failed'); sys.exit(3)"), tmp_path / "log")


def test_a_command_over_its_time_limit_is_killed_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="took longer than 2 s"):
        measure(replace(command(tmp_path, IGNORES_INTERRUPT), limit=2), tmp_path / "log")
    assert not is_alive(int((tmp_path / "below").read_text()))


@pytest.mark.parametrize("signals", [1, 3])
def test_repeated_interrupts_end_all_child_processes(tmp_path: Path, signals: int) -> None:
    command(tmp_path, IGNORES_INTERRUPT)
    started = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not (tmp_path / "below").exists() and time.monotonic() < until:
        time.sleep(0.05)
    below = int((tmp_path / "below").read_text())
    assert is_alive(below)
    for _ in range(signals):
        started.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert started.wait(30) != 0
    assert not is_alive(below)
