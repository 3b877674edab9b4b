"""The installations that a command works on, and the options that select them. Every failure is a :class:`ForgeError`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from pulumi_atlassian_forge.api.errors import ApiError
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.config.confidential import secrets_of_environment
from pulumi_atlassian_forge.config.installations import not_configured
from pulumi_atlassian_forge.config.settings import DEFAULT, NAMESPACE, InstallationSettings, setting_of, variable
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.messages import list_failed
from pulumi_atlassian_forge.lifecycle.read import find, list_modules
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.redaction import remember
from pulumi_atlassian_forge.session.connection import Connection
from pulumi_atlassian_forge.session.session import Connections

from .stack_state import RecordedModule, stack_config
from .trust import require_trusted_project

InstallationOption = Annotated[str | None, typer.Option("--installation", help="The installation; default: 'default'.")]
AllOption = Annotated[bool, typer.Option("--all", help="All installations that the configuration names.")]
StackOption = Annotated[
    list[str] | None,
    typer.Option(
        "--stack", help="A stack of the project in this directory, of which the configuration is used, each its own. Repeatable."
    ),
]
OneStackOption = Annotated[
    str | None, typer.Option("--stack", help="A stack of the project in this directory, of which the configuration is used.")
]
ApiVersionOption = Annotated[str | None, typer.Option("--api-version", help="v1 or v2; default: the installation's setting.")]


@dataclass(frozen=True)
class Target:
    """An installation under one version of the API."""

    connection: Connection
    version: Version

    @property
    def name(self) -> str:
        """The installation's name in the settings."""
        return self.connection.name

    def __str__(self) -> str:
        return f"installation {self.name!r} ({self.version})"

    def modules(self) -> list[LiveModule]:
        """List all modules, sorted by key."""
        return list_modules(self.connection, self.version)

    def module(self, key: str) -> LiveModule:
        """Read one module."""
        return find(self.connection, self.version, key)

    def require_same_identity(self, recorded: Iterable[RecordedModule]) -> None:
        """Raise if the states belong to another installation, or if this one cannot tell its identity."""
        recorded_identities = self.recorded_identities(recorded)
        identity = self.identity() if recorded_identities else None
        if identity is not None and identity not in recorded_identities:
            raise ForgeError(
                f"{self} is not the installation of the states\nnext: correct "
                f"{setting_of(self.name, self.connection.auth_method or 'baseUrl')}; "
                "if the app was reinstalled: docs/guide/errors.md"
            )

    def recorded_identities(self, recorded: Iterable[RecordedModule]) -> set[str]:
        """The identities that states have recorded for this installation."""
        return {one.outputs["__identity"] for one in recorded if one.id.installation == self.name and "__identity" in one.outputs}

    def identity(self) -> str | None:
        """The hash of the installation's id, or None if the authentication method does not know the id."""
        try:
            return self.connection.identity()
        except ApiError as error:
            raise list_failed(self.name, self.version, self.connection.base_url, self.connection.auth_method, error) from None


@dataclass(frozen=True)
class Configured:
    """Stacks of one configuration, and the installations that it names; no stack: those of the environment."""

    stacks: list[str]
    connections: Connections


@contextmanager
def open_configured(stacks: Sequence[str] | None, *requested: str | None) -> Iterator[list[Configured]]:
    """The installations of the environment and of each stack's own configuration. The environment wins, as in the plugin.

    The variables of a requested installation, which the user or a state names, alone configure it. None is ignored.
    """
    remember(secrets_of_environment())  # first: what fails here may quote them
    require_trusted_project(Path.cwd())
    groups: list[tuple[dict[str, str], list[str]]] = []
    for stack in dict.fromkeys(stacks or ()):
        config = {key: value for key, value in stack_config(stack).items() if key.startswith(f"{NAMESPACE}:")}
        same = next((names for other, names in groups if other == config), None)
        if same is None:
            groups.append((config, [stack]))
        else:
            same.append(stack)
    with ExitStack() as opened:
        yield [
            Configured(names, opened.enter_context(closing(Connections(config.get, called=filter(None, requested)))))
            for config, names in groups or [({}, [])]
        ]


@contextmanager
def open_connections(stack: str | None, *requested: str | None) -> Iterator[Connections]:
    """The installations of the environment and of one stack's configuration."""
    with open_configured([stack] if stack else [], *requested) as (configured,):
        yield configured.connections


@dataclass(frozen=True)
class Selected:
    """One installation that the options select, by its name in the configuration of some stacks."""

    connections: Connections
    name: str
    stacks: list[str]
    is_one_of_several: bool  # other stacks have other settings for it, so the name alone does not tell which one it is

    def __str__(self) -> str:
        return f"installation {self.name!r}{self.suffix}"

    @property
    def suffix(self) -> str:
        """The stacks, if the name alone does not tell which installation it is."""
        return f" of stack {', '.join(map(repr, self.stacks))}" if self.is_one_of_several else ""

    @property
    def fields(self) -> dict[str, Any]:
        """For ``--json``: the name, and the stacks if it is not enough."""
        return {"installation": self.name} | ({"stacks": self.stacks} if self.is_one_of_several else {})


def select(configured: Iterable[Configured], installation: str | None, *, every: bool = False) -> list[Selected]:
    """The installations that ``--installation`` and ``--all`` select: one for stacks that have the same settings for it."""
    found: list[tuple[Configured, str, InstallationSettings | None, list[str]]] = []
    for one in configured:
        for name in installation_names(one.connections, installation, every=every):
            try:
                settings = one.connections.settings(name)
            except ForgeError:
                settings = None  # the command reports it
            same = next((stacks for _, other, theirs, stacks in found if (other, theirs) == (name, settings) and settings), None)
            if same is None:
                found.append((one, name, settings, [*one.stacks]))
            else:
                same += one.stacks
    names = [name for _, name, _, _ in found]
    return [Selected(one.connections, name, stacks, names.count(name) > 1) for one, name, _, stacks in found]


def open_target(connections: Connections, installation: str | None, api_version: str | None) -> Target:
    """Open one installation."""
    name = installation or DEFAULT
    if connections.unknown(name) is not None:
        raise ForgeError(
            f"{not_configured(name, connections.names)}\n"
            f"next: correct the name, name the stack that configures it (--stack), or set {variable(name, 'token')} "
            "(other authentication methods: docs/guide/authentication.md)"
        )
    connection = connections.open(name)
    if api_version is not None and api_version not in get_args(Version):
        raise ForgeError(f"--api-version is v1 or v2, and not {api_version!r}")
    return Target(connection, cast("Version | None", api_version) or connections.version(name))


def installation_names(connections: Connections, installation: str | None, *, every: bool) -> list[str]:
    """The installations that ``--installation`` and ``--all`` select."""
    if installation is not None and every:
        raise ForgeError("--installation and --all exclude each other\nnext: leave one of them out")
    return connections.names if every and connections.names else [installation or DEFAULT]


def module_json(live: LiveModule) -> dict[str, Any]:
    """A module in the form of ``--json``; one that cannot be read has no data, and says why."""
    if live.problem:
        return {"key": live.key or None, "type": live.content.type or None, "data": None, "unreadable": live.problem}
    return {"key": live.key, "type": live.content.type, "data": live.content.data}
