"""``forge-modules import``: what is registered becomes a program and a state, without a request that changes anything.

Pulumi's own ``pulumi import TYPE NAME ID`` cannot reach a dynamic provider. Since CLI 3.254 it takes inputs and outputs from a
file, and calls no hook but ``check``. So this command writes that file, and the program that declares the same.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pulumi.dynamic.dynamic import serialize_provider

from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.cli.doctor.machine import IMPORT_FLOOR, numbers
from pulumi_atlassian_forge.dynamic import pulumi_values
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.check import KeyClaims, check
from pulumi_atlassian_forge.lifecycle.state import outputs_of
from pulumi_atlassian_forge.model.module_id import ModuleId
from pulumi_atlassian_forge.provider import PROVIDER
from pulumi_atlassian_forge.session.connections import Connections

from .output import JsonOption, as_json, reported
from .program_writer import Declaration, declaration_of, distinct_names, program
from .stack_state import TYPES, modules, of_stack, pulumi
from .tables import counted, line
from .target import ApiVersionOption, InstallationOption, Site, connected, site

_COMMAND: Final = ("import", "--generate-code=false", "--protect=false", "--yes", "--skip-preview")


def import_(  # noqa: PLR0913, PLR0917 - one parameter per option is how typer is told of them
    installation: InstallationOption = None,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only this type; with * and ?. Repeatable.")] = None,
    key: Annotated[list[str] | None, typer.Option(help="Only this key; with * and ?. Repeatable.")] = None,
    stack: Annotated[str | None, typer.Option(help="The stack that takes them over: what it owns already is left out.")] = None,
    file: Annotated[Path, typer.Option(help="The import file to write.")] = Path("forge-import.json"),
    to: Annotated[Path, typer.Option("--program", help="The program to write.")] = Path("forge_modules.py"),
    run: Annotated[bool, typer.Option("--run", help="Run `pulumi import` as well; needs --stack.")] = False,
    api_version: ApiVersionOption = None,
    as_json_: JsonOption = False,
) -> None:
    """Take over what is registered: write a program that declares it, and a file for `pulumi import`. Nothing is changed.

    Exit code 2 where a module had to be left out because no program can declare it. A property that is not known where it
    stands is taken for the server's own: it is named, and no part of the program.
    """
    with reported("import"):
        if run and stack is None:
            raise ForgeError("--run needs a stack to import into\nnext: --stack <name>")
        if run:
            _require_cli()
        _refuse_to_overwrite(file, to)
        stacks = [stack] if stack else []
        state = [*modules(map(of_stack, stacks))]
        with connected(stacks, installation) as connections:
            here = site(connections, installation, api_version)
            here.require_same_identity(state)
            owned = {(module.id.version, module.id.key) for module in state}
            wanted = [live for live in here.modules() if _is_wanted(live, type_, key) and (here.version, live.key) not in owned]
            found, left_out = _declarable(connections, here, wanted, {module.name for module in state})
            identity = here.identity() if found else None
        if found:
            to.write_text(_formatted(program(found)), "utf-8")
            file.write_text(json.dumps({"resources": [_entry(one, identity) for one in found]}, indent=2) + "\n", "utf-8")
        if run and found and stack:
            pulumi(*_COMMAND, "--file", str(file), "--stack", stack)
    if as_json_:
        modules_ = [{"name": one.name, "id": str(_id(one)), "serversOwn": [*one.server]} for one in found]
        as_json(
            imported=modules_, leftOut=left_out, file=str(file) if found else None, program=str(to) if found else None, ran=run
        )
    else:
        _print(here, found, left_out, file, to, stack, ran=run)
    if left_out:
        raise typer.Exit(2)


def _refuse_to_overwrite(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise ForgeError(f"{path} is there already, and is not overwritten\nnext: remove it, or use --file and --program")


def _is_wanted(live: LiveModule, types: list[str] | None, keys: list[str] | None) -> bool:
    def matches(text: str, patterns: list[str] | None) -> bool:
        return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)

    return matches(live.content.type, types) and matches(live.key, keys)


def _declarable(
    connections: Connections, here: Site, wanted: list[LiveModule], taken: Iterable[str]
) -> tuple[list[Declaration], list[dict[str, str]]]:
    """The declarations; and what no program can declare, with the reason: a check in preview would refuse it."""
    found, left_out = [], []
    keys = KeyClaims()
    for live, name in zip(wanted, distinct_names(wanted, taken), strict=True):
        declaration = declaration_of(here, live, name)
        checked = check(_inputs(declaration), connections, keys)
        if checked.problems:
            left_out.append({"key": live.key, "type": live.content.type, "reason": checked.problems[0].text})
        else:
            found.append(declaration)
    return found, left_out


def _inputs(one: Declaration) -> dict[str, Any]:
    """What ``check`` makes of the program's declaration; under v2 without the key, which the server made."""
    key = {"key": one.key} if one.version == "v1" else {}
    return {"installation": one.installation, "apiVersion": one.version, **key, "__name": [one.name], **one.properties}


def _id(one: Declaration) -> ModuleId:
    return ModuleId(one.installation, one.version, one.key)


def _entry(one: Declaration, identity: str | None) -> dict[str, Any]:
    # Everything that is live is declared, but for documented defaults and what no program may declare.
    base = {**_inputs(one), **({"__identity": identity} if identity is not None else {})}
    outputs = outputs_of(base, one.content, LiveModule(one.key, one.content), [*one.server], typed=one.typed)
    own = {"__provider": serialize_provider(PROVIDER)}
    return {
        "type": TYPES + ("TriggerModule" if one.typed else "DynamicModule"),
        "name": one.name,
        "id": str(_id(one)),
        "inputs": {**pulumi_values.encode_hidden(_inputs(one)), **own},
        "outputs": {**pulumi_values.encode_hidden(outputs), **own},
    }


def _formatted(text: str) -> str:
    """By ruff where it is installed; the text is valid and tidy without."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        return text
    done = subprocess.run([ruff, "format", "-"], input=text, capture_output=True, text=True, check=False)  # noqa: S603 - the user's own
    return done.stdout if done.returncode == 0 else text


def _require_cli() -> None:
    text = pulumi("version").strip()
    if (numbers(text) or ()) < IMPORT_FLOOR:
        raise ForgeError(
            f"pulumi {text} does not take the state of a resource from an import file; that came with 3.254\n"
            "next: update the Pulumi CLI, or declare the modules with adopt="
        )


def _print(
    here: Site, found: list[Declaration], left_out: list[dict[str, str]], file: Path, to: Path, stack: str | None, *, ran: bool
) -> None:
    for one in left_out:
        line(f"left out: {one['key']} ({one['type']}): {one['reason']}", style="yellow")
    for own in found:
        if own.server:
            line(f"taken for the server's own: {own.key} ({own.content.type}): {', '.join(own.server)}", style="yellow")
    if not found:
        line(
            f"nothing to import from {here}"
            + (f": stack {stack!r} owns all that was asked for" if stack and not left_out else "")
        )
        return
    line(f"{counted(len(found))} of {here}: declared by {to}, {file} is for `pulumi import`", style="green")
    command = shlex.join(["pulumi", *_COMMAND[:-2], "--file", str(file), *(["--stack", stack] if stack else [])])
    steps = [] if ran else [command]
    line(
        printable(
            "next: " + "; then ".join([*steps, f"import {to.stem} in the program, and pulumi preview says: no changes"]), 1000
        )
    )
