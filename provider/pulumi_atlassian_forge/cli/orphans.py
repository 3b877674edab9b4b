"""``forge-modules orphans``: what is registered and in no state. It only reads."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, cast, get_args

import typer

from pulumi_atlassian_forge.api.errors import ApiError
from pulumi_atlassian_forge.api.protocol import Live, Version, delete
from pulumi_atlassian_forge.api.text import clean
from pulumi_atlassian_forge.connect import Connection, Connections
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.settings import DEFAULT, NAMESPACE, Get, variable

from .states import config_of_stack, of_file, of_stack, owned

FOUND: Final = 2
"""The exit code where there are orphans."""


@dataclass(frozen=True)
class _Found:
    version: Version
    live: list[Live]
    orphans: list[Live]


def orphans(
    state: Annotated[list[Path] | None, typer.Option(help="A state, as `pulumi stack export` writes it. Repeatable.")] = None,
    stack: Annotated[list[str] | None, typer.Option(help="A stack of the project in this directory. Repeatable.")] = None,
    installation: Annotated[str, typer.Option(help="The installation to look at.")] = DEFAULT,
    api_version: Annotated[str | None, typer.Option(help="v1 or v2; default: the installation's setting.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what is registered and in none of the given states. Exit code 2 where there is any; nothing is changed."""
    try:
        states = [*map(of_file, state or ()), *map(of_stack, stack or ())]
        connections = Connections(_settings(installation, stack or []))
        connection = connections.open(installation)
        version = _version(api_version, connections.version(installation))
        found = _look(connection, version, owned(states))
    except ForgeError as error:
        typer.echo(f"forge-modules orphans: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(_as_json(installation, found), indent=2))
    else:
        _print(connection, found, are_states_given=bool(states))
    if found.orphans and states:
        raise typer.Exit(FOUND)


def _settings(installation: str, stacks: list[str]) -> Get:
    """The configuration of the first stack, where one is given; the environment wins over it, as in the plugin."""
    config = config_of_stack(stacks[0]) if stacks else {}
    if installation != DEFAULT and f"{NAMESPACE}:installations" not in config:
        config[f"{NAMESPACE}:installations"] = json.dumps({installation: {}})
    return config.get


def _version(asked: str | None, configured: Version) -> Version:
    if asked is None:
        return configured
    if asked not in get_args(Version):
        raise ForgeError(f"--api-version is v1 or v2, and not {asked!r}")
    return cast("Version", asked)


def _look(connection: Connection, version: Version, owners: set[tuple[str, str]]) -> _Found:
    try:
        live = connection.operations(version).list()
    except ApiError as error:
        raise ForgeError(
            f"the modules of installation {connection.name!r} ({version}) cannot be listed at {connection.base_url}\n{error}\n"
            f"next: check {variable(connection.name, 'baseUrl')} and {variable(connection.name, 'token')}"
        ) from None
    return _Found(version, live, [module for module in live if (version, module.key) not in owners])


def _print(connection: Connection, found: _Found, *, are_states_given: bool) -> None:
    where = f"installation {connection.name!r} ({found.version})"
    if not are_states_given:
        typer.echo(f"{len(found.live)} modules on {where}; without --state or --stack it is not known which of them a stack owns")
    elif not found.orphans:
        typer.echo(f"no orphans: all {len(found.live)} modules on {where} are in the given states")
    else:
        typer.echo(f"{len(found.orphans)} of {len(found.live)} modules on {where} are in none of the given states:")
    for module in found.orphans:
        typer.echo(f"{found.version}/{clean(module.key, 300)}  {clean(module.content.type, 100)}  {_gist(module.content.data)}")
        if are_states_given and connection.base_url.startswith("http"):
            typer.echo(f"  to delete it: {_deletion(connection, found.version, module.key)}")


def _gist(data: dict[str, Any]) -> str:
    return clean(json.dumps(data, ensure_ascii=False), 100)


def _deletion(connection: Connection, version: Version, key: str) -> str:
    url = connection.base_url.rstrip("/") + delete(version, key).target
    return f'curl -X DELETE -H "Authorization: Bearer ${variable(connection.name, "token")}" {shlex.quote(url)}'


def _as_json(installation: str, found: _Found) -> dict[str, Any]:
    modules = [{"key": module.key, "type": module.content.type, "data": module.content.data} for module in found.orphans]
    return {"version": 1, "installation": installation, "apiVersion": found.version, "orphans": modules}
