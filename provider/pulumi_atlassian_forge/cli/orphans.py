"""``forge-modules orphans``: modules that are registered and in no given state. It only reads, except with ``--delete``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from pulumi_atlassian_forge.api.errors import ApiError
from pulumi_atlassian_forge.api.protocol import LiveModule, delete
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.config.settings import setting_of, variable
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.expected_installation import ExpectedInstallationUnknown, NotTheExpectedInstallation
from pulumi_atlassian_forge.lifecycle.messages import expectation_step
from pulumi_atlassian_forge.lifecycle.recovery import delete_and_verify

from .output import EXIT_FAILED, EXIT_FOUND, JsonOption, print_json, reported
from .stack_state import RecordedModule, export_stack, read_state_file, recorded_modules
from .tables import count_of, print_line, progress, summary, value_text
from .target import ApiVersionOption, InstallationOption, Target, module_json, open_connections, open_target


@dataclass(frozen=True)
class _Found:
    target: Target
    live: list[LiveModule]
    orphans: list[LiveModule]


def orphans(  # noqa: PLR0913, PLR0917 - typer wants one parameter for each option
    keys: Annotated[list[str] | None, typer.Argument(help="With --delete: only these keys.", show_default=False)] = None,
    state: Annotated[list[Path] | None, typer.Option(help="A state, as `pulumi stack export` writes it. Repeatable.")] = None,
    stack: Annotated[list[str] | None, typer.Option(help="A stack of the project in this directory. Repeatable.")] = None,
    installation: InstallationOption = None,
    api_version: ApiVersionOption = None,
    remove: Annotated[bool, typer.Option("--delete", help="Delete them, after asking for each.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --delete: do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the modules that are registered and in none of the given states. Exit code 2 if there are any.

    A module that a state holds under another name of the installation is not an orphan. Without --delete nothing is changed.
    """
    has_states = bool(state or stack)
    with reported("orphans"):
        _check_options(keys or [], has_states=has_states, remove=remove, yes=yes)
        states = [*map(read_state_file, state or ()), *map(export_stack, stack or ())]
        recorded = [*recorded_modules(states)]
        # Stacks may know one installation by several names, so the name does not count.
        managed = {(module.id.version, module.id.key) for module in recorded if not module.is_external}
        with open_connections(stack, installation) as connections:
            target = open_target(connections, installation, api_version)
            live = target.modules()
            found = _Found(target, live, [module for module in live if (target.version, module.key) not in managed])
            _require_same_installation(target, live, recorded)
            for module in recorded:
                if module.id.installation == target.name and not module.is_external:  # it may confirm the expected installation
                    target.connection.guard.on_recorded(module.id.version, module.id.key, module.outputs)
            if remove:
                deleted, failures = _delete(target, _chosen(found, keys or [], yes=yes))
    if remove:
        _print_deleted(found, deleted, failures, as_json=as_json)
        is_any_left = len(found.orphans) > len(deleted)
        raise typer.Exit(EXIT_FAILED if failures else EXIT_FOUND if is_any_left else 0)
    if as_json:
        name = "orphans" if states else "modules"  # without a state, no module is known to be an orphan
        print_json(installation=target.name, apiVersion=target.version, **{name: [*map(module_json, found.orphans)]})
    else:
        _print(found, has_states=has_states)
    if found.orphans and states:
        raise typer.Exit(EXIT_FOUND)


def _check_options(keys: list[str], *, has_states: bool, remove: bool, yes: bool) -> None:
    """Refuse to delete without a state, which tells the orphans, and to ask without a terminal."""
    if not remove:
        if keys or yes:
            raise ForgeError("keys and --yes are for --delete\nnext: add --delete, or leave them out")
        return
    if not has_states:
        raise ForgeError(
            "without a state it is not known which modules are orphans\n"
            "next: give every stack that uses this installation: --stack, --state"
        )
    if not keys and not sys.stdin.isatty():
        raise ForgeError("there is no terminal to ask at\nnext: name the keys to delete: forge-modules orphans --delete … KEY…")
    if keys and not yes and not sys.stdin.isatty():
        raise ForgeError("there is no terminal to ask at\nnext: add --yes")


