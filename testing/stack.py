"""Cached result of `pulumi stack init`: made once for all tests of a process, because it takes the CLI a third of a second."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from testing import vault

STACK = "test"
_FILE = f"Pulumi.{STACK}.yaml"
_PROJECT = "name: project\nruntime: python\n"


def make(root: Path, environment_of: Callable[[Path], dict[str, str]], keys: str = vault.PROVIDER) -> None:
    """Give a folder a project with an empty stack, unless it has a project: of that the stack is made by the CLI.

    Args:
        root: The folder.
        environment_of: The environment in which the CLI works in a folder, with a backend in that folder.
        keys: The secrets provider, as ``--secrets-provider`` names it.
    """
    if (root / "Pulumi.yaml").exists():
        _init(root, environment_of(root), keys)
    else:
        shutil.copytree(_template(environment_of, keys), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("pulumi-home"))


def configure(root: Path, config: Mapping[str, str]) -> None:
    """Write configuration as `pulumi config set` does; a key with a dot leads into an object, as with ``--path``."""
    if not config:
        return
    file = root / _FILE
    content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8")) or {}
    for key, value in config.items():
        *path, last = key.split(".")
        place = content.setdefault("config", {})
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    file.write_text(yaml.safe_dump(content), "utf-8")


@functools.cache
def _template(environment_of: Callable[[Path], dict[str, str]], keys: str) -> Path:
    root = Path(tempfile.mkdtemp(prefix="stack-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    (root / "Pulumi.yaml").write_text(_PROJECT, "utf-8")
    _init(root, environment_of(root), keys)
    return root


def _init(root: Path, environment: dict[str, str], keys: str) -> None:
    (root / "backend").mkdir(exist_ok=True)
    command = ["pulumi", "--non-interactive", "stack", "init", STACK, "--secrets-provider", keys]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
