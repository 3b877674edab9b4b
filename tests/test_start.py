"""What a run does once and no more than once, or not at all: the time of a preview is mostly that of its start."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from collections.abc import Iterable

import pytest

from pulumi_atlassian_forge.sdk import preview_errors


def loaded(code: str, *names: str, prints: bool = False) -> list[str]:
    """Which of these modules a process loads that runs this; it prints nothing, unless that is what it is for."""
    # What measures the tests' coverage loads its own before.
    code = f"import sys\nbefore = set(sys.modules)\n{code}\nprint([one for one in {names} if one in set(sys.modules) - before])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *printed, found = done.stdout.splitlines()
    assert bool(printed) == prints
    return list(ast.literal_eval(found))


CLIENT = ("httpx", "httpcore")


def test_what_a_preview_runs_loads_no_client() -> None:
    code = """
from types import SimpleNamespace
from pulumi_atlassian_forge.provider import PROVIDER


settings = {"atlassian-forge:baseUrl": "https://a.example", "atlassian-forge:token": "t", "atlassian-forge:apiVersion": "v2"}
PROVIDER.configure(SimpleNamespace(config=settings))
declared = {"__name": ["a"], "installation": "default", "events": ["avi:jira:created:issue"], "function": "f"}
checked = PROVIDER.check({}, declared)
assert not checked.failures, checked.failures
found = PROVIDER.diff("default/v2/k", {**checked.inputs, "key": "k"}, checked.inputs)
assert not found.changes
"""
    ours = (f"pulumi_atlassian_forge.{name}" for name in ("manifest.manifest", "api.protocol"))
    assert loaded(code, *CLIENT, "html.parser", "sqlite3", "difflib", *ours) == []


def test_a_program_of_triggers_loads_neither_the_type_table_nor_the_error_helpers() -> None:
    unneeded = ("difflib", "pydantic", "pulumi_atlassian_forge.model.catalog.module_types")
    assert loaded("import pulumi_atlassian_forge", *unneeded) == []


@pytest.mark.parametrize("command", [["--version"], ["events", "--help"], ["emulator", "--help"]])
def test_a_command_that_sends_no_request_loads_no_client(command: list[str]) -> None:
    code = f"from pulumi_atlassian_forge.cli.app import app\napp({command!r}, standalone_mode=False)"
    assert loaded(code, *CLIENT, prints=True) == []


def test_the_probe_reports_loaded_modules() -> None:
    assert loaded("import difflib", "difflib", "httpx") == ["difflib"]


def test_a_preview_searches_the_tasks_only_if_there_is_an_error_to_report(monkeypatch: pytest.MonkeyPatch) -> None:
    # A search takes time for each module of the program, so one search for each module grows with their square.
    searches: list[object] = []

    def counted() -> Iterable[object]:
        searches.append(None)
        return set()

    monkeypatch.setattr(asyncio, "all_tasks", counted)
    asyncio.run(preview_errors._print(None, []))  # type: ignore[arg-type] # no errors, so no resources
    assert not searches
