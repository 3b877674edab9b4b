"""``forge-modules orphans``: what is registered and in no state. It only reads, unless it is asked to delete."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from pulumi_atlassian_forge.api.errors import ApiError
from pulumi_atlassian_forge.api.protocol import LiveModule, delete
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.config.settings import setting_of, variable
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.recovery import delete_and_verify

from .output import JsonOption, as_json, reported
from .stack_state import modules, of_file, of_stack, owned
from .tables import counted, gist, line, progress, value
from .target import ApiVersionOption, InstallationOption, Site, connected, module_json, site

FOUND: Final = 2
"""The exit code where there are orphans, and some are left."""


@dataclass(frozen=True)
class _Found:
    site: Site
    live: list[LiveModule]
    orphans: list[LiveModule]


def orphans(  # noqa: PLR0913, PLR0917 - one parameter per option is how typer is told of them
    keys: Annotated[list[str] | None, typer.Argument(help="With --delete: only these keys.", show_default=False)] = None,
    state: Annotated[list[Path] | None, typer.Option(help="A state, as `pulumi stack export` writes it. Repeatable.")] = None,
    stack: Annotated[list[str] | None, typer.Option(help="A stack of the project in this directory. Repeatable.")] = None,
    installation: InstallationOption = None,
    api_version: ApiVersionOption = None,
    remove: Annotated[bool, typer.Option("--delete", help="Delete them, after asking for each.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --delete: do not ask.")] = False,
    as_json_: JsonOption = False,
) -> None:
    """List what is registered and in none of the given states. Exit code 2 where there is any.

    A module that a state holds under any name of the installation is no orphan. Without --delete nothing is changed.
    """
    with reported("orphans"):
        _refuse_rash_deletion(keys or [], bool(state or stack), remove=remove, yes=yes)
        states = [*map(of_file, state or ()), *map(of_stack, stack or ())]
        owners = owned(states)
        with connected(stack, installation) as connections:
            here = site(connections, installation, api_version)
            live = here.modules()
            found = _Found(here, live, [module for module in live if (here.version, module.key) not in owners])
            _refuse_another_installation(here, live, states)
            if remove:
                chosen = _chosen(found, keys or [], yes=yes)
                deleted, failures = _delete(here, chosen)
    if remove:
        _print_deleted(found, deleted, failures, as_json_=as_json_)
        left = len(found.orphans) - len(deleted)
        raise typer.Exit(1 if failures else FOUND if left else 0)
    if as_json_:
        name = "orphans" if states else "modules"  # without a state nothing is known to be an orphan
        as_json(installation=here.name, apiVersion=here.version, **{name: [*map(module_json, found.orphans)]})
    else:
        _print(found, are_states_given=bool(states))
    if found.orphans and states:
        raise typer.Exit(FOUND)


def _refuse_rash_deletion(keys: list[str], are_states_given: bool, *, remove: bool, yes: bool) -> None:
    """Without a state nothing is known to be an orphan; without a terminal nobody can be asked."""
    if not remove:
        if keys or yes:
            raise ForgeError("keys and --yes are for --delete\nnext: add --delete, or leave them out")
        return
    if not are_states_given:
        raise ForgeError(
            "without a state nobody knows what is an orphan\nnext: give every stack that uses this installation: --stack, --state"
        )
    if not keys and not sys.stdin.isatty():
        raise ForgeError("there is no terminal to ask at\nnext: name the keys to delete: forge-modules orphans --delete … KEY…")
    if keys and not yes and not sys.stdin.isatty():
        raise ForgeError("there is no terminal to ask at\nnext: add --yes")


def _refuse_another_installation(here: Site, live: list[LiveModule], states: list[dict[str, Any]]) -> None:
    """A token of another installation would show all that is there as orphans, or none at all.

    Raises:
        ForgeError: The states hold modules of this installation, and none of them is there.
    """
    held = [*modules(states)]
    here.require_same_identity(held)
    ours = {module.id.key for module in held if (module.id.installation, module.id.version) == (here.name, here.version)}
    setting = setting_of(here.name, here.connection.auth_method or "baseUrl")
    if ours and not ours & {module.key for module in live}:
        raise ForgeError(
            f"none of the {len(ours)} modules that the states hold of {here} is there; {len(live)} others are\n"
            f"does {setting} lead to this installation, at {here.connection.base_url}?\n"
            "next: if all were deleted, pulumi refresh takes them out of the state (docs/guide/errors.md)"
        )


def _chosen(found: _Found, keys: Sequence[str], *, yes: bool) -> list[LiveModule]:
    """What is to be deleted: named, and confirmed one by one unless that was said already.

    Raises:
        ForgeError: A key is not that of an orphan.
    """
    known = {module.key: module for module in found.orphans}
    for key in keys:
        if key not in known:
            is_owned = any(module.key == key for module in found.live)
            why = "a given state owns it" if is_owned else "there is no such module"
            raise ForgeError(f"{key!r} is not an orphan on {found.site}: {why}\nnothing was deleted\nnext: forge-modules orphans")
    wanted = [known[key] for key in dict.fromkeys(keys)] if keys else found.orphans
    return [module for module in wanted if yes or typer.confirm(f"delete {_named(found.site, module)}?")]


def _delete(here: Site, chosen: list[LiveModule]) -> tuple[list[LiveModule], list[tuple[LiveModule, ApiError]]]:
    """Delete them one after the other; one that fails does not keep the others."""
    deleted: list[LiveModule] = []
    failures: list[tuple[LiveModule, ApiError]] = []
    operations = here.connection.operations(here.version)
    with progress("deleting", len(chosen)) as advance:
        for module in chosen:
            try:
                delete_and_verify(operations, module.key)
                deleted.append(module)
            except ApiError as error:
                failures.append((module, error))
            advance()
    return deleted, failures


def _print_deleted(
    found: _Found, deleted: list[LiveModule], failures: list[tuple[LiveModule, ApiError]], *, as_json_: bool
) -> None:
    if as_json_:
        left = [module for module in found.orphans if module not in deleted]
        names: dict[str, Any] = {"deleted": [module.key for module in deleted], "orphans": [*map(module_json, left)]}
        failed = [{"key": module.key, "error": str(error)} for module, error in failures]
        as_json(installation=found.site.name, apiVersion=found.site.version, **names, failed=failed)
    else:
        for module in deleted:
            line(f"deleted {found.site.version}/{module.key}", module.content.type, gist(module.content))
    for module, error in failures:
        typer.echo(
            f"forge-modules orphans: {printable(module.key)} could not be deleted: {error}\nnext: run the command again", err=True
        )


def _named(here: Site, module: LiveModule) -> str:
    return f"{here.version}/{printable(module.key, 300)}  {printable(module.content.type, 100)}  {gist(module.content)}"


def _print(found: _Found, *, are_states_given: bool) -> None:
    here, count = found.site, len(found.live)
    if not are_states_given:
        line(f"{counted(count)} on {here}; without --state or --stack it is not known which of them a stack owns")
    elif not found.orphans:
        line(f"no orphans: {counted(count)} on {here}, all in the given states", style="green")
    else:
        line(f"{len(found.orphans)} of {counted(count)} on {here} in none of the given states:", style="bold")
    for module in found.orphans:
        line(f"{here.version}/{module.key}", module.content.type, value(module.content.data))
        if are_states_given and here.connection.base_url.startswith("http"):
            line(f"to delete it: {_deletion(here, module.key)}", indent=2)


def _deletion(here: Site, key: str) -> str:
    if here.connection.auth_method != "token":
        return f"forge-modules orphans --delete, with the same options, and {shlex.quote(key)}"
    try:
        url = here.connection.base_url.rstrip("/") + delete(here.version, key).target
    except ValueError:
        return "no path can carry its key: ask the app that registered it"
    return f'curl -X DELETE -H "Authorization: Bearer ${variable(here.name, "token")}" {shlex.quote(url)}'
