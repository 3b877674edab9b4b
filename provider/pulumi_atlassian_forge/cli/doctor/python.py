"""Checks the Python of the program and that of the plugin, which may be two (:mod:`.environments`), and what they hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.version import __version__

from .environments import FIRST_ON_PATH, Choice, Project, plugin_python, program_python, read_project
from .machine import version_numbers
from .result import Check, fail, fill_skipped, from_error, ok, skipped, warn

NAMES: Final = ("program", "python", "package", "sdk")

_PROBE_TIMEOUT_S: Final = 60.0
_PROBED: Final = {"python", "prefix", "pip", "sdk", "package", "editable", "error"}
# The folder that it is started in may be anybody's, and `python -c` has it first in the search for modules.
_WITHOUT_FOLDER: Final = "import sys; sys.path[:] = [path for path in sys.path if path]; exec(sys.argv[1])"
_MIN_PYTHON: Final = (3, 11)
_MIN_SDK: Final = (3, 216)


@dataclass(frozen=True)
class _Interpreter:
    """A Python that was asked."""

    choice: Choice
    found: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.choice.path} ({self.choice.origin}, {'.'.join(map(str, self.found['python']))})"

    @property
    def problem(self) -> str | None:
        """Why it cannot run what is asked of it."""
        if tuple(self.found["python"]) < _MIN_PYTHON:
            return "is older than 3.11"
        return None if self.found["error"] is None else f"cannot import this package: {self.found['error']}"


def python(directory: Path) -> list[Check]:
    """Check the Pythons of a program and a plugin that are started in a directory."""
    try:
        project = read_project(directory)
    except ForgeError as error:
        return fill_skipped([from_error("program", error)], NAMES, "program")
    chosen = program_python(project) if project is not None else None
    program = _interpreter(chosen) if chosen is not None else None
    choice = plugin_python(project, directory, is_modern=chosen is None or chosen.is_modern)
    plugin = _interpreter(choice)
    found = [_program(project, chosen, program, plugin)]
    if plugin is None:
        text = choice.problem or f"{choice.path} ({choice.origin}) does not run, or is older than 3.7"
        return fill_skipped([*found, fail("python", text, _one_for_both(project, chosen, program))], NAMES, "python")
    install = f"{choice.path} -m pip install <the checkout or the wheel of this package>"
    if plugin.problem is not None:
        step = _one_for_both(project, chosen, program)
        step = step if tuple(plugin.found["python"]) < _MIN_PYTHON else f"{step}; or: {install}"
        return fill_skipped([*found, fail("python", f"{plugin} {plugin.problem}", step)], NAMES, "python")
    is_old_host = chosen is not None and not chosen.is_modern
    return [
        *found,
        _plugin(project, program, plugin),
        _package(plugin.found, install, is_old_host=is_old_host),
        _sdk(plugin.found["sdk"], f"{choice.path}"),
    ]


def _interpreter(choice: Choice) -> _Interpreter | None:
    """Run the probe with that Python; None if it fails."""
    if choice.path is None:
        return None
    probe = Path(__file__).with_name("python_probe.py").read_text("utf-8")
    try:
        done = subprocess.run(  # noqa: S603 - the user's own Python, and our own text
            [choice.path, "-c", _WITHOUT_FOLDER, probe], capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False
        )
        found = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return _Interpreter(choice, found) if isinstance(found, dict) and set(found) == _PROBED else None


def _program(project: Project | None, chosen: Choice | None, program: _Interpreter | None, plugin: _Interpreter | None) -> Check:
    if project is None:
        return skipped("program", "there is no Pulumi.yaml of a Python program here or above")
    if chosen is None:
        return skipped("program", "`pulumi about` does not say which Python it runs in")
    if program is None:
        text = f"the engine finds no Python ({chosen.origin}): {chosen.problem or f'{chosen.path} does not run'}"
        can_sync = project.toolchain == "uv" and chosen.is_modern and shutil.which("uv") is not None
        sync = "`uv sync`, which `pulumi preview` runs too; or " if can_sync else ""
        return fail("program", text, sync + _other_program(project, plugin))
    if program.problem is not None:
        return fail("program", f"{program} {program.problem}", _other_program(project, plugin))
    if not program.found["pip"] and (project.toolchain == "pip" or not chosen.is_modern):
        text = f"{program} has no pip, which the engine asks for its packages before each run"
        return fail("program", text, f"{chosen.path} -m ensurepip")
    return ok("program", f"{program}")


def _plugin(project: Project | None, program: _Interpreter | None, plugin: _Interpreter) -> Check:
    """The plugin's Python works; it should be the program's, and not by chance."""
    if project is None or program is None:
        return ok("python", f"{plugin}")
    if program.problem is not None and program.found["prefix"] != plugin.found["prefix"]:
        step = _other_program(project, plugin)
        return warn("python", f"{plugin} is the plugin's, and not that of the program, which fails: {program.choice.path}", step)
    step = _one_for_both(project, program.choice, program)
    if program.found["prefix"] != plugin.found["prefix"]:
        return warn("python", f"{plugin} is the plugin's, and not that of the program: {program.choice.path}", step)
    by_path = plugin.choice.origin == FIRST_ON_PATH and program.choice.origin != FIRST_ON_PATH
    if by_path and program.choice.is_modern:
        return warn("python", f"{plugin} is that of the program ({program.choice.origin}) in this shell only", step)
    return ok("python", f"{plugin}")


def _one_for_both(project: Project | None, chosen: Choice | None, program: _Interpreter | None) -> str:
    """What has the plugin run in the Python of the program."""
    if project is None or program is None or program.problem is not None or chosen is None or not chosen.is_modern:
        return "put the environment that holds the package first on PATH, or name it in Pulumi.yaml (runtime.options.virtualenv)"
    environment = Path(program.found["prefix"])
    if project.lock_file is not None and project.toolchain == "poetry":
        return "set runtime.options.toolchain: poetry in Pulumi.yaml, or start pulumi with `poetry run`"
    if project.lock_file is not None and environment == project.folder / ".venv":
        return "set runtime.options.toolchain: uv in Pulumi.yaml, or start pulumi with `uv run`"
    # With `main` the host and the script start a relative path in different folders.
    path = os.path.relpath(environment, project.root) if project.folder == project.root else environment
    step = f"set runtime.options.virtualenv: {path} in Pulumi.yaml"
    return f"{step}, or start pulumi with `uv run`" if project.lock_file is not None else step


def _other_program(project: Project, plugin: _Interpreter | None) -> str:
    """What has the program run in a Python that holds the package: that of the plugin, or of this command."""
    working = plugin.found["prefix"] if plugin is not None and plugin.problem is None else sys.prefix
    if project.lock_file is None:
        return f"correct runtime.options in Pulumi.yaml, or install the package there; {working} holds it"
    add = f"add the package to the project of {project.lock_file} (`{project.toolchain} add`)"
    return f"set runtime.options.toolchain: pip and virtualenv: {working} in Pulumi.yaml, or {add}"


def _package(found: dict[str, Any], install: str, *, is_old_host: bool) -> Check:
    version = found["package"] or "0+unknown"
    if found["editable"] and is_old_host:
        text = f"{version}, installed with -e: this language host looks for a plugin to download"
        return warn("package", text, install)
    if version != __version__:
        return warn("package", f"the plugin's is {version}, this command's {__version__}", install)
    return ok("package", f"pulumi-atlassian-forge {version}")


def _sdk(version: str | None, path: str) -> Check:
    if (version_numbers(version) or ()) < _MIN_SDK:
        text = f"the SDK pulumi {version or 'without a version'} is older than 3.216"
        return fail("sdk", text, f"{path} -m pip install --upgrade pulumi")
    return ok("sdk", f"pulumi {version}")
