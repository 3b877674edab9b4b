"""The command line: `python examples/fleet up|preview|refresh|destroy`."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import pulumi.automation as auto
import typer

from .display import Display, as_json, print_summary, visible
from .installations import FleetError, path_with_interpreter, read_installations, select_names, stack_environment
from .runner import FleetRunner
from .stack import Job, Operation, StackRun, last_lines, workspace

PROJECT: Final = Path(__file__).resolve().parent.parent
INTERRUPTED: Final = 130


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(no_args_is_help=True)
def fleet(  # noqa: PLR0913 - each argument is an option of the command
    command: Annotated[Operation, typer.Argument(help="The operation to run on each installation.")],
    *,
    only: Annotated[list[str] | None, typer.Option(help="Only these installations; * and ? are wildcards. Repeatable.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would change.")] = False,
    parallel: Annotated[int, typer.Option(min=1, help="How many installations run at a time.")] = max(2, os.cpu_count() or 2),
    continue_on_error: Annotated[bool, typer.Option(help="Continue with the remaining installations after a failure.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation before a destroy.")] = False,
    unlock: Annotated[bool, typer.Option("--unlock", help="Remove state locks. Use only if no other run is active.")] = False,
    file: Annotated[Path, typer.Option(help="The file of installations.")] = PROJECT / "forge-installations.yaml",
    backend: Annotated[str | None, typer.Option(help="State backend (default: PULUMI_BACKEND_URL, or the login).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Run one Pulumi stack for each installation, from one program, several at a time.

    Exit codes: 0 all done; 1 an installation failed, or none could start; 130 interrupted.
    """
    began = time.monotonic()
    operation, preview = (Operation.UP, True) if command is Operation.PREVIEW else (command, preview)
    job = Job(PROJECT, operation, preview, unlock, _backend_url(backend))
    try:
        entries = read_installations(file)
        names = select_names(list(entries), only or [])
        if command is Operation.DESTROY and not preview:
            _confirm(names, yes=yes)
        cli = _pulumi_cli(job)
    except FleetError as error:
        typer.echo(visible(str(error)), err=True)
        raise typer.Exit(1) from None
    runs = [StackRun(name, entries[name], stack_environment(name, entries, os.environ), job, cli) for name in names]
    runner = FleetRunner(runs, parallel, continue_on_error=continue_on_error)
    with Display(len(runs)) as display:
        runner.run(display)
    results = [run.result for run in runs]
    seconds = time.monotonic() - began
    if json:
        typer.echo(as_json(job, results, seconds))
    else:
        print_summary(results, seconds)
    if runner.interrupted:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(any(result.status != "done" for result in results))


def main() -> None:
    """Entry point of the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for a terminal that is not UTF-8
    app(prog_name="fleet")


def _confirm(names: list[str], *, yes: bool) -> None:
    """Ask for confirmation before a destroy.

    Raises:
        FleetError: There is no terminal to ask on, or the user declined.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise FleetError(
            f"refusing to destroy {', '.join(names)} without confirmation\nnext: pass --yes, or run with --preview first"
        )
    if not typer.confirm(f"Delete the modules of {', '.join(names)}?"):
        raise FleetError("nothing was deleted")


def _backend_url(backend: str | None) -> str | None:
    """The backend's URL, for a file backend without metadata files: Pulumi does not write those atomically (see the README)."""
    backend = backend or os.environ.get("PULUMI_BACKEND_URL")
    return f"{backend}?metadata=skip" if backend and backend.startswith("file://") and "?" not in backend else backend


def _pulumi_cli(job: Job) -> auto.PulumiCommand:
    """The Pulumi CLI, after one call to the state's backend, so that parallel runs do not create a new database's table at once.

    Raises:
        FleetError: There is no CLI, or the backend cannot be reached.
    """
    os.environ["PATH"] = path_with_interpreter()
    try:
        cli = auto.PulumiCommand()
    except (OSError, subprocess.CalledProcessError, auto.InvalidVersionError) as error:
        raise FleetError(
            f"no Pulumi CLI on PATH can be used: {error}\nnext: run scripts/install-pulumi, which prints the folder of a CLI"
        ) from None
    try:
        workspace(job, cli, {}).who_am_i()
    except auto.CommandError as error:
        raise FleetError(f"the state's backend cannot be used\n{last_lines(error, job.backend)}") from None
    return cli
