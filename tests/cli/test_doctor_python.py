"""`forge-modules doctor`: the Python of the program beside that of the plugin.

A table of projects. The engine is a script that returns what a current language host returns for each (`pulumi about`); every
Python is one that returns what it would find.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.version import __version__
from testing.doctor import HOST, PROBED, Doctor, program
from testing.project import Outcome

LACKING = {"error": "ModuleNotFoundError: No module named 'pulumi_atlassian_forge'", "package": None}
NO_UV = "rpc error: code = Unknown desc = Could not find `uv` executable.\nInstall uv and make sure it is in your PATH."
OK, WARN, FAIL, SKIPPED = "ok", "warn", "fail", "skipped"


@dataclass
class Case:
    """A project in `{}/p`, the environments in it, and what the engine says of the program's Python."""

    yaml: str = "runtime: python"
    files: tuple[str, ...] = ()
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    on_path: dict[str, Any] = field(default_factory=dict)
    program: str | None = "bin/python3"
    runtime: dict[str, str] | None = field(default_factory=lambda: {"toolchain": "Auto"})
    errors: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    poetry: str | None = None
    folder: str = "p"


CASES: dict[str, tuple[Case, dict[str, str], list[str]]] = {
    "one environment, first on PATH": (
        Case(),
        {"program": OK, "python": OK},
        ["{}/bin/python3 (the first on PATH, 3.12)"],
    ),
    "01: another project's lock file above": (
        Case(files=("uv.lock",), environments={".venv": LACKING}, program=".venv/bin/python"),
        {"program": FAIL, "python": WARN},
        [
            "{}/.venv/bin/python (chosen by {}/uv.lock, 3.12) cannot import this package: ModuleNotFoundError",
            "set runtime.options.toolchain: pip and virtualenv: {}/bin-env in Pulumi.yaml, or add",
            "the package to the project of {}/uv.lock (`uv add`)",
        ],
    ),
    "01: the lock file of poetry above": (
        Case(files=("poetry.lock",), environments={"cache": LACKING}, program="cache/bin/python"),
        {"program": FAIL, "python": WARN},
        ["chosen by {}/poetry.lock", "toolchain: pip and virtualenv: {}/bin-env", "(`poetry add`)"],
    ),
    "01b: a uv project without the option": (
        Case(files=("p/uv.lock",), environments={"p/.venv": {}}, program="p/.venv/bin/python", on_path=LACKING),
        {"program": OK, "python": FAIL},
        ["set runtime.options.toolchain: uv in Pulumi.yaml, or start pulumi with `uv run`"],
    ),
    "01b: the same in `uv run`": (
        Case(
            files=("p/uv.lock",),
            environments={"p/.venv": {}},
            program="p/.venv/bin/python",
            on_path={"prefix": "{}/p/.venv"},
        ),
        {"program": OK, "python": WARN, "package": OK},
        ["is that of the program (chosen by {}/p/uv.lock) in this shell only", "toolchain: uv in Pulumi.yaml"],
    ),
    "01b: a poetry project without the option": (
        Case(files=("p/poetry.lock",), environments={"cache": {}}, program="cache/bin/python", on_path=LACKING),
        {"program": OK, "python": FAIL},
        ["set runtime.options.toolchain: poetry in Pulumi.yaml, or start pulumi with `poetry run`"],
    ),
    "01c: a lock file, and no uv": (
        Case(files=("uv.lock",), runtime=None, errors=(f"Failed to get information about the project runtime: {NO_UV}",)),
        {"program": FAIL, "python": OK},
        ["(chosen by {}/uv.lock): Could not find `uv` executable. Install uv", "toolchain: pip and virtualenv: {}/bin-env"],
    ),
    "01d: poetry": (
        Case(
            yaml="runtime: {name: python, options: {toolchain: poetry}}",
            environments={"cache": {}},
            program="cache/bin/python",
            on_path=LACKING,
            poetry="{}/cache",
        ),
        {"program": OK, "python": OK},
        ["{}/cache/bin/python (the toolchain of Pulumi.yaml, poetry, 3.12)"],
    ),
    "01d: no poetry": (
        Case(yaml="runtime: {name: python, options: {toolchain: poetry}}", program=None, runtime=None),
        {"program": SKIPPED, "python": FAIL},
        ["poetry does not name its environment"],
    ),
    "10a: main, and a relative virtualenv": (
        Case(
            yaml="runtime: {name: python, options: {virtualenv: venv}}\nmain: infra",
            files=("p/infra/__main__.py",),
            environments={"p/venv": {"prefix": "{}/p/venv"}},
            program="p/venv/bin/python",
        ),
        {"program": OK, "python": FAIL},
        [
            "there is no {}/p/infra/venv/bin/python (the virtualenv of Pulumi.yaml)",
            "set runtime.options.virtualenv: {}/p/venv in Pulumi.yaml",
        ],
    ),
    "10b: a uv workspace": (
        Case(
            yaml="runtime: {name: python, options: {toolchain: uv}}",
            files=("uv.lock",),
            environments={".venv": {}},
            program=".venv/bin/python",
            folder="stacks/a",
        ),
        {"program": OK, "python": FAIL},
        ["there is no {}/stacks/a/.venv/bin/python", "set runtime.options.virtualenv: ../../.venv in Pulumi.yaml"],
    ),
    "10b: a uv workspace without the option": (
        Case(files=("uv.lock",), environments={".venv": {}}, program=".venv/bin/python", on_path=LACKING, folder="stacks/a"),
        {"program": OK, "python": FAIL},
        ["set runtime.options.virtualenv: ../../.venv in Pulumi.yaml, or start pulumi with `uv run`"],
    ),
    "10c: UV_PROJECT_ENVIRONMENT": (
        Case(
            yaml="runtime: {name: python, options: {toolchain: uv}}",
            files=("p/uv.lock",),
            environments={"e": {}},
            program="e/bin/python",
        ),
        {"program": OK, "python": FAIL},
        ["set runtime.options.virtualenv: ../e in Pulumi.yaml"],
    ),
    "10d: a uv environment has no pip": (
        Case(
            yaml="runtime: {name: python, options: {toolchain: uv}}",
            files=("p/uv.lock",),
            environments={"p/.venv": {"pip": False}},
            program="p/.venv/bin/python",
        ),
        {"program": OK, "python": OK},
        [],
    ),
    "10e: installed with -e": (
        Case(
            yaml="runtime: {name: python, options: {virtualenv: venv}}",
            environments={"p/venv": {"editable": True}},
            program="p/venv/bin/python",
        ),
        {"program": OK, "python": OK, "package": OK},
        [],
    ),
    "10f: no pip": (
        Case(
            yaml="runtime: {name: python, options: {virtualenv: venv}}",
            environments={"p/venv": {"pip": False}},
            program="p/venv/bin/python",
        ),
        {"program": FAIL, "python": OK},
        ["has no pip, which the engine asks for its packages before each run", "{}/p/venv/bin/python -m ensurepip"],
    ),
    "a host of 3.68 knows no lock file, and asks for plugins": (
        Case(files=("uv.lock",), runtime={}, on_path={"editable": True}),
        {"program": OK, "python": OK, "package": WARN},
        ["{}/bin/python3 (the first on PATH, 3.12)", "installed with -e: this language host looks for a plugin to download"],
    ),
    "a host of 3.68 knows no toolchain": (
        Case(yaml="runtime: {name: python, options: {toolchain: poetry}}", runtime={}),
        {"program": OK, "python": OK},
        ["{}/bin/python3 (the first on PATH, 3.12)"],
    ),
    "a host of 3.68 asks pip": (Case(runtime={}, on_path={"pip": False}), {"program": FAIL, "python": OK}, ["has no pip"]),
    "two environments that both work": (
        Case(environments={"venv": {}}, variables={"PULUMI_RUNTIME_VIRTUALENV": "../venv"}),
        {"program": OK, "python": WARN},
        ["{}/venv/bin/python (PULUMI_RUNTIME_VIRTUALENV, 3.12) is the plugin's, and not that of the program: {}/bin/python3"],
    ),
    "Pulumi.yaml wins over the variable": (
        Case(
            yaml="runtime: {name: python, options: {virtualenv: venv}}",
            environments={"p/venv": {}},
            program="p/venv/bin/python",
            variables={"PULUMI_RUNTIME_VIRTUALENV": "nowhere"},
        ),
        {"program": OK, "python": OK},
        [],
    ),
    "a program in another language": (Case(yaml="runtime: nodejs"), {"program": SKIPPED, "python": OK}, []),
    "an engine that does not say": (Case(runtime=None), {"program": SKIPPED, "python": OK}, []),
}


