"""What a type checker prints for a misuse. The engine runs one in each preview if Pulumi.yaml names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MISUSES = """
import pulumi_atlassian_forge as forge

names = ["avi:jira:created:issue"]
forge.TriggerModule("a", events=names, function=7)
forge.TriggerModule("b", events=[7], function="f")
forge.TriggerModule("c", event=names, function="f")
forge.TriggerModule("d", events=names, function="f", filter=3)
forge.TriggerModule("e", events=names, function=["f"], payload=[1])
forge.DynamicModule("f", type=3, data=7)
forge.TriggerFilter(on_error=3)
"""


@pytest.mark.complete
def test_an_error_does_not_list_all_events(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(MISUSES)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("program.py:")]
    assert {line.split(":")[1] for line in lines} == {"5", "6", "7", "8", "9", "10", "11"}, done.stdout
    assert len(lines) <= 12
    assert max(map(len, lines)) < 600
