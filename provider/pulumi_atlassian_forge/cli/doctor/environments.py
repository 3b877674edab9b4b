"""Which Python the program runs in, and which one the plugin: Pulumi chooses them by different rules.

The language host chooses the program's: by the ``toolchain`` of Pulumi.yaml, else by the nearest ``uv.lock`` or ``poetry.lock``
from the program upwards, else ``virtualenv``, else PATH. Only the host knows it for certain, so the engine is asked (``pulumi
about``). The script ``pulumi-resource-pulumi-python`` chooses the plugin's: by the ``virtualenv`` and the ``toolchain`` of
Pulumi.yaml, else PATH. It knows no lock file and no workspace, and starts a relative path in the folder of the program, while the
host starts it at Pulumi.yaml.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from pulumi_atlassian_forge.cli.trust import distrusted, require_trusted_project
from pulumi_atlassian_forge.config.installations_file import project_file

FIRST_ON_PATH: Final = "the first on PATH"
_TIMEOUT_S: Final = 60.0
_LOCK_FILES: Final = {"uv": "uv.lock", "poetry": "poetry.lock"}  # in the host's order
_RUNTIME_PROBLEM: Final = "Failed to get information about the project runtime: "


@dataclass(frozen=True)
class Project:
    """A Pulumi.yaml as far as it chooses a Python."""

    root: Path
    folder: Path  # of the program: `main`
    options: Mapping[str, str]  # runtime.options

    @property
    def lock_file(self) -> Path | None:
        """The lock file that a current language host chooses the environment by; None if Pulumi.yaml names the toolchain."""
        if self.options.get("toolchain"):
            return None
        folders = (self.folder, *self.folder.parents)
        return next((path for name in _LOCK_FILES.values() for folder in folders if (path := folder / name).is_file()), None)

    @property
    def toolchain(self) -> str:
        """``uv``, ``poetry`` or ``pip``."""
        lock_file = self.lock_file
        by_lock_file = next((name for name, file in _LOCK_FILES.items() if lock_file and lock_file.name == file), "pip")
        return self.options.get("toolchain") or by_lock_file


@dataclass(frozen=True)
class Choice:
    """A Python that was chosen, and by what. ``problem``: why there is none."""

    path: str | None
    origin: str
    problem: str | None = None
    is_modern: bool = True  # False: a language host that knows neither toolchains nor lock files


def read_project(directory: Path) -> Project | None:
    """The project of a directory; None if there is none in Python, or it is invalid, which the engine reports.

    One that another user can change is a :class:`ForgeError`.
    """
    require_trusted_project(directory)
    file = project_file(directory)
    try:
        content = yaml.safe_load(file.read_text("utf-8")) if file is not None else None
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if file is None or not isinstance(content, dict):
        return None
    runtime, main = content.get("runtime"), content.get("main")
    details = runtime if isinstance(runtime, dict) else {"name": runtime}
    if details.get("name") != "python":
        return None
    options: Any = details.get("options")
    folder = file.parent / main if isinstance(main, str) else file.parent
    texts = {str(name): value for name, value in (options if isinstance(options, dict) else {}).items() if isinstance(value, str)}
    return Project(file.parent, Path(os.path.normpath(folder if folder.is_dir() else folder.parent)), texts)


def program_python(project: Project) -> Choice | None:
    """The program's Python, as the engine says, which starts it; None if the engine does not."""
    uv_folder = (project.lock_file or project.folder / "uv.lock").parent
    environments = [project.root / project.options.get("virtualenv", ".venv"), uv_folder / ".venv"]
    programs = [path for folder in environments for path in _programs_in(folder)]
    reason = distrusted(*programs, *filter(None, [project.lock_file]))
    if reason is not None:
        return Choice(None, _origin(project), f"{reason}, so it was not started (AF502)")
    try:
        with tempfile.TemporaryDirectory() as home:  # it must not write a log to the user's home, or need a login
            variables = {"PULUMI_HOME": home, "PULUMI_BACKEND_URL": f"file://{home}", "PULUMI_SKIP_UPDATE_CHECK": "true"}
            path = {"PATH": f"{_without_sync(Path(home))}{os.pathsep}{os.environ.get('PATH', '')}"}
            done = _run(["pulumi", "about", "--json"], project.root, variables | path)
        about = json.loads(done)
        runtime, errors = about.get("runtime") or {}, about.get("errors") or []
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError):
        return None
    problem = next((error for error in map(str, errors) if error.startswith(_RUNTIME_PROBLEM)), None)
    if problem is not None:
        text = problem.removeprefix(_RUNTIME_PROBLEM)
        return Choice(None, _origin(project), " ".join(text.rpartition("desc = ")[2].split()))
    if not runtime.get("executable"):
        return None
    is_modern = "toolchain" in runtime
    return Choice(str(runtime["executable"]), _origin(project) if is_modern else FIRST_ON_PATH, is_modern=is_modern)


