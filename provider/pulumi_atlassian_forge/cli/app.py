"""The command line: which commands there are. Each has a file of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from pulumi_atlassian_forge.version import __version__

from .doctor import doctor
from .drift import drift
from .emulator import emulator
from .events import events
from .importing import import_
from .listing import list_, show
from .orphans import orphans

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Atlassian Forge dynamic modules."""


app.command("list")(list_)
app.command()(show)
app.command()(events)
app.command()(drift)
app.command()(doctor)
app.command()(orphans)
app.command("import")(import_)
app.command()(emulator)
