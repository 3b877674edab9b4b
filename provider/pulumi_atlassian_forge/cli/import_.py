"""``forge-modules import``: turns registered modules into a program and a state. It sends no request that changes anything.

``pulumi import TYPE NAME ID`` cannot reach a dynamic provider. Since CLI 3.254, ``pulumi import --file`` takes inputs and outputs
from a file, and calls no hook but ``check``. This command writes that file, and the program that declares the same modules.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pulumi.dynamic.dynamic import serialize_provider

from pulumi_atlassian_forge.api.protocol import LiveModule, is_usable
from pulumi_atlassian_forge.dynamic import pulumi_values
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.check import KeyClaims, check
from pulumi_atlassian_forge.lifecycle.state import ServerForm, outputs_of
from pulumi_atlassian_forge.model.module_id import ModuleId
from pulumi_atlassian_forge.provider import PROVIDER
from pulumi_atlassian_forge.session.session import Connections

from .doctor.machine import MIN_IMPORT_CLI, version_numbers
from .new_files import require_new, write_new
from .output import EXIT_FOUND, JsonOption, print_json, reported
from .program_writer import Declaration, declaration_of, distinct_names, program
from .stack_state import TYPE_PREFIX, export_stack, recorded_modules, run_pulumi
from .tables import count_of, print_line, print_step, row_of
from .target import ApiVersionOption, InstallationOption, Target, open_connections, open_target

_PULUMI_IMPORT: Final = ("import", "--generate-code=false", "--protect=false")


def import_(  # noqa: PLR0913, PLR0917 - typer wants one parameter for each option
    installation: InstallationOption = None,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only this type; with * and ?. Repeatable.")] = None,
    key: Annotated[list[str] | None, typer.Option(help="Only this key; with * and ?. Repeatable.")] = None,
    stack: Annotated[str | None, typer.Option(help="The stack to import into: what it owns already is left out.")] = None,
    file: Annotated[Path, typer.Option(help="The import file to write.")] = Path("forge-import.json"),
    to: Annotated[Path, typer.Option("--program", help="The program to write.")] = Path("forge_modules.py"),
    run: Annotated[bool, typer.Option("--run", help="Run `pulumi import` as well; needs --stack.")] = False,
    api_version: ApiVersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import registered modules: write a program that declares them, and a file for `pulumi import`. Nothing is changed.

    Exit code 2 if a module was skipped because no program can declare it. A property that is unknown at its path counts as a
    server default: the command names it and leaves it out of the program.
    """
    with reported("import"):
        if run and stack is None:
            raise ForgeError("--run needs a stack to import into\nnext: --stack <name>")
        if run:
            _require_cli()
        require_new((file, to))
        stacks = [stack] if stack else []
        recorded = [*recorded_modules(map(export_stack, stacks))]
        with open_connections(stack, installation) as connections:
            target = open_target(connections, installation, api_version)
            target.require_same_identity(recorded)
            owned = {module.id.key for module in recorded if module.id.version == target.version}
            wanted = [
                live
                for live in target.modules()
                if _matches(live.content.type, type_) and _matches(live.key, key) and live.key not in owned
            ]
            found, skipped = _declarable(connections, target, wanted, {module.name for module in recorded})
            identity = target.identity() if found else None
        if found:
            resources = json.dumps({"resources": [_entry(one, identity) for one in found]}, indent=2)
            write_new({to: program(found), file: f"{resources}\n"})
        if run and found and stack:
            run_pulumi(*_PULUMI_IMPORT, "--yes", "--skip-preview", "--file", str(file), "--stack", stack)
    if as_json:
        imported = [{"name": one.name, "id": str(_id(one)), "serversOwn": [*one.server]} for one in found]
        written = {"file": str(file), "program": str(to)} if found else {"file": None, "program": None}
        print_json(imported=imported, leftOut=skipped, **written, ran=run)
    else:
        _print_skipped(found, skipped)
        if found:
            _print_found(target, found, file, to, stack, ran=run)
        else:
            all_owned = f": stack {stack!r} owns all selected modules" if stack and not skipped else ""
            print_line(f"nothing to import from {target}{all_owned}")
    if skipped:
        raise typer.Exit(EXIT_FOUND)


def _matches(text: str, patterns: list[str] | None) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def _declarable(
    connections: Connections, target: Target, wanted: list[LiveModule], used_names: Iterable[str]
) -> tuple[list[Declaration], list[dict[str, str]]]:
    """The declarations; and the modules that ``check`` would refuse in a preview, each with the reason."""
    found: list[Declaration] = []
    skipped: list[dict[str, str]] = []
    keys = KeyClaims()
    for live, name in zip(wanted, distinct_names(wanted, used_names), strict=True):
        if live.problem:
            key, type_, what = row_of(live)
            skipped.append({"key": key, "type": type_, "reason": what})
            continue
        declaration = declaration_of(target, live, name)
        checked = check(_inputs(declaration), connections, keys)
        reasons = [problem.text for problem in checked.problems]
        if not is_usable(live.key):
            reasons = ["its key is not valid in a path, so the provider could not read, update or delete the module"]
        if reasons:
            skipped.append({"key": live.key, "type": live.content.type, "reason": reasons[0]})
        else:
            found.append(declaration)
    return found, skipped


def _inputs(one: Declaration) -> dict[str, Any]:
    """What ``check`` returns for the declaration; under v2 without the key, which the server makes."""
    key = {"key": one.key} if one.version == "v1" else {}
    return {"installation": one.installation, "apiVersion": one.version, **key, "__name": [one.name], **one.properties}


def _id(one: Declaration) -> ModuleId:
    return ModuleId(one.installation, one.version, one.key)


def _entry(one: Declaration, identity: str | None) -> dict[str, Any]:
    """The entry of the import file. Its content is the live one, without documented defaults and server defaults."""
    base = {**_inputs(one), **({"__identity": identity} if identity is not None else {})}
    outputs = outputs_of(base, one.content, LiveModule(one.key, one.content), ServerForm([*one.server]), typed=one.typed)
    provider = {"__provider": serialize_provider(PROVIDER)}
    return {
        "type": TYPE_PREFIX + ("TriggerModule" if one.typed else "DynamicModule"),
        "name": one.name,
        "id": str(_id(one)),
        "inputs": {**pulumi_values.encode_hidden(_inputs(one)), **provider},
        "outputs": {**pulumi_values.encode_hidden(outputs), **provider},
    }


def _require_cli() -> None:
    text = run_pulumi("version").strip()
    if (version_numbers(text) or ()) < MIN_IMPORT_CLI:
        raise ForgeError(
            f"pulumi {text} does not take the state of a resource from an import file; that came with 3.254\n"
            "next: update the Pulumi CLI, or declare the modules with adopt="
        )


def _print_skipped(found: list[Declaration], skipped: list[dict[str, str]]) -> None:
    for one in skipped:
        print_line(f"left out: {one['key']} ({one['type']}): {one['reason']}", style="yellow")
    for own in found:
        if own.server:
            print_line(f"treated as set by the server: {own.key} ({own.content.type}): {', '.join(own.server)}", style="yellow")


def _print_found(target: Target, found: list[Declaration], file: Path, to: Path, stack: str | None, *, ran: bool) -> None:
    print_line(f"{count_of(len(found))} of {target}: declared by {to}, {file} is for `pulumi import`", style="green")
    command = shlex.join(["pulumi", *_PULUMI_IMPORT, "--file", str(file), *(["--stack", stack] if stack else [])])
    steps = "" if ran else f"{command}; then "
    print_step(f"{steps}import {to.stem} in the program; pulumi preview then shows no changes")
