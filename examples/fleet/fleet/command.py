"""`python examples/fleet up|preview|refresh|destroy`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import pulumi.automation as auto
import typer

from .display import Display, as_json, summarise
from .fleet import Fleet
from .installations import FleetError, chosen, read, search_path
from .stack import Job, Member, Operation, complaint, workspace

PROJECT: Final = Path(__file__).resolve().parent.parent
INTERRUPTED: Final = 130


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(no_args_is_help=True)
def fleet(  # noqa: PLR0913 - each is an option of the command
    command: Annotated[Operation, typer.Argument(help="What to do on each installation.")],
    *,
    only: Annotated[list[str] | None, typer.Option(help="Only this installation; with * and ?. Repeatable.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would be done.")] = False,
    parallel: Annotated[int, typer.Option(min=1, help="How many installations at a time.")] = max(2, os.cpu_count() or 2),
    continue_on_error: Annotated[bool, typer.Option(help="Whether others are still started when one has failed.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a destroy.")] = False,
    unlock: Annotated[bool, typer.Option("--unlock", help="Break locks, whoever holds them: when no other run works.")] = False,
    file: Annotated[Path, typer.Option(help="The installations.")] = PROJECT / "forge-installations.yaml",
    backend: Annotated[str | None, typer.Option(help="The state's backend. Default: PULUMI_BACKEND_URL, or the login.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """One Pulumi stack for each installation, from one program, several at a time.

    Exit codes: 0 all done; 1 some failed, or nothing could begin; 130 interrupted.
    """
    began = time.monotonic()
    operation, preview = (Operation.UP, True) if command is Operation.PREVIEW else (command, preview)
    job = Job(PROJECT, operation, preview, unlock, _without_side_files(backend))
    try:
        entries = read(file)
        names = chosen(list(entries), only or [])
        if command is Operation.DESTROY and not preview:
            _confirm(names, yes=yes)
        cli = _engine(job)
    except FleetError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    members = [Member(name, entries[name], job, cli) for name in names]
    running = Fleet(members, parallel, continue_on_error=continue_on_error)
    with Display(len(members)) as display:
        running.run(display)
    results = [member.result for member in members]
    seconds = time.monotonic() - began
    if json:
        typer.echo(as_json(job, results, seconds))
    else:
        summarise(results, seconds)
    if running.interrupted:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(any(result.status != "done" for result in results))


def main() -> None:
    """Run it as a command."""
    app(prog_name="fleet")


def _confirm(names: list[str], *, yes: bool) -> None:
    """Ask before all is deleted.

    Raises:
        FleetError: There is nobody to ask, or they said no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise FleetError("destroy deletes the modules of " + ", ".join(names) + "\nnext: say --yes, or look first: --preview")
    if not typer.confirm(f"Delete the modules of {', '.join(names)}?"):
        raise FleetError("nothing was deleted")


def _without_side_files(backend: str | None) -> str | None:
    """The backend's URL. Pulumi does not write a file backend's side files atomically: after a kill one may hide the stack."""
    backend = backend or os.environ.get("PULUMI_BACKEND_URL")
    return f"{backend}?metadata=skip" if backend and backend.startswith("file://") and "?" not in backend else backend


def _engine(job: Job) -> auto.PulumiCommand:
    """The CLI, which has reached the state's backend once: a new database must not have its table made by several at a time.

    Raises:
        FleetError: There is no CLI, or the backend cannot be reached.
    """
    os.environ["PATH"] = search_path()
    try:
        cli = auto.PulumiCommand()
    except (OSError, subprocess.CalledProcessError, auto.InvalidVersionError) as error:
        raise FleetError(
            f"no Pulumi CLI on PATH can be used: {error}\nnext: scripts/install-pulumi prints where one is"
        ) from None
    try:
        workspace(job, cli, {}).who_am_i()
    except auto.CommandError as error:
        raise FleetError(f"the state's backend cannot be used\n{complaint(error, job.backend)}") from None
    return cli
