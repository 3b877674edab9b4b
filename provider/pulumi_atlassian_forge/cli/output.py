"""Output of a command: one JSON object, or text and an exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, NoReturn

import typer

from pulumi_atlassian_forge.errors import ForgeError

JSON_VERSION: Final = 1  # of what ``--json`` prints. It changes only if a field loses its meaning; fields may be added
EXIT_FAILED: Final = 1
EXIT_FOUND: Final = 2  # drift, orphans that are left, or modules that an import skipped

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON (docs/reference/forge-modules.md has its form).")]


@contextmanager
def reported(command: str) -> Iterator[None]:
    """Turn a :class:`ForgeError` into a message on standard error and the exit code 1."""
    try:
        yield
    except ForgeError as error:
        fail(command, str(error))


def fail(command: str, message: str) -> NoReturn:
    """Exit with 1 and a message on standard error."""
    typer.echo(f"forge-modules {command}: {message}", err=True)
    raise typer.Exit(EXIT_FAILED)


def print_json(**fields: Any) -> None:
    """Print the JSON object of a command."""
    typer.echo(json.dumps({"version": JSON_VERSION, **fields}, indent=2))
