"""Each command once as a process, started as its user starts it. Everything else about the commands is tested in process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_atlassian_forge.version import __version__
from testing.command import environment_of, register_outside, run_process
from testing.doctor import Doctor
from testing.independent_server import Server

SCRIPT = Path(sys.executable).with_name("forge-modules")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["list"], 0, "one\ttrigger\tavi:jira:updated:issue → endpoint hook"),
        (["show", "one"], 0, "forge.TriggerModule("),
        (["events", "updated:issue"], 0, "avi:jira:updated:issue\tjira"),
        (["drift", "--state", "state.json"], 2, "1 of 1 module differ from the state:"),
        (["doctor"], 0, "installation 'default'"),
        (["orphans", "--state", "state.json"], 2, "1 of 2 modules on installation 'default' (v1) in none of the given states:"),
        (
            ["import", "--key", "one"],
            0,
            "1 module of installation 'default' (v1): declared by forge_modules.py, forge-import.json is",
        ),
        (["emulator", "--contract"], 0, "A09  GET of a module"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_as_a_process(
    server: Server, doctor: Doctor, tmp_path: Path, arguments: list[str], code: int, line: str
) -> None:
    for key in ("one", "orphan"):
        register_outside(server, "v1", key)
    type_ = "pulumi-python:dynamic/atlassian-forge:TriggerModule"
    outputs = {"key": "one", "events": ["avi:jira:deleted:issue"], "endpoint": "hook"}
    module = {"type": type_, "urn": f"urn:pulumi:s::p::{type_}::one", "id": "default/v1/one", "outputs": outputs}
    (tmp_path / "state.json").write_text(json.dumps({"deployment": {"resources": [module]}}), "utf-8")
    done = subprocess.run(
        [SCRIPT, *arguments],
        cwd=tmp_path,
        env={**environment_of(server), "PATH": doctor.tools()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, "")
    assert any(shown.startswith(line) for shown in done.stdout.splitlines()), done.stdout
    assert not server.count("POST") + server.count("PUT") + server.count("DELETE")


def test_the_package_as_a_program() -> None:
    done = run_process("--version")
    assert (done.code, done.stdout, done.stderr) == (0, f"{__version__}\n", "")
    assert run_process("list", "--wrong").code == 1
