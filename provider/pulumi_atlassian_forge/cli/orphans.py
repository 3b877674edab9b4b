"""``forge-modules orphans``: modules that are registered and in no given state. It only reads, except with ``--delete``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from pulumi_atlassian_forge.api.errors import ApiError
from pulumi_atlassian_forge.api.protocol import LiveModule, delete
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.config.settings import setting_of, variable
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.expected_installation import ExpectedInstallationUnknown, NotTheExpectedInstallation
from pulumi_atlassian_forge.lifecycle.messages import expectation_step
from pulumi_atlassian_forge.lifecycle.verified_writes import delete_and_verify

from .output import EXIT_FAILED, EXIT_FOUND, JsonOption, print_error, print_json, reported
from .stack_state import RecordedModule, export_stack, read_state_file, recorded_modules
from .tables import count_of, print_line, progress, row_of, value_text
from .target import ApiVersionOption, InstallationOption, Selected, Target, module_json, open_configured, open_target, select


@dataclass
class _Found:
    """What one installation has, and what was done to it."""

    selected: Selected
    target: Target
    live: list[LiveModule]
    orphans: list[LiveModule]
    deleted: list[LiveModule] = field(default_factory=list)
    failures: list[tuple[LiveModule, ApiError]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.target}{self.selected.suffix}"


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
        files = [*recorded_modules(map(read_state_file, state or ()))]
        recorded = {name: [*recorded_modules([export_stack(name)])] for name in dict.fromkeys(stack or ())}
        with open_configured(stack, installation) as configured:
            selected = select(configured, installation)
            found = []
            for one in selected:
                own = [module for name in one.stacks for module in recorded[name]] + (files if len(selected) == 1 else [])
                found.append(_find(one, api_version, own, [*files, *chain.from_iterable(recorded.values())]))
            if remove:
                chosen = _chosen(found, keys or [], yes=yes)
                for one_found, modules in zip(found, chosen, strict=True):
                    _delete(one_found, modules)
    if as_json:
        _print_json(found, has_states=has_states, remove=remove)
    for one_found in found:
        if remove:
            _print_deleted(one_found, as_json=as_json)
        elif not as_json:
            _print(one_found, has_states=has_states)
    is_any_left = has_states and any(len(one.orphans) > len(one.deleted) for one in found)
    raise typer.Exit(EXIT_FAILED if any(one.failures for one in found) else EXIT_FOUND if is_any_left else 0)


def _find(selected: Selected, api_version: str | None, own: list[RecordedModule], recorded: Iterable[RecordedModule]) -> _Found:
    """The orphans of one installation. ``own`` are the modules of the stacks that use it, as far as that is known.

    Stacks may know one installation by several names, and reach it in several ways, so a module of any given state is no orphan.
    """
    target = open_target(selected.connections, selected.name, api_version)
    managed = {(module.id.version, module.id.key) for module in recorded if not module.is_external}
    live = target.modules()
    _require_same_installation(target, live, own)
    for module in own:
        if module.id.installation == target.name and not module.is_external:  # it may confirm the expected installation
            target.connection.guard.on_recorded(module.id.version, module.id.key, module.outputs)
    return _Found(selected, target, live, [module for module in live if (target.version, module.key) not in managed])


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


def _chosen(found: Sequence[_Found], keys: Sequence[str], *, yes: bool) -> list[list[LiveModule]]:
    """The orphans to delete of each installation: those that are named, or all; each confirmed unless ``yes``."""
    for key in keys:
        if not any(module.key == key for one in found for module in one.orphans):
            exists = any(module.key == key for one in found for module in one.live)
            why = "a given state owns it" if exists else "there is no such module"
            where = " or ".join(map(str, found))
            raise ForgeError(f"{key!r} is not an orphan on {where}: {why}\nnothing was deleted\nnext: forge-modules orphans")
    return [
        [
            module
            for module in one.orphans
            if module.key and (not keys or module.key in keys)
            if yes or typer.confirm(f"delete {_described(one, module)}?")
        ]
        for one in found
    ]


def _described(found: _Found, module: LiveModule) -> str:
    key, type_, what = row_of(module)
    return f"{found.target.version}/{printable(key, 300)}{found.selected.suffix}  {printable(type_, 100)}  {what}"


def _delete(found: _Found, chosen: list[LiveModule]) -> None:
    """Delete one module after the other. A failure does not stop the rest."""
    operations = found.target.connection.operations(found.target.version)
    with progress("deleting", len(chosen)) as advance:
        for module in chosen:
            try:
                delete_and_verify(operations, module.key)
                found.deleted.append(module)
            except ValueError as error:
                found.failures.append((module, ApiError(str(error))))
            except ApiError as error:
                found.failures.append((module, error))
            advance()


def _print_json(found: list[_Found], *, has_states: bool, remove: bool) -> None:
    """The fields of the one installation; of several, those of each."""
    entries = []
    for one in found:
        left = [module for module in one.orphans if module not in one.deleted]
        # Without a state, no module is known to be an orphan.
        entry = {**one.selected.fields, "apiVersion": one.target.version}
        entry |= {"orphans" if has_states else "modules": [*map(module_json, left)]}
        if remove:
            failed = [{"key": module.key, "error": str(error)} for module, error in one.failures]
            entry |= {"deleted": [module.key for module in one.deleted], "failed": failed}
        entries.append(entry)
    print_json(**(entries[0] if len(entries) == 1 else {"installations": entries}))


def _print_deleted(found: _Found, *, as_json: bool) -> None:
    for module in () if as_json else found.deleted:
        key, type_, what = row_of(module)
        print_line(f"deleted {found.target.version}/{key}", type_, what)
    for module, error in found.failures:
        step = "run the command again"
        if isinstance(error, NotTheExpectedInstallation | ExpectedInstallationUnknown):
            step = expectation_step(found.target.name, found.target.connection.auth_method, error)
        print_error(f"forge-modules orphans: {printable(module.key)} could not be deleted: {error}\nnext: {step}")


def _print(found: _Found, *, has_states: bool) -> None:
    target, count = found.target, count_of(len(found.live))
    if not has_states:
        print_line(f"{count} on {found}; without --state or --stack it is not known which of them a stack owns")
    elif not found.orphans:
        print_line(f"no orphans: {count} on {found}, all in the given states", style="green")
    else:
        print_line(f"{len(found.orphans)} of {count} on {found} in none of the given states:", style="bold")
    for module in found.orphans:
        key, type_, what = row_of(module)
        print_line(f"{target.version}/{key}", type_, what if module.problem else value_text(module.content.data))
        if has_states and target.connection.base_url.startswith("http"):
            print_line(f"to delete it: {_delete_command(target, module.key)}", indent=2)


def _delete_command(target: Target, key: str) -> str:
    if not key:
        return "it has no key: ask the app that registered it"
    if target.connection.auth_method != "token":
        return f"forge-modules orphans --delete, with the same options, and {shlex.quote(key)}"
    try:
        url = target.connection.base_url.rstrip("/") + delete(target.version, key).target
    except ValueError:
        return "its key is not valid in a path: ask the app that registered it"
    return f'curl -X DELETE -H "Authorization: Bearer ${variable(target.name, "token")}" {shlex.quote(url)}'