def _require_same_installation(target: Target, live: list[LiveModule], recorded: list[RecordedModule]) -> None:
    """Refuse credentials of another installation: every module there would look like an orphan."""
    target.require_same_identity(recorded)
    expected = {
        module.id.key for module in recorded if (module.id.installation, module.id.version) == (target.name, target.version)
    }
    setting = setting_of(target.name, target.connection.auth_method or "baseUrl")
    if expected and not expected & {module.key for module in live}:
        raise ForgeError(
            f"none of the {len(expected)} modules that the states hold of {target} exists; {len(live)} others do\n"
            f"is {setting} the one of this installation, at {target.connection.base_url}?\n"
            "next: if all were deleted outside Pulumi, pulumi refresh removes them from the state (docs/guide/errors.md)"
        )


def _chosen(found: _Found, keys: Sequence[str], *, yes: bool) -> list[LiveModule]:
    """The orphans to delete: those that are named, or all; each confirmed unless ``yes``."""
    orphans_by_key = {module.key: module for module in found.orphans}
    for key in keys:
        if key not in orphans_by_key:
            exists = any(module.key == key for module in found.live)
            why = "a given state owns it" if exists else "there is no such module"
            raise ForgeError(
                f"{key!r} is not an orphan on {found.target}: {why}\nnothing was deleted\nnext: forge-modules orphans"
            )
    wanted = [orphans_by_key[key] for key in dict.fromkeys(keys)] if keys else found.orphans
    return [module for module in wanted if yes or typer.confirm(f"delete {_described(found.target, module)}?")]


def _described(target: Target, module: LiveModule) -> str:
    return f"{target.version}/{printable(module.key, 300)}  {printable(module.content.type, 100)}  {summary(module.content)}"


def _delete(target: Target, chosen: list[LiveModule]) -> tuple[list[LiveModule], list[tuple[LiveModule, ApiError]]]:
    """Delete one module after the other. A failure does not stop the rest."""
    deleted: list[LiveModule] = []
    failures: list[tuple[LiveModule, ApiError]] = []
    operations = target.connection.operations(target.version)
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
    found: _Found, deleted: list[LiveModule], failures: list[tuple[LiveModule, ApiError]], *, as_json: bool
) -> None:
    target = found.target
    if as_json:
        left = [module for module in found.orphans if module not in deleted]
        lists: dict[str, Any] = {"deleted": [module.key for module in deleted], "orphans": [*map(module_json, left)]}
        failed = [{"key": module.key, "error": str(error)} for module, error in failures]
        print_json(installation=target.name, apiVersion=target.version, **lists, failed=failed)
    else:
        for module in deleted:
            print_line(f"deleted {target.version}/{module.key}", module.content.type, summary(module.content))
    for module, error in failures:
        step = "run the command again"
        if isinstance(error, NotTheExpectedInstallation | ExpectedInstallationUnknown):
            step = expectation_step(target.name, target.connection.auth_method, error)
        typer.echo(f"forge-modules orphans: {printable(module.key)} could not be deleted: {error}\nnext: {step}", err=True)


def _print(found: _Found, *, has_states: bool) -> None:
    target, count = found.target, count_of(len(found.live))
    if not has_states:
        print_line(f"{count} on {target}; without --state or --stack it is not known which of them a stack owns")
    elif not found.orphans:
        print_line(f"no orphans: {count} on {target}, all in the given states", style="green")
    else:
        print_line(f"{len(found.orphans)} of {count} on {target} in none of the given states:", style="bold")
    for module in found.orphans:
        print_line(f"{target.version}/{module.key}", module.content.type, value_text(module.content.data))
        if has_states and target.connection.base_url.startswith("http"):
            print_line(f"to delete it: {_delete_command(target, module.key)}", indent=2)


def _delete_command(target: Target, key: str) -> str:
    if target.connection.auth_method != "token":
        return f"forge-modules orphans --delete, with the same options, and {shlex.quote(key)}"
    try:
        url = target.connection.base_url.rstrip("/") + delete(target.version, key).target
    except ValueError:
        return "its key is not valid in a path: ask the app that registered it"
    return f'curl -X DELETE -H "Authorization: Bearer ${variable(target.name, "token")}" {shlex.quote(url)}'
