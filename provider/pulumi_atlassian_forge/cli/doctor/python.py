"""Checks the Python that the plugin runs in, and what is installed there.

The engine's script ``pulumi-resource-pulumi-python`` takes the virtual environment of Pulumi.yaml, else ``PULUMI_PYTHON_CMD``,
else the first ``python3`` on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

from pulumi_atlassian_forge.config.installations_file import project_file
from pulumi_atlassian_forge.version import __version__

from .machine import version_numbers
from .result import Check, fail, fill_skipped, ok, skipped, warn

NAMES: Final = ("python", "package", "sdk")

_PROBE_TIMEOUT_S: Final = 60.0
_PROBED: Final = {"python", "pip", "sdk", "package", "editable", "error"}
_MIN_PYTHON: Final = (3, 11)
_MIN_SDK: Final = (3, 216)
_SELECT: Final = (
    "put the environment that holds the package first on PATH, or name it in Pulumi.yaml (runtime.options.virtualenv)"
)


def python(directory: Path) -> list[Check]:
    """Check the Python of a plugin that is started for a directory."""
    project = project_file(directory)
    options = _runtime_options(project)
    if os.environ.get("PULUMI_RUNTIME_VIRTUALENV") is None and options.get("toolchain") == "poetry":
        reason = "poetry keeps this project's environment to itself; run this command in it (`poetry run`)"
        return [skipped(name, reason) for name in NAMES]
    command, origin = _command(project.parent if project else directory, options)
    path = shutil.which(command)
    if path is None:
        return _failed(f"there is no {command} ({origin})")
    found = _probe(path)
    if found is None:
        return _failed(f"{path} ({origin}) does not run, or is older than 3.7")
    text = f"{path} ({origin}, {'.'.join(map(str, found['python']))})"
    install = f"{path} -m pip install <the checkout or the wheel of this package>"
    if tuple(found["python"]) < _MIN_PYTHON:
        return _failed(f"{text} is older than 3.11")
    if found["error"] is not None:
        return _failed(f"{text} cannot import this package: {found['error']}", f"{_SELECT}; or: {install}")
    no_pip = warn("python", f"{text} has no pip, which the engine asks for its packages", f"{path} -m ensurepip")
    return [ok("python", text) if found["pip"] else no_pip, _package(found, install), _sdk(found["sdk"], path)]


def _failed(text: str, step: str = _SELECT) -> list[Check]:
    return fill_skipped([fail("python", text, step)], NAMES, "python")


def _runtime_options(project: Path | None) -> dict[str, Any]:
    """The ``runtime.options`` of Pulumi.yaml; none if it is invalid, which the engine reports."""
    if project is None:
        return {}
    try:
        runtime = (yaml.safe_load(project.read_text("utf-8")) or {}).get("runtime")
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return {}
    options = runtime.get("options") if isinstance(runtime, dict) else None
    return options if isinstance(options, dict) else {}


def _command(root: Path, options: dict[str, Any]) -> tuple[str, str]:
    """The command that starts Python, and the setting that it comes from."""
    if given := os.environ.get("PULUMI_RUNTIME_VIRTUALENV"):
        return str(root / given / "bin" / "python"), "PULUMI_RUNTIME_VIRTUALENV"
    if isinstance(named := options.get("virtualenv"), str) and named:
        return str(root / named / "bin" / "python"), "the virtualenv of Pulumi.yaml"
    if options.get("toolchain") == "uv":
        return str(root / ".venv" / "bin" / "python"), "the toolchain of Pulumi.yaml, uv"
    if given := os.environ.get("PULUMI_PYTHON_CMD"):
        return given, "PULUMI_PYTHON_CMD"
    return "python3", "the first on PATH"


def _probe(path: str) -> dict[str, Any] | None:
    """Run the probe with that Python; None if it fails."""
    probe = Path(__file__).with_name("python_probe.py").read_text("utf-8")
    try:
        done = subprocess.run(  # noqa: S603 - the user's own Python, and our own text
            [path, "-c", probe], capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False
        )
        found = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return found if isinstance(found, dict) and set(found) == _PROBED else None


def _package(found: dict[str, Any], install: str) -> Check:
    version = found["package"] or "0+unknown"
    if found["editable"]:
        return warn("package", f"{version}, installed with -e: the engine looks for a plugin to download", install)
    if version != __version__:
        return warn("package", f"the plugin's is {version}, this command's {__version__}", install)
    return ok("package", f"pulumi-atlassian-forge {version}")


def _sdk(version: str | None, path: str) -> Check:
    if (version_numbers(version) or ()) < _MIN_SDK:
        text = f"the SDK pulumi {version or 'without a version'} is older than 3.216"
        return fail("sdk", text, f"{path} -m pip install --upgrade pulumi")
    return ok("sdk", f"pulumi {version}")
