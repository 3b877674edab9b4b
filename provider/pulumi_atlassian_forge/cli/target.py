"""What the commands share: their common options, and the installations they look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, cast, get_args

import typer

from pulumi_atlassian_forge.api.errors import ApiError
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.config.installations import not_configured
from pulumi_atlassian_forge.config.settings import DEFAULT, setting_of, variable
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.messages import list_failed
from pulumi_atlassian_forge.lifecycle.read import find, list_modules
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.session.connection import Connection
from pulumi_atlassian_forge.session.connections import Connections

from .stack_state import Owned, config_of_stack

InstallationOption = Annotated[str | None, typer.Option("--installation", help="The installation; default: 'default'.")]
AllOption = Annotated[bool, typer.Option("--all", help="All installations that the configuration names.")]
StackOption = Annotated[
    list[str] | None,
    typer.Option("--stack", help="A stack of the project in this directory, of which the configuration is used. Repeatable."),
]
ApiVersionOption = Annotated[str | None, typer.Option("--api-version", help="v1 or v2; default: the installation's setting.")]


@dataclass(frozen=True)
class Site:
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
        """All modules, sorted by key.

        Raises:
            ForgeError: They cannot be listed.
        """
        return list_modules(self.connection, self.version)

    def require_same_identity(self, states: Iterable[Owned]) -> None:
        """Return if nothing speaks against this being the installation that the states were made on.

        Raises:
            ForgeError: The authentication method knows that it is another one, or cannot tell.
        """
        recorded = self.recorded(states)
        mine = self.identity() if recorded else None
        if mine is not None and mine not in recorded:
            raise ForgeError(
                f"{self} is another one than that which the states were made on\nnext: correct "
                f"{setting_of(self.name, self.connection.auth_method or 'baseUrl')}; "
                "if the app was installed anew: docs/guide/errors.md"
            )

    def recorded(self, states: Iterable[Owned]) -> set[str]:
        """What states say of the installation that they were made on."""
        return {one.outputs["__identity"] for one in states if one.id.installation == self.name and "__identity" in one.outputs}

    def identity(self) -> str | None:
        """What tells this installation from others, where the authentication method knows.

        Raises:
            ForgeError: It could not be asked.
        """
        try:
            return self.connection.identity()
        except ApiError as error:
            raise list_failed(self.name, self.version, self.connection.base_url, self.connection.auth_method, error) from None

    def module(self, key: str) -> LiveModule:
        """One module.

        Raises:
            ForgeError: There is none, or it cannot be read.
        """
        return find(self.connection, self.version, key)


@contextmanager
def connected(stacks: list[str] | None, *called: str | None) -> Iterator[Connections]:
    """The installations of the environment and of the first stack, of which the environment wins as it does in the plugin.

    Args:
        stacks: Of the project in this directory.
        called: Installations that the user or a state names: without a configuration their variables are enough. None: none.
    """
    config = config_of_stack(stacks[0]) if stacks else {}
    with closing(Connections(config.get, called=filter(None, called))) as connections:
        yield connections


def site(connections: Connections, installation: str | None, api_version: str | None) -> Site:
    """One installation.

    Raises:
        ForgeError: It is not configured, or the version is none.
    """
    name = installation or DEFAULT
    if connections.unknown(name) is not None:
        raise ForgeError(
            f"{not_configured(name, connections.names)}\n"
            f"next: correct the name, name the stack that configures it (--stack), or set {variable(name, 'token')} (other ways: "
            "docs/guide/authentication.md)"
        )
    connection = connections.open(name)
    return Site(connection, _version(api_version) or connections.version(name))


def names(connections: Connections, installation: str | None, *, every: bool) -> list[str]:
    """The installations that a command is to look at.

    Raises:
        ForgeError: One is named and all are wanted.
    """
    if installation is not None and every:
        raise ForgeError("--installation and --all exclude each other\nnext: leave one of them out")
    return connections.names if every and connections.names else [installation or DEFAULT]


def _version(asked: str | None) -> Version | None:
    if asked is not None and asked not in get_args(Version):
        raise ForgeError(f"--api-version is v1 or v2, and not {asked!r}")
    return cast("Version | None", asked)


def module_json(live: LiveModule) -> dict[str, Any]:
    """A module as ``--json`` has it."""
    return {"key": live.key, "type": live.content.type, "data": live.content.data}
