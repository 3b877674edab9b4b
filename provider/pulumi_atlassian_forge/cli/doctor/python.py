"""Which Python the plugin runs in, and whether it has what it needs.

The engine's script ``pulumi-resource-pulumi-python`` takes the virtual environment that Pulumi.yaml names, else
``PULUMI_PYTHON_CMD``, else the first ``python3`` on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

from pulumi_atlassian_forge.version import __version__

from .machine import numbers
from .result import Check, completed, fail, ok, skipped, warn

NAMES: Final = ("python", "package", "sdk")

_PATIENCE: Final = 60.0
_ANSWERS: Final = {"python", "pip", "sdk", "package", "editable", "error"}
_OLDEST: Final = (3, 11)
_SDK_FLOOR: Final = (3, 216)
_FIRST: Final = "put the environment that holds the package first on PATH, or name it in Pulumi.yaml (runtime.options.virtualenv)"


def python(directory: Path) -> list[Check]:
    """What the plugin would run in, seen from a directory."""
    project = project_file(directory)
    options = _options(project)
    if os.environ.get("PULUMI_RUNTIME_VIRTUALENV") is None and options.get("toolchain") == "poetry":
        because = "poetry keeps this project's environment to itself; run this command in it (`poetry run`)"
        return [skipped(name, because) for name in NAMES]
    command, why = _command(project.parent if project else directory, options)
    path = shutil.which(command)
    if path is None:
        return _stopped(fail("python", f"there is no {command} ({why})", _FIRST))
    found = _probed(path)
    if found is None:
        return _stopped(fail("python", f"{path} ({why}) does not run, or is older than 3.7", _FIRST))
    return _judged(path, why, found)


def project_file(directory: Path) -> Path | None:
    """The nearest Pulumi.yaml, from a directory upwards."""
    names = (folder / name for folder in (directory, *directory.parents) for name in ("Pulumi.yaml", "Pulumi.yml"))
    return next((path for path in names if path.is_file()), None)


def _options(project: Path | None) -> dict[str, Any]:
    """The runtime's options in Pulumi.yaml."""
    if project is None:
        return {}
    try:
        runtime = (yaml.safe_load(project.read_text("utf-8")) or {}).get("runtime")
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return {}  # the engine says what is wrong with it
    options = runtime.get("options") if isinstance(runtime, dict) else None
    return options if isinstance(options, dict) else {}


def _command(root: Path, options: dict[str, Any]) -> tuple[str, str]:
    """What is run, and why it is that."""
    if given := os.environ.get("PULUMI_RUNTIME_VIRTUALENV"):
        return str(root / given / "bin" / "python"), "PULUMI_RUNTIME_VIRTUALENV"
    if isinstance(named := options.get("virtualenv"), str) and named:
        return str(root / named / "bin" / "python"), "the virtualenv of Pulumi.yaml"
    if options.get("toolchain") == "uv":
        return str(root / ".venv" / "bin" / "python"), "the toolchain of Pulumi.yaml, uv"
    if given := os.environ.get("PULUMI_PYTHON_CMD"):
        return given, "PULUMI_PYTHON_CMD"
    return "python3", "the first on PATH"


def _probed(path: str) -> dict[str, Any] | None:
    probe = Path(__file__).with_name("python_probe.py").read_text("utf-8")
    try:
        done = subprocess.run(  # noqa: S603 - the user's own, and our text
            [path, "-c", probe], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
        found = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return found if isinstance(found, dict) and set(found) == _ANSWERS else None


def _judged(path: str, why: str, found: dict[str, Any]) -> list[Check]:
    version = ".".join(map(str, found["python"]))
    what = f"{path} ({why}, {version})"
    install = f"{path} -m pip install <the checkout or the wheel of this package>"
    if tuple(found["python"]) < _OLDEST:
        return _stopped(fail("python", f"{what} is older than 3.11", _FIRST))
    if found["error"] is not None:
        return _stopped(fail("python", f"{what} cannot import this package: {found['error']}", f"{_FIRST}; or: {install}"))
    if not found["pip"]:
        first = warn("python", f"{what} has no pip, which the engine asks for its packages", f"{path} -m ensurepip")
    else:
        first = ok("python", what)
    return [first, _package(found, install), _sdk(found, path)]


def _package(found: dict[str, Any], install: str) -> Check:
    theirs = found["package"] or "0+unknown"
    if found["editable"]:
        return warn("package", f"{theirs}, installed with -e: the engine looks for a plugin to download", install)
    if theirs != __version__:
        return warn("package", f"the plugin's is {theirs}, this command's {__version__}", install)
    return ok("package", f"pulumi-atlassian-forge {theirs}")


def _sdk(found: dict[str, Any], path: str) -> Check:
    version = numbers(found["sdk"])
    if version is None or version < _SDK_FLOOR:
        what = f"the SDK pulumi {found['sdk'] or 'without a version'} is older than 3.216"
        return fail("sdk", what, f"{path} -m pip install --upgrade pulumi")
    return ok("sdk", f"pulumi {found['sdk']}")


def _stopped(check: Check) -> list[Check]:
    return completed([check], NAMES, check.name)
