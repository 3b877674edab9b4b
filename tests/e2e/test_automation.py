"""Several programs in one process, as the Automation API runs them, beside one in a process of its own."""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path

import pytest

from testing.independent_server import Server
from testing.project import base_environment, programs_python, require_engine

PROGRAM = """
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi
import pulumi.automation as auto
import pulumi_atlassian_forge as forge

def program(number):
    def declare():
        for i in range(3):
            key = "not a key" if number == 1 and i else f"s{number}-{i}"
            forge.TriggerModule(f"m{i}", events=["avi:jira:updated:issue"], endpoint="hook", key=key)
    return declare

def run(number):
    options = auto.LocalWorkspaceOptions(secrets_provider="hashivault://tests")
    stack = auto.create_or_select_stack(stack_name=f"s{number}", project_name="many", program=program(number), opts=options)
    try:
        stack.preview()
        result = stack.up()
        print(number, "done", result.summary.resource_changes["create"], flush=True)
    except auto.CommandError as error:
        print(number, "failed", str(error).count("property key: key= must be"), flush=True)

with ThreadPoolExecutor(3) as pool:
    list(pool.map(run, range(3)))
"""


@pytest.mark.cli
def test_programs_in_one_process_do_not_disturb_each_other(server: Server, tmp_path: Path) -> None:
    require_engine()
    (tmp_path / "backend").mkdir()
    (tmp_path / "many.py").write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    environment = {**base_environment(tmp_path), **server.environment(), "PULUMI_PYTHON_CMD": programs_python()}
    environment["PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK"] = "true"
    command = [programs_python(), "many.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = sorted(done.stdout.splitlines())
    assert [result.split()[:2] for result in results] == [["0", "done"], ["1", "failed"], ["2", "done"]], (
        done.stdout + done.stderr
    )
    assert int(results[1].split()[2]) >= 2
    assert sorted(module["key"] for module in server.modules()) == ["s0-0", "s0-1", "s0-2", "s2-0", "s2-1", "s2-2"]
