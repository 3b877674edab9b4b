"""``forge-modules list`` and ``show``: the registered modules. Both commands only read."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.model.content import Content

from .output import JsonOption, fail, json_text, print_data, print_json, reported, without_secrets, yaml_text
from .program_writer import declaration_of, statement
from .tables import count_of, print_table, row_of
from .target import (
    AllOption,
    ApiVersionOption,
    InstallationOption,
    OneStackOption,
    StackOption,
    module_json,
    open_configured,
    open_connections,
    open_target,
    select,
)


def list_(
    installation: InstallationOption = None,
    every: AllOption = False,
    stack: StackOption = None,
    api_version: ApiVersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the registered modules, also those that cannot be read.

    With --all an installation that cannot be reached does not hide the others.
    """
    found: list[dict[str, Any]] = []
    failures: list[str] = []
    with reported("list"), open_configured(stack, installation) as configured:
        for one in select(configured, installation, every=every):
            try:
                target = open_target(one.connections, one.name, api_version)
                modules = target.modules()
            except ForgeError as error:
                failures.append(f"{one}: {error}" if one.is_one_of_several else str(error))
                found.append({**one.fields, "error": str(error)})
                continue
            found.append({**one.fields, "apiVersion": target.version, "modules": [*map(module_json, modules)]})
            if not as_json:
                title = f"{count_of(len(modules))} on {target}{one.suffix}"
                print_table(title, ["key", "type", "what"], map(row_of, modules))
    if as_json:
        print_json(installations=found)
    if failures:
        fail("list", "\n".join(failures))


class Form(StrEnum):
    """The output format of one module."""

    program = "program"
    json = "json"
    yaml = "yaml"


def show(
    key: Annotated[str, typer.Argument(help="The key of the module.")],
    form: Annotated[Form, typer.Option("--format", help="As a statement of a program, as JSON, or as YAML.")] = Form.program,
    installation: InstallationOption = None,
    stack: OneStackOption = None,
    api_version: ApiVersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one module: as the statement that declares it, or as the API returns it."""
    with reported("show"), open_connections(stack, installation) as connections:
        target = open_target(connections, installation, api_version)
        live = target.module(key)
        if as_json:
            print_json(installation=target.name, apiVersion=target.version, module=module_json(live))
        elif form is Form.json:
            print_data(json_text(module_json(live)))
        elif form is Form.yaml:
            print_data(yaml_text(module_json(live)))
        else:
            module = without_secrets(module_json(live))
            shown = LiveModule(module["key"], Content(module["type"], module["data"]))
            print_data(statement(declaration_of(target, shown)))
