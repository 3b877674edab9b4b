"""Output of a command: one JSON object, or text and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, NoReturn

import typer
import yaml

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.redaction import redact_known
from pulumi_atlassian_forge.sanitizer import escape_commands
from pulumi_atlassian_forge.sanitizer import message as shown_message

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
    print_error(f"forge-modules {command}: {message}")
    raise typer.Exit(EXIT_FAILED)


def print_error(text: str) -> None:
    """Print a message on standard error."""
    typer.echo(shown_message(text), err=True)


def print_data(text: str) -> None:
    """Print the output of a command for another program: ASCII, escaped by its writer, and every line begins with our own."""
    typer.echo(text, nl=False)


def print_json(**fields: Any) -> None:
    """Print the JSON object of a command."""
    print_data(json_text({"version": JSON_VERSION, **fields}))


def json_text(value: Any) -> str:
    """A value as JSON that holds no secret of this process, no character beyond ASCII, and nothing that a CI system obeys."""
    # Outside of a text JSON has no "#".
    return escape_commands(json.dumps(without_secrets(value), indent=2), "\\u0023") + "\n"


def yaml_text(value: Any) -> str:
    """The same as YAML. A text is never folded: its second line could begin with anything."""
    text = yaml.dump(without_secrets(value), Dumper=_Dumper, sort_keys=False, width=sys.maxsize)
    return escape_commands(text, "\\x23")  # "##" is in double quotes only, see _Dumper


class _Dumper(yaml.SafeDumper):
    """Writes a text in double quotes if it could be several lines, or a command."""


def _text_node(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    is_quoted = "##" in text or "::" in text or len(text.splitlines()) > 1
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if is_quoted else None)


_Dumper.add_representer(str, _text_node)


def without_secrets(value: Any) -> Any:
    """A JSON value without the secrets of this process in its texts."""
    if isinstance(value, str):
        return redact_known(value)
    if isinstance(value, dict):
        return {without_secrets(name): without_secrets(inner) for name, inner in value.items()}
    return [*map(without_secrets, value)] if isinstance(value, list | tuple) else value
