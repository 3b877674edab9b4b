"""The options of ``make bench``."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from testing.project import heed_interrupts

from . import report
from .bench_plan import Whole
from .checkpoint import Checkpoint
from .document import PARTS, Document, load
from .errors import BenchError
from .files import require_place
from .options import DOCUMENT, QUICK, WHOLE, Options, place, planned
from .results import Results
from .scale.sections import tables
from .systems import ROWS
from .workload import OPERATIONS

_LINES: Final = 20  # of progress, where there is no terminal for a bar

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(  # noqa: PLR0913 - one parameter for each option
    *,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help=f"Sizes {QUICK.sizes}, latency {QUICK.latencies} ms, one run; fleets of {QUICK.fleets} and stacks on "
            f"{QUICK.stacks} installations of {QUICK.each} modules: under ten minutes. Writes below .local/bench/.",
        ),
    ] = False,
    parts: Annotated[
        str | None,
        typer.Option(help=f"The parts to measure, of {','.join(PARTS)}; the others stay as they are.", metavar="NAMES"),
    ] = None,
    rows: Annotated[str | None, typer.Option(help=f"The rows to measure, of {','.join(ROWS)}.", metavar="NAMES")] = None,
    sizes: Annotated[str | None, typer.Option(help=f"Modules, 1 to 100. Default: {WHOLE.sizes}.", metavar="NUMBERS")] = None,
    latencies: Annotated[
        str | None, typer.Option(help=f"Milliseconds before each answer. Default: {WHOLE.latencies}.", metavar="NUMBERS")
    ] = None,
    operations: Annotated[
        str | None,
        typer.Option(
            help=f"The operations to measure, of {','.join(OPERATIONS)}; most need the ones before them.", metavar="NAMES"
        ),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(
            min=1, help=f"Runs of each cell. Default: {WHOLE.runs}, and {WHOLE.quiet_runs} of those in which nothing changes."
        ),
    ] = None,
    fleets: Annotated[
        str | None, typer.Option(help=f"Installations of each fleet, 1 to 200. Default: {WHOLE.fleets}.", metavar="NUMBERS")
    ] = None,
    stacks: Annotated[
        str | None, typer.Option(help=f"Installations of each stack, 1 to 50. Default: {WHOLE.stacks}.", metavar="NUMBERS")
    ] = None,
    each: Annotated[
        int | None,
        typer.Option(min=1, max=100, help=f"Modules on each installation of fleets and stacks. Default: {WHOLE.each}."),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            help="Where the figures go; beside it go the page and the charts, of its name, and scale.md. "
            "Default: docs/performance.json."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a matrix that was interrupted; not after a change of what it measures.")
    ] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Keep the matrix's runs so far and add these; not after a change of what it measures.")
    ] = False,
    render: Annotated[
        bool, typer.Option("--render", help="Measure nothing: write the page and the charts from the figures.")
    ] = False,
) -> None:
    """Measure what a run takes with this provider, beside what people would use in its place.

    A run that measures something else than the usual (other sizes, rows, operations, numbers of runs) writes nothing but its
    tables, unless --json names a file.
    """
    checkpoint = Checkpoint(None)
    try:
        if render:
            figures = json or DOCUMENT
            _say_written(report.write(load(figures), figures))
            return
        plan = planned(Options(parts, rows, sizes, latencies, operations, runs, fleets, stacks, each), quick=quick)
        target = json or place(plan, quick=quick, is_added=add)
        if target is not None:
            require_place(target)
        if add:
            plan = replace(plan, earlier=_earlier(plan, target))
        checkpoint = Checkpoint.beside(target, is_resumed=resume, is_added=add)
        _run(plan, target, checkpoint)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        begun = checkpoint.path
        hint = f"\nnext: {checkpoint.options} goes on from {begun}" if begun is not None and begun.exists() else ""
        sys.stderr.write(f"bench: interrupted; the part that it measured was not written{hint}\n")
        raise typer.Exit(130) from None


def _earlier(plan: Whole, target: Path | None) -> Results:
    """The matrix in the file of the figures, for ``--add``."""
    if plan.matrix is None:
        raise BenchError("--add: it is the matrix that runs are added to\nnext: measure that part, or measure without --add")
    found = None if target is None else load(target).matrix
    if found is None:
        raise BenchError("--add: there are no figures to add to\nnext: measure without --add, or name their file with --json")
    return found


def _run(plan: Whole, target: Path | None, checkpoint: Checkpoint) -> None:
    """Measure part by part, and write after each: one that fails does not take the others with it."""
    heed_interrupts()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what ends a job in CI is to leave no more than a Ctrl-C
    console = Console(stderr=True)
    document = plan.before(target)
    if checkpoint.is_resumed and plan.matrix is None:
        raise BenchError("--resume: it is the matrix that is gone on with\nnext: measure that part, or without --resume")
    for name, why in plan.matrix.left_out.items() if plan.matrix else ():
        console.print(f"left out: {ROWS[name].title}: {why}")
    kept_in = "no file: name one with --json to keep them" if target is None else target
    console.print(f"the figures go to {kept_in}", soft_wrap=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=plan.steps)
        done = -1

        def step(what: str) -> None:
            nonlocal done
            done += 1
            progress.update(task, completed=done, description=what)
            if not console.is_terminal and done * _LINES // plan.steps > (done - 1) * _LINES // plan.steps:
                console.print(f"{done} of {plan.steps}: {what}", soft_wrap=True)

        for found in plan.measured(step, checkpoint):
            _print(found)
            document = document.with_parts_of(found)
            if target is not None:
                _say_written(report.write(document, target))
            if found.matrix:
                checkpoint.clear()
        progress.update(task, completed=plan.steps, description="done")


def _print(found: Document) -> None:
    console = Console(width=None if sys.stdout.isatty() else 200)
    for table in (*([report.table(found.matrix)] if found.matrix else []), *tables(found), report.verdicts(found)):
        if table.row_count:
            console.print(table)


def _say_written(paths: list[Path]) -> None:
    for path in paths:
        sys.stderr.write(f"wrote {path}\n")


if __name__ == "__main__":
    app()
