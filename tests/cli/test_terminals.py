"""Output on a terminal, or into a pipe, whose encoding cannot show every character of a module."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testing.command import register_outside, run_process
from testing.independent_server import Server

TITLE = "リスク 🎯"
COMMANDS = {
    "list": (["list"], 0),
    "list --json": (["list", "--json"], 0),
    "show": (["show", "panel"], 0),
    "show yaml": (["show", "panel", "--format", "yaml"], 0),
    "orphans": (["orphans", "--state", "state.json"], 2),
    "drift": (["drift", "--state", "state.json"], 2),
    "import": (["import"], 0),
    "doctor": (["doctor"], 0),
    "events": (["events", "日本"], 1),
}


LATIN_1 = {"PYTHONIOENCODING": "latin-1"}
C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
RUNS = [
    pytest.param(name, environment, marks=() if name == "list" else pytest.mark.complete, id=f"{name}-{id_}")
    for name in COMMANDS
    for id_, environment in (("latin-1", LATIN_1), ("C", C))
    if (name, environment) != ("events", C)  # the argument cannot be given in this locale
]


@pytest.mark.parametrize(("name", "environment"), RUNS)
def test_a_character_that_the_terminal_lacks_is_escaped(
    server: Server, tmp_path: Path, name: str, environment: dict[str, str]
) -> None:
    register_outside(server, "v1", "panel", "jira:issuePanel", title=TITLE, resource="main", icon="https://example.com/i.svg")
    register_outside(server, "v1", "trigger")
    outputs = {"key": "panel", "installation": "default", "apiVersion": "v1", "__schema": 1, "type": "jira:issuePanel"}
    entry = {
        "urn": f"urn:pulumi:dev::p::pulumi-python:dynamic/atlassian-forge:DynamicModule::{TITLE}",
        "type": "pulumi-python:dynamic/atlassian-forge:DynamicModule",
        "id": "default/v1/panel",
        "outputs": outputs | {"data": {"title": "old", "resource": "main", "icon": "https://example.com/i.svg"}},
    }
    (tmp_path / "state.json").write_text(json.dumps({"deployment": {"resources": [entry]}}), "utf-8")
    arguments, code = COMMANDS[name]
    done = run_process(*arguments, server=server, cwd=tmp_path, **environment)
    assert "UnicodeEncodeError" not in done.text
    assert name == "doctor" or done.code == code, done.text
    if name in {"list", "show", "drift"} and "PYTHONIOENCODING" in environment:
        assert "\\u30ea" in done.stdout
    if name == "import":
        assert TITLE in (tmp_path / "forge_modules.py").read_text("utf-8")
