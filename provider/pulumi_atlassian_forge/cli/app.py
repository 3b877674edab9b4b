"""The command line: the list of commands. Each has a file of its own, which is loaded only when the command runs."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from pulumi_atlassian_forge.version import __version__

COMMANDS: Final = {
    "list": "list_.list_",
    "show": "list_.show",
    "events": "events.events",
    "drift": "drift.drift",
    "doctor": "doctor.command.doctor",
    "orphans": "orphans.orphans",
    "import": "import_.import_",
    "emulator": "emulator.emulator",
}


def load(name: str) -> Any:
    """Load one of :data:`COMMANDS` as typer builds it, with its options and its help."""
    file, _, function = COMMANDS[name].rpartition(".")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(name)(getattr(import_module(f".{file}", __package__), function))
    return typer.main.get_command(app)


class _Commands(TyperGroup):
    """Loads a command on demand: most commands need no client or no emulator."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        wanted = [cmd_name] if cmd_name in COMMANDS else COMMANDS  # typer suggests a name for a misspelt one
        self.commands.update({name: load(name) for name in wanted if name not in self.commands})
        return super().get_command(ctx, cmd_name)


app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Atlassian Forge dynamic modules."""