def diagnose(root: Path, case: Case) -> Outcome:
    project = root / case.folder
    for file in (f"{case.folder}/Pulumi.yaml", *case.files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    (project / "Pulumi.yaml").write_text(f"name: p\n{case.yaml}\n", "utf-8")
    doctor = Doctor(project)
    environments = {"bin-env": case.on_path} | case.environments
    for folder, found in environments.items():
        answer = json.dumps(PROBED | {"prefix": str(root / folder)} | found).replace("{}", str(root))
        path = root / "bin" / "python3" if folder == "bin-env" else root / folder / "bin" / "python"
        program(path, f"cat <<'END'\n{answer}\nEND")
    runtime = (
        None if case.runtime is None else {"language": "python", "executable": str(root / str(case.program)), **case.runtime}
    )
    (root / "about.json").write_text(json.dumps({"runtime": runtime, "errors": case.errors}), "utf-8")
    program(root / "bin" / "pulumi", f'[ "$1" = about ] && exec cat {root}/about.json; echo v3.259.0')
    for name in HOST:
        program(root / "bin" / name, "exit 1")
    if case.poetry is not None:
        program(root / "bin" / "poetry", f"echo {case.poetry}".replace("{}", str(root)))
    variables = {
        "PATH": f"{root}/bin:/usr/bin:/bin",
        "ATLASSIAN_FORGE_BASE_URL": "emulator://x.db",
        "PULUMI_RUNTIME_TOOLCHAIN": "",
    }
    return doctor("--json", server=None, **variables, **case.variables)


@pytest.mark.parametrize("name", CASES)
def test_the_python_of_the_program_beside_that_of_the_plugin(tmp_path: Path, name: str) -> None:
    case, statuses, words = CASES[name]
    done = diagnose(tmp_path, case)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    found = {each: checks[each]["status"] for each in statuses}
    assert found == statuses, checks
    shown = "\n".join(f"{checks[each]['text']}\n{checks[each]['next'] or ''}" for each in ("program", "python", "package"))
    for line in words:
        assert line.replace("{}", str(tmp_path)) in shown, shown
    assert done.code == (1 if FAIL in statuses.values() else 0), checks
    assert __version__ in checks["package"]["text"] or checks["package"]["status"] == SKIPPED


def test_uv_changes_no_environment(tmp_path: Path) -> None:
    case = Case(files=("p/uv.lock",), environments={"p/.venv": {}}, program="p/.venv/bin/python")
    diagnose(tmp_path, case)
    program(tmp_path / "bin" / "uv", f"echo $1 >>{tmp_path}/called")
    about = f"uv --version; uv sync --inexact && exec cat {tmp_path}/about.json"
    program(tmp_path / "bin" / "pulumi", f'[ "$1" = about ] && {{ {about}; }}; echo v3.259.0')
    done = Doctor(tmp_path / "p")(PATH=f"{tmp_path}/bin:/usr/bin:/bin", ATLASSIAN_FORGE_BASE_URL="emulator://x.db")
    assert f"ok       program: {tmp_path}/p/.venv/bin/python" in done.stdout, done.stdout
    assert (tmp_path / "called").read_text() == "--version\n"


def test_the_probe_imports_nothing_from_the_folder_that_it_is_started_in(tmp_path: Path) -> None:
    import sys  # noqa: PLC0415 - the only test with a real Python

    for name in ("json", "importlib", "__future__", "pulumi"):
        (tmp_path / f"{name}.py").write_text("open('imported', 'w')\nraise SystemExit(3)\n", "utf-8")
    doctor = Doctor(tmp_path)
    path = doctor.tools()
    program(doctor.python, f'exec {sys.executable} "$@"')
    done = doctor(PATH=path, ATLASSIAN_FORGE_BASE_URL="emulator://x.db")
    assert "  ok       python: " in done.stdout, done.stdout
    assert not (tmp_path / "imported").exists()
