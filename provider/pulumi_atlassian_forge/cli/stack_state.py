"""The modules in the states of Pulumi stacks. What cannot be read is a :class:`ForgeError`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pulumi_atlassian_forge.api.protocol import PULUMI_SIGNATURE
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.dynamic import pulumi_values
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.model.content import normalize
from pulumi_atlassian_forge.model.module_id import ModuleId

from .trust import require_trusted_project

TYPE_PREFIX: Final = "pulumi-python:dynamic/atlassian-forge:"  # of the type of every resource of this package
_PULUMI_TIMEOUT_S: Final = 120.0
_SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - how the engine marks a secret: sdk/go/common/resource/sig
_ENCRYPTED: Final = "(encrypted)"


@dataclass(frozen=True)
class RecordedModule:
    """A module in a state."""

    id: ModuleId
    urn: str
    outputs: dict[str, Any]  # decrypted, if the state shows secrets
    secrets: frozenset[str]  # the names of the outputs that are secret
    is_readable: bool  # no output is encrypted
    is_external: bool  # the stack only reads the module, by `get`

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rpartition("::")[2]

    @property
    def stack(self) -> str:
        """The stack that the state is of."""
        return self.urn.removeprefix("urn:pulumi:").partition("::")[0]

    @property
    def type(self) -> str:
        """The name of the resource class."""
        return self.urn.rpartition("::")[0].rpartition(":")[2]


def recorded_modules(states: Iterable[dict[str, Any]]) -> Iterator[RecordedModule]:
    """All modules in the states."""
    for state in states:
        for resource in state.get("resources") or ():
            if not isinstance(resource, dict):
                raise ForgeError(
                    "the state is not what `pulumi stack export` writes: a resource is no object\nnext: export it again"
                )
            if str(resource.get("type", "")).startswith(TYPE_PREFIX) and resource.get("id"):
                yield _recorded(resource)


def _recorded(resource: dict[str, Any]) -> RecordedModule:
    given = resource.get("outputs")
    outputs, secrets, is_readable = {}, set(), True
    for name, value in (given if isinstance(given, dict) else {}).items():
        decrypted = outputs[name] = _decrypted(value)
        is_readable = is_readable and not _contains(decrypted, _ENCRYPTED)
        if decrypted != value:
            secrets.add(name)
    return RecordedModule(
        ModuleId.parse(str(resource["id"])),
        str(resource.get("urn", "")),
        normalize(pulumi_values.decode_hidden(outputs)),
        frozenset(secrets),
        is_readable,
        bool(resource.get("external")),
    )


def _decrypted(value: Any) -> Any:
    """A value without the engine's wrapping of secrets."""
    if isinstance(value, dict):
        if value.get(PULUMI_SIGNATURE) == _SECRET_SIGNATURE:
            return json.loads(value["plaintext"]) if "plaintext" in value else _ENCRYPTED
        return {name: _decrypted(inner) for name, inner in value.items()}
    return [_decrypted(inner) for inner in value] if isinstance(value, list) else value


def _contains(value: Any, wanted: str) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value == wanted or any(_contains(inner, wanted) for inner in inside)


def read_state_file(path: Path) -> dict[str, Any]:
    """Read a state as ``pulumi stack export`` writes it, or as a file backend stores it."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text"
        raise ForgeError(f"the state {path} cannot be read: {reason}\nnext: pulumi stack export --file {path}") from None
    return _deployment(text, str(path))


def export_stack(stack: str, *, show_secrets: bool = False) -> dict[str, Any]:
    """Export the state of a stack of the project in this directory."""
    options = ["--show-secrets"] if show_secrets else []
    return _deployment(run_pulumi("stack", "export", *options, "--stack", stack), f"of stack {stack!r}")


def _deployment(text: str, source: str) -> dict[str, Any]:
    try:
        state = json.loads(text)
        found = state["deployment"] if "deployment" in state else state["checkpoint"]["latest"] or {}
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("resources") or [], list):
        raise ForgeError(f"the state {source} is not what `pulumi stack export` writes\nnext: export it again")
    return found


def stack_config(stack: str) -> dict[str, str]:
    """The configuration of a stack with its secrets decrypted."""
    entries = json.loads(run_pulumi("config", "--json", "--show-secrets", "--stack", stack))
    values = {name: entry.get("value", entry.get("objectValue")) for name, entry in entries.items()}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def run_pulumi(*args: str) -> str:
    """Run the Pulumi CLI on PATH, and return its standard output. It reads the project that the current folder belongs to."""
    require_trusted_project(Path.cwd())
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, and the name of a stack
            ["pulumi", "--non-interactive", *args],  # noqa: S607 - the user's own, from PATH
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PULUMI_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ForgeError(f"pulumi cannot be run: {error}\nnext: give the state as a file: --state") from None
    if done.returncode:
        reason, *_ = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no reason given"]
        raise ForgeError(f"`pulumi {' '.join(args[:2])}` failed: {printable(reason)}\nnext: give the state as a file: --state")
    return done.stdout
