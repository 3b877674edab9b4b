"""``forge-modules doctor``: finds what keeps this machine from working with an installation. It only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Final

import typer
from rich.text import Text

from pulumi_atlassian_forge.cli.output import EXIT_FAILED, JsonOption, print_json, reported
from pulumi_atlassian_forge.cli.tables import console
from pulumi_atlassian_forge.cli.target import (
    AllOption,
    ApiVersionOption,
    InstallationOption,
    Selected,
    StackOption,
    open_configured,
    select,
)
from pulumi_atlassian_forge.config.installations_file import project_file
from pulumi_atlassian_forge.errors import ForgeError

from .installation import check_installation
from .machine import certificates, engine, proxy
from .python import python
from .result import Check, Status, from_error, shown

_STYLES: Final[dict[Status, str]] = {"ok": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}
_STATUS_WIDTH: Final = 9


def doctor(
    installation: InstallationOption = None,
    every: AllOption = False,
    stack: StackOption = None,
    api_version: ApiVersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check settings, network, token, API, engine and Python, and say what to fix. Exit code 1 if a check fails.

    Only GET requests are sent, and nothing is changed. A warning leaves the exit code at 0.
    """
    machine = [*engine(), *python(Path.cwd()), certificates(), proxy()]
    # Pulumi's configuration is read only for a named stack: the command does not choose one.
    hint = "if they are in the configuration of a stack: --stack <name>" if project_file(Path.cwd()) and not stack else ""
    found: list[tuple[Selected, list[Check]]] = []
    with reported("doctor"), ExitStack() as closing:
        try:
            configured = closing.enter_context(open_configured(stack, installation))
        except ForgeError as error:
            machine.append(_configuration(error))
        else:
            selected = select(configured, installation, every=every)
            found = [(one, check_installation(one.connections, one.name, api_version, one.stacks, hint)) for one in selected]
    machine = shown(machine)
    found = [(one, shown(checks)) for one, checks in found]
    if as_json:
        entries = [{**one.fields, "checks": [*map(asdict, checks)]} for one, checks in found]
        print_json(installations=entries, checks=[*map(asdict, machine)])
    else:
        _print("this machine", machine)
        for one, checks in found:
            _print(str(one), checks)
    if any(check.status == "fail" for checks in (machine, *(checks for _, checks in found)) for check in checks):
        raise typer.Exit(EXIT_FAILED)


def _configuration(error: ForgeError) -> Check:
    check = from_error("configuration", error)
    if "--state" in (check.next or ""):  # advice for the commands that read a state
        return replace(check, next="correct what pulumi reports; without --stack only the environment is read")
    return check


def _print(title: str, checks: Sequence[Check]) -> None:
    out = console()
    out.print(Text(title, style="bold"), soft_wrap=True)
    for check in _grouped(checks):
        first, *more = check.text.splitlines()
        status = Text(f"{check.status:<{_STATUS_WIDTH}}", style=_STYLES[check.status])
        out.print(Text.assemble("  ", status, f"{check.name}: {first}"), soft_wrap=True)
        for text in [*more, *([f"next: {check.next}"] if check.next else [])]:
            out.print(Text(" " * (_STATUS_WIDTH + 4) + text), soft_wrap=True)


def _grouped(checks: Sequence[Check]) -> Iterator[Check]:
    """The checks, with those that were skipped for one reason as one."""
    for reason, group in groupby(checks, lambda check: check.text if check.status == "skipped" else None):
        if reason is None:
            yield from group
        else:
            yield Check(", ".join(check.name for check in group), "skipped", reason)
