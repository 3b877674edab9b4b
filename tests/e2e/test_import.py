"""`forge-modules import`, `pulumi import` and the generated program, through the real CLI."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from testing.independent_server import Server
from testing.project import Project
from tests.support.command import in_project, printed, register_outside
from tests.support.samples import SAMPLES, TRIGGERS

ROOT = Path(__file__).parent.parent.parent


def forty(server: Server, version: str) -> list[str]:
    """All 17 types, each with its least and its fullest data, and triggers with every property."""
    number = 0
    for type_, samples in [*SAMPLES.items(), ("trigger", TRIGGERS), ("trigger", [SAMPLES["trigger"][0]] * 4)]:
        for data in samples:
            number += 1
            key = f"other-{number}" if version == "v1" else f"{number:08x}-0000-4000-8000-000000000000"
            register_outside(server, version, key, type_, **data)
    assert number == 40
    return [module["key"] for module in server.modules(version)]


def is_tidy(program: Path) -> None:
    """ruff and mypy strict, as this repository has them."""
    for tool in (["ruff", "check", "--isolated"], ["ruff", "format", "--isolated", "--check"], ["mypy", "--strict"]):
        done = subprocess.run(
            [sys.executable, "-m", *tool, str(program)], cwd=program.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_forty_modules_of_all_types_are_imported_without_a_request_that_changes_anything(
    project: Callable[..., Project], server: Server, version: str
) -> None:
    keys = forty(server, version)
    stack = project(server, apiVersion=version)
    done = in_project(stack, "import", "--stack", "test", "--run")
    assert done.code == 0, done.text
    assert server.counts() == {"GET": 1, "POST": 0, "PUT": 0, "DELETE": 0}
    if version == "v2":  # mypy without a cache takes ten seconds
        is_tidy(stack.root / "forge_modules.py")
    shutil.copy(stack.root / "forge_modules.py", stack.root / "__main__.py")
    before = len(server.calls)
    done = stack.preview("--expect-no-changes")
    assert done.code == 0, done.text
    assert done.summary == {"unchanged": 41}
    assert len(server.calls) == before
    assert stack.refresh("--expect-no-changes").code == 0
    again = in_project(stack, "import", "--stack", "test", "--file", "b.json", "--program", "b.py")
    assert (again.code, again.stdout) == (
        0,
        f"nothing to import from installation 'default' ({version}): stack 'test' owns all selected modules\n",
    )
    assert not (stack.root / "b.json").exists()
    assert sorted(module["key"] for module in server.modules(version)) == sorted(keys)
    assert stack.destroy().code == 0
    assert server.modules(version) == []


def test_modules_that_the_stack_owns_are_skipped(project: Callable[..., Project], server: Server) -> None:
    forty(server, "v1")
    stack = project(server)
    done = in_project(stack, "import", "--stack", "test", "--key", "other-[123]", "--program", "three.py", "--run")
    assert done.code == 0, done.text
    assert len(stack.state()) == 3
    (stack.root / "forge-import.json").unlink()
    done = in_project(stack, "import", "--stack", "test", "--run", "--json")
    assert done.code == 0, done.text
    assert len(printed(done)["imported"]) == 37
    stack.program("import three, forge_modules")
    assert stack.preview("--expect-no-changes").code == 0
    assert server.counts()["GET"] == len(server.calls)


def test_nothing_is_overwritten(project: Callable[..., Project], server: Server) -> None:
    register_outside(server, "v1", "one")
    stack = project(server)
    stack.root.joinpath("forge_modules.py").write_text("mine")
    done = in_project(stack, "import")
    assert (done.code, done.stdout) == (1, "")
    assert "forge_modules.py exists already and is not overwritten" in done.stderr
    assert stack.root.joinpath("forge_modules.py").read_text() == "mine"
    assert not server.calls


def test_types_and_keys_choose_and_another_installation_is_named(project: Callable[..., Project], server: Server) -> None:
    forty(server, "v2")
    url, token = server.base_url, server.token
    stack = project()
    stack.environment = {"ATLASSIAN_FORGE_ACME_BASE_URL": url, "ATLASSIAN_FORGE_ACME_TOKEN": token}
    done = in_project(stack, "import", "--installation", "acme", "--api-version", "v2", "--type", "jira:jql*", "--json")
    assert done.code == 0, done.text
    assert [one["name"] for one in printed(done)["imported"]] == ["risky", "risky-2"]
    program = (stack.root / "forge_modules.py").read_text()
    assert program.count('installation="acme"') == 2
    assert "key=" not in program
    entries = json.loads((stack.root / "forge-import.json").read_text())["resources"]
    assert [entry["id"].split("/")[:2] for entry in entries] == [["acme", "v2"]] * 2


def test_a_module_that_no_program_can_declare_is_skipped_and_named(project: Callable[..., Project], server: Server) -> None:
    register_outside(server, "v1", "a key/with slashes")
    register_outside(server, "v1", "odd", "jira:issuePanel", title=3)
    register_outside(server, "v1", "good")
    stack = project(server)
    done = in_project(stack, "import", "--json")
    assert done.code == 2, done.text
    found = printed(done)
    assert [one["id"] for one in found["imported"]] == ["default/v1/good"]
    assert [one["key"] for one in found["leftOut"]] == ["a key/with slashes", "odd"]
    assert "1 to 255 of a-z A-Z 0-9 _ -" in found["leftOut"][0]["reason"]


def test_run_needs_a_stack_and_a_pulumi_that_can(project: Callable[..., Project], server: Server) -> None:
    register_outside(server, "v1", "one")
    stack = project(server)
    done = in_project(stack, "import", "--run")
    assert (done.code, "--run needs a stack" in done.stderr) == (1, True)
    old = stack.root / "old"
    old.mkdir()
    (old / "pulumi").write_text("#!/bin/sh\necho v3.250.0\n")
    (old / "pulumi").chmod(0o755)
    done = in_project(stack, "import", "--run", "--stack", "test", PATH=f"{old}:/usr/bin:/bin")
    assert done.code == 1
    assert "pulumi v3.250.0 does not take the state of a resource from an import file" in done.stderr
    assert not (stack.root / "forge_modules.py").exists()