def _without_sync(folder: Path) -> Path:
    """A folder with a uv that leaves the environment as it is: the host has uv synchronize it before it tells its Python."""
    uv = shutil.which("uv")
    if uv is not None:
        script = folder / "uv"
        script.write_text(f'#!/bin/sh\n[ "$1" = sync ] && exit 0\nexec {shlex.quote(uv)} "$@"\n', "utf-8")
        script.chmod(0o700)
    return folder


def _origin(project: Project) -> str:
    if project.lock_file is not None:
        return f"chosen by {project.lock_file}"
    if project.toolchain != "pip":
        return f"the toolchain of Pulumi.yaml, {project.toolchain}"
    if project.options.get("virtualenv"):
        return "the virtualenv of Pulumi.yaml"
    return "PULUMI_PYTHON_CMD" if os.environ.get("PULUMI_PYTHON_CMD") else FIRST_ON_PATH


def plugin_python(project: Project | None, directory: Path, *, is_modern: bool = True) -> Choice:
    """The plugin's Python, as the engine's script chooses it. Pulumi.yaml wins over the variables of the same names.

    A script that is as old as a host without toolchains (``is_modern`` is False) knows none either.
    """
    folder, options = (project.folder, project.options) if project else (directory, {})
    virtualenv, toolchain = (
        (options[name], f"the {name} of Pulumi.yaml")
        if options.get(name)
        else (os.environ.get(f"PULUMI_RUNTIME_{name.upper()}"), f"PULUMI_RUNTIME_{name.upper()}")
        for name in ("virtualenv", "toolchain")
    )
    if virtualenv[0]:
        return _existing(folder / virtualenv[0] / "bin" / "python", virtualenv[1])
    if is_modern and toolchain[0] == "uv":
        return _existing(folder / ".venv" / "bin" / "python", f"{toolchain[1]}, uv")
    if is_modern and toolchain[0] == "poetry":
        origin = f"{toolchain[1]}, poetry"
        try:
            return _existing(Path(_run(["poetry", "env", "info", "--path"], folder).strip()) / "bin" / "python", origin)
        except (OSError, subprocess.SubprocessError):
            return Choice(None, origin, "poetry does not name its environment: it is not on PATH, or has made none here")
    command = os.environ.get("PULUMI_PYTHON_CMD")
    origin = "PULUMI_PYTHON_CMD" if command else FIRST_ON_PATH
    path = shutil.which(command or "python3")
    return Choice(path, origin, None if path else f"there is no {command or 'python3'} ({origin})")


def _programs_in(environment: Path) -> list[Path]:
    return [environment, environment / "bin", environment / "bin" / "python"]


def _existing(path: Path, origin: str) -> Choice:
    path = Path(os.path.normpath(path))
    if not os.access(path, os.X_OK):
        return Choice(None, origin, f"there is no {path} ({origin})")
    reason = distrusted(*_programs_in(path.parent.parent))
    return Choice(str(path) if reason is None else None, origin, reason and f"{reason} ({origin}), so it was not started (AF502)")


def _run(command: list[str], directory: Path, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(  # noqa: S603 - the user's own tools, from PATH
        command,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=_TIMEOUT_S,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout
