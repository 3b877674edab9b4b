"""Which modules the states of Pulumi stacks own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.ids import ModuleId

_TYPES: Final = "pulumi-python:dynamic/atlassian-forge:"
_PATIENCE: Final = 120.0  # seconds for one command of Pulumi's


def owned(states: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    """Version of the API and key of every module in the states, under whatever name their stacks know the installation."""
    found: set[tuple[str, str]] = set()
    for state in states:
        for resource in state.get("resources") or ():
            if str(resource.get("type", "")).startswith(_TYPES) and resource.get("id"):
                module = ModuleId.parse(str(resource["id"]))
                found.add((module.version, module.key))
    return found


def of_file(path: Path) -> dict[str, Any]:
    """A state as ``pulumi stack export`` writes it, or as a file backend keeps it.

    Raises:
        ForgeError: It cannot be read, or is no state.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text"
        raise ForgeError(f"the state {path} cannot be read: {reason}\nnext: pulumi stack export --file {path}") from None
    return _deployment(text, str(path))


def of_stack(stack: str) -> dict[str, Any]:
    """The state of a stack of the project in this directory.

    Raises:
        ForgeError: Pulumi does not export it.
    """
    return _deployment(_pulumi("stack", "export", "--stack", stack), f"of stack {stack!r}")


def config_of_stack(stack: str) -> dict[str, str]:
    """The configuration of a stack, secrets in clear.

    Raises:
        ForgeError: Pulumi does not show it.
    """
    entries = json.loads(_pulumi("config", "--json", "--show-secrets", "--stack", stack))
    return {name: _text(entry) for name, entry in entries.items()}


def _text(entry: dict[str, Any]) -> str:
    value = entry.get("value", entry.get("objectValue"))
    return value if isinstance(value, str) else json.dumps(value)


def _pulumi(*args: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours, and the name of a stack
            ["pulumi", "--non-interactive", *args],  # noqa: S607 - the user's own, from PATH
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ForgeError(f"pulumi cannot be run: {error}\nnext: give the state as a file: --state") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise ForgeError(f"`pulumi {' '.join(args[:2])}` failed: {said[0]}\nnext: give the state as a file: --state")
    return done.stdout


def _deployment(text: str, where: str) -> dict[str, Any]:
    try:
        state = json.loads(text)
        found = state["deployment"] if "deployment" in state else state["checkpoint"]["latest"] or {}
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("resources") or [], list):
        raise ForgeError(f"the state {where} is not what `pulumi stack export` writes\nnext: export it again")
    return found
