"""``forge-modules doctor``: what is in the way between this machine and an installation. It only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Final

import typer
from rich.text import Text

from pulumi_atlassian_forge.cli.output import FAILED, JsonOption, as_json, reported
from pulumi_atlassian_forge.cli.tables import console
from pulumi_atlassian_forge.cli.target import AllOption, ApiVersionOption, InstallationOption, StackOption, connected, names
from pulumi_atlassian_forge.errors import ForgeError

from .installation import installation as checked
from .machine import certificates, engine, proxy
from .python import project_file, python
from .result import Check, Status, failed, shown

_STYLES: Final[dict[Status, str]] = {"ok": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}
_MARK: Final = 9  # the longest status, and a space or two


def doctor(
    installation: InstallationOption = None,
    every: AllOption = False,
    stack: StackOption = None,
    api_version: ApiVersionOption = None,
    as_json_: JsonOption = False,
) -> None:
    """Look for what is in the way: settings, network, token, API, engine, Python. Exit code 1 where something fails.

    Only GET requests are sent, and nothing is changed. A warning leaves the exit code at 0.
    """
    machine = [*engine(), *python(Path.cwd()), certificates(), proxy()]
    # Pulumi's configuration is read only where a stack is named: which one it would be is not for us to say.
    hint = "if they are in the configuration of a stack: --stack <name>" if project_file(Path.cwd()) and not stack else ""
    found: dict[str, list[Check]] = {}
    secrets: set[str] = set()
    with reported("doctor"), ExitStack() as closing:
        try:
            connections = closing.enter_context(connected(stack, installation))
        except ForgeError as error:
            machine.append(_unconfigured(error))
        else:
            for name in names(connections, installation, every=every):
                found[name] = checked(connections, name, api_version, stack or (), hint)
            secrets = connections.secrets()
    machine = shown(machine, secrets)
    found = {name: shown(checks, secrets) for name, checks in found.items()}
    if as_json_:
        entries = [{"installation": name, "checks": [*map(asdict, checks)]} for name, checks in found.items()]
        as_json(installations=entries, checks=[*map(asdict, machine)])
    else:
        _print("this machine", machine)
        for name, checks in found.items():
            _print(f"installation {name!r}", checks)
    if any(check.status == "fail" for checks in (machine, *found.values()) for check in checks):
        raise typer.Exit(FAILED)


def _unconfigured(error: ForgeError) -> Check:
    check = failed("configuration", error)
    if "--state" in (check.next or ""):  # advice for the commands that read a state
        return replace(check, next="correct what pulumi says; without --stack only the environment is looked at")
    return check


def _print(title: str, checks: Sequence[Check]) -> None:
    out = console()
    out.print(Text(title, style="bold"), soft_wrap=True)
    for check in _together(checks):
        first, *more = check.text.splitlines()
        mark = Text(f"{check.status:<{_MARK}}", style=_STYLES[check.status])
        out.print(Text.assemble("  ", mark, f"{check.name}: {first}"), soft_wrap=True)
        for text in [*more, *([f"next: {check.next}"] if check.next else [])]:
            out.print(Text(" " * (_MARK + 4) + text), soft_wrap=True)


def _together(checks: Sequence[Check]) -> Iterator[Check]:
    """What was left out for one reason is one line."""
    for reason, group in groupby(checks, lambda check: check.text if check.status == "skipped" else None):
        if reason is None:
            yield from group
        else:
            yield Check(", ".join(check.name for check in group), "skipped", reason)
