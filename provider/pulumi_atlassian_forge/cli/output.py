"""How a command responses: with JSON, or with a message and an exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

from pulumi_atlassian_forge.errors import ForgeError

FORM = 1
"""The version of what ``--json`` prints. It changes only where a field loses its meaning; new fields may come."""

FAILED = 1
"""The exit code of a command that could not do what it is for."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON (docs/reference/forge-modules.md has its form).")]


@contextmanager
def reported(command: str) -> Iterator[None]:
    """A failure is one message on stderr, and the exit code 1."""
    try:
        yield
    except ForgeError as error:
        fail(command, str(error))


def fail(command: str, message: str, code: int = FAILED) -> NoReturn:
    """End with a message on stderr."""
    typer.echo(f"forge-modules {command}: {message}", err=True)
    raise typer.Exit(code)


def as_json(**fields: Any) -> None:
    """Print the one JSON object of a command."""
    typer.echo(json.dumps({"version": FORM, **fields}, indent=2))
