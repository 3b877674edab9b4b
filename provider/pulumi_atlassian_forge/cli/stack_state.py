"""Which modules the states of Pulumi stacks own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.dynamic import pulumi_values
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.model.module_id import ModuleId
from pulumi_atlassian_forge.model.values import normalize

TYPES: Final = "pulumi-python:dynamic/atlassian-forge:"
"""What the type of every resource of ours begins with."""

_PATIENCE: Final = 120.0  # seconds for one command of Pulumi's

# How the engine writes special values (sdk/go/common/resource/plugin/rpc.go and sdk/go/common/resource/sig).
_SPECIAL: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, no secret


@dataclass(frozen=True)
class Owned:
    """A module that a state holds.

    Attributes:
        id: Which it is.
        urn: The resource's name for Pulumi.
        outputs: Its outputs, in the clear where the state shows them.
        secrets: The names of those that are secret.
        is_readable: Whether none of them is encrypted.
        is_external: Whether the stack only reads it (``get``).
    """

    id: ModuleId
    urn: str
    outputs: dict[str, Any]
    secrets: frozenset[str]
    is_readable: bool
    is_external: bool

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rpartition("::")[2]

    @property
    def type(self) -> str:
        """The name of the resource's class."""
        return self.urn.rpartition("::")[0].rpartition(":")[2]


def modules(states: Iterable[dict[str, Any]]) -> Iterator[Owned]:
    """Every module in the states.

    Raises:
        ForgeError: A resource of ours has an id that is none.
    """
    for state in states:
        for resource in state.get("resources") or ():
            if not isinstance(resource, dict):
                raise ForgeError(
                    "the state is not what `pulumi stack export` writes: a resource is no object\nnext: export it again"
                )
            if str(resource.get("type", "")).startswith(TYPES) and resource.get("id"):
                yield _module(resource)


def owned(states: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    """Version of the API and key of every module in the states, under whatever name their stacks know the installation."""
    return {(module.id.version, module.id.key) for module in modules(states) if not module.is_external}


def _module(resource: dict[str, Any]) -> Owned:
    outputs, secrets, is_readable = {}, set(), True
    given = resource.get("outputs")
    for name, value in (given if isinstance(given, dict) else {}).items():
        clear = _in_the_clear(value)
        is_readable = is_readable and not _holds(clear, _ENCRYPTED)
        if clear != value:
            secrets.add(name)
        outputs[name] = clear
    return Owned(
        ModuleId.parse(str(resource["id"])),
        str(resource.get("urn", "")),
        normalize(pulumi_values.decode_hidden(outputs)),
        frozenset(secrets),
        is_readable,
        bool(resource.get("external")),
    )


_ENCRYPTED: Final = "(encrypted)"


def _in_the_clear(value: Any) -> Any:
    """A value without the engine's wrapping of secrets."""
    if isinstance(value, dict):
        if value.get(_SPECIAL) == _SECRET:
            return json.loads(value["plaintext"]) if "plaintext" in value else _ENCRYPTED
        return {name: _in_the_clear(inner) for name, inner in value.items()}
    return [_in_the_clear(inner) for inner in value] if isinstance(value, list) else value


def _holds(value: Any, wanted: str) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value == wanted or any(_holds(inner, wanted) for inner in inside)


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


def of_stack(stack: str, *, secrets: bool = False) -> dict[str, Any]:
    """The state of a stack of the project in this directory.

    Args:
        stack: Its name.
        secrets: Whether its secrets are to be read, too.

    Raises:
        ForgeError: Pulumi does not export it.
    """
    shown = ["--show-secrets"] if secrets else []
    return _deployment(pulumi("stack", "export", *shown, "--stack", stack), f"of stack {stack!r}")


def config_of_stack(stack: str) -> dict[str, str]:
    """The configuration of a stack, secrets in clear.

    Raises:
        ForgeError: Pulumi does not show it.
    """
    entries = json.loads(pulumi("config", "--json", "--show-secrets", "--stack", stack))
    return {name: _text(entry) for name, entry in entries.items()}


def _text(entry: dict[str, Any]) -> str:
    value = entry.get("value", entry.get("objectValue"))
    return value if isinstance(value, str) else json.dumps(value)


def pulumi(*args: str) -> str:
    """Run the user's own Pulumi, and return what it prints.

    Raises:
        ForgeError: It cannot be run, or it fails.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours, and the name of a stack
            ["pulumi", "--non-interactive", *args],  # noqa: S607 - the user's own, from PATH
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ForgeError(f"pulumi cannot be run: {error}\nnext: give the state as a file: --state") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no reason given"]
        raise ForgeError(f"`pulumi {' '.join(args[:2])}` failed: {printable(said[0])}\nnext: give the state as a file: --state")
    return done.stdout


def _deployment(text: str, where: str) -> dict[str, Any]:
    try:
        state = json.loads(text)
        found = state["deployment"] if "deployment" in state else state["checkpoint"]["latest"] or {}
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("resources") or [], list):
        raise ForgeError(f"the state {where} is not what `pulumi stack export` writes\nnext: export it again")
    return found
