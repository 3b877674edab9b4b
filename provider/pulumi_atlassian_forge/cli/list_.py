"""``forge-modules list`` and ``show``: what is registered. They only read."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from pulumi_atlassian_forge.errors import ForgeError

from .output import JsonOption, as_json, fail, reported
from .program_writer import declaration_of, statement
from .tables import counted, gist, table
from .target import AllOption, ApiVersionOption, InstallationOption, StackOption, connected, module_json, names, site


def list_(
    installation: InstallationOption = None,
    every: AllOption = False,
    stack: StackOption = None,
    api_version: ApiVersionOption = None,
    as_json_: JsonOption = False,
) -> None:
    """List what is registered. With --all an installation that cannot be reached does not hide the others."""
    found: list[dict[str, Any]] = []
    failures: list[str] = []
    with reported("list"), connected(stack, installation) as connections:
        for name in names(connections, installation, every=every):
            try:
                here = site(connections, name, api_version)
                modules = here.modules()
            except ForgeError as error:
                failures.append(str(error))
                found.append({"installation": name, "error": str(error)})
                continue
            found.append({"installation": name, "apiVersion": here.version, "modules": [*map(module_json, modules)]})
            if not as_json_:
                rows = ((live.key, live.content.type, gist(live.content)) for live in modules)
                table(f"{counted(len(modules))} on {here}", ["key", "type", "what"], rows)
    if as_json_:
        as_json(installations=found)
    if failures:
        fail("list", "\n".join(failures))


class Form(StrEnum):
    """How a module is printed."""

    program = "program"
    json = "json"
    yaml = "yaml"


def show(
    key: Annotated[str, typer.Argument(help="The key of the module.")],
    form: Annotated[Form, typer.Option("--format", help="As a statement of a program, as JSON, or as YAML.")] = Form.program,
    installation: InstallationOption = None,
    stack: StackOption = None,
    api_version: ApiVersionOption = None,
    as_json_: JsonOption = False,
) -> None:
    """Print one module: as the statement that declares it, or as the API has it."""
    with reported("show"), connected(stack, installation) as connections:
        here = site(connections, installation, api_version)
        live = here.module(key)
        if as_json_:
            as_json(installation=here.name, apiVersion=here.version, module=module_json(live))
        elif form is Form.json:
            typer.echo(json.dumps(module_json(live), indent=2))
        elif form is Form.yaml:
            typer.echo(yaml.safe_dump(module_json(live), sort_keys=False), nl=False)
        else:
            typer.echo(statement(declaration_of(here, live)), nl=False)
