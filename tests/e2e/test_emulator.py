"""Programs on the emulator: over HTTP, and several processes on one file."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from testing.installations import on_both
from testing.project import Project
from tests.support.bad_inputs import OK
from tests.support.engines import BOTH_ENGINES


@pytest.fixture
def served(tmp_path: Path) -> Iterator[dict[str, str]]:
    """`forge-modules emulator` as a user starts it, and the variables that it prints."""
    command = [str(Path(sys.executable).parent / "forge-modules"), "emulator", "--db", str(tmp_path / "e.db"), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    variables: dict[str, str] = {}
    try:
        for line in process.stdout:
            if found := re.match(r"\s*export (ATLASSIAN_FORGE_\w+)=(\S+)", line):
                variables[found[1]] = found[2].strip("'\"")
            if len(variables) == 2:
                break
        assert len(variables) == 2
        yield variables
    finally:
        process.terminate()
        process.communicate(timeout=20)


@BOTH_ENGINES
def test_every_operation_on_the_emulator_over_http(project: Callable[..., Project], served: dict[str, str]) -> None:
    stack = on_both(project, served)
    stack.program(
        f"""
for name in ("default", "other-v2"):
    for i in range(3):
        forge.TriggerModule(f"{{name}}-{{i}}", {OK}, installation=name)
"""
    )
    done = stack.up()
    assert done.code == 0, done.text
    assert sorted({"/".join(resource["id"].split("/")[:2]) for resource in stack.state()}) == ["default/v1", "other-v2/v2"]
    assert stack.refresh().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    done = stack.destroy()
    assert done.summary["deleted"] == 7, done.text


@BOTH_ENGINES
def test_two_installations_on_one_file_are_separate(project: Callable[..., Project]) -> None:
    stack = project(**{"installations.acme.baseUrl": "emulator://forge.db", "installations.beta.baseUrl": "emulator://forge.db"})
    stack.program(
        f"""
for name in ("default", "acme", "beta"):
    forge.TriggerModule(f"on-{{name}}", {OK}, key="same", installation=name)
"""
    )
    done = stack.up()
    assert done.code == 0, done.text
    assert sorted(resource["id"] for resource in stack.state()) == ["acme/v1/same", "beta/v1/same", "default/v1/same"]
    assert stack.refresh().code == 0
    assert stack.preview("--expect-no-changes").code == 0


@BOTH_ENGINES
def test_a_long_reference_is_warned_of_and_its_module_is_read_by_its_id(project: Callable[..., Project]) -> None:
    stack = project()
    one = 'forge.TriggerModule("one", events=["avi:jira:updated:issue"], endpoint="e" * 24)'
    stack.program(one)
    done = stack.up()
    assert done.code == 0, done.text
    assert "endpoint= is longer than the 23 characters" in done.diagnostics
    stack.program(
        f"""
{one}
other = forge.TriggerModule("other", {OK}, opts=pulumi.ResourceOptions(id="default/v1/one"))
pulumi.export("key", other.key)
pulumi.export("endpoint", other.endpoint)
"""
    )
    done = stack.up()
    assert done.code == 0, done.text
    assert '"one"' in done.stdout
    assert f'"{"e" * 24}"' in done.stdout


@BOTH_ENGINES
def test_a_module_deleted_outside_pulumi_is_registered_again_after_a_refresh(project: Callable[..., Project]) -> None:
    stack = project()
    stack.program(f'for i in range(3):\n    forge.TriggerModule(f"m{{i}}", {OK})\n')
    assert stack.up().code == 0
    with closing(sqlite3.connect(stack.root / "forge.db")) as connection, connection:
        connection.execute("DELETE FROM modules WHERE key = 'm1'")
    done = stack.up("--refresh")
    assert done.code == 0, done.text
    assert stack.preview("--expect-no-changes").code == 0
    assert len(stack.state()) == 3
