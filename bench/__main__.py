"""The command line of ``make bench``."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from testing.project import restore_sigint

from . import report
from .bench_plan import BenchPlan
from .checkpoint import Checkpoint
from .document import PARTS, Document, load
from .errors import BenchError
from .files import require_writable
from .options import DOCUMENT, FULL, QUICK, Options, default_target, plan_of
from .results import Results
from .scale.sections import tables
from .systems import SYSTEMS
from .workload import OPERATIONS

_PROGRESS_LINES: Final = 20  # printed if stderr is no terminal

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
        typer.Option(help=f"Parts to measure, of {','.join(PARTS)}; the figures of the others are kept.", metavar="NAMES"),
    ] = None,
    systems: Annotated[str | None, typer.Option(help=f"Systems to measure, of {','.join(SYSTEMS)}.", metavar="NAMES")] = None,
    sizes: Annotated[str | None, typer.Option(help=f"Modules, 1 to 100. Default: {FULL.sizes}.", metavar="NUMBERS")] = None,
    latencies: Annotated[
        str | None, typer.Option(help=f"Milliseconds before each response. Default: {FULL.latencies}.", metavar="NUMBERS")
    ] = None,
    operations: Annotated[
        str | None,
        typer.Option(help=f"Operations to measure, of {','.join(OPERATIONS)}; most need the ones before them.", metavar="NAMES"),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(
            min=1, help=f"Runs of each cell. Default: {FULL.runs}, and {FULL.no_change_runs} of operations that change nothing."
        ),
    ] = None,
    fleets: Annotated[
        str | None, typer.Option(help=f"Installations of each fleet, 1 to 200. Default: {FULL.fleets}.", metavar="NUMBERS")
    ] = None,
    stacks: Annotated[
        str | None, typer.Option(help=f"Installations of each stack, 1 to 50. Default: {FULL.stacks}.", metavar="NUMBERS")
    ] = None,
    each: Annotated[
        int | None,
        typer.Option(min=1, max=100, help=f"Modules on each installation of fleets and stacks. Default: {FULL.each}."),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            help="File of the figures. The page, the charts and scale.md are written next to it. Default: docs/performance.json."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an interrupted matrix, with the same plan, machine and software.")
    ] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Add runs to those of the matrix, with the same plan, machine and software.")
    ] = False,
    render: Annotated[
        bool, typer.Option("--render", help="Measure nothing; write the pages and the charts from the figures.")
    ] = False,
) -> None:
    """Measure the cost of this provider, compared with its alternatives.

    A run with other than the default measures (sizes, systems, operations, numbers of runs) only prints tables, unless --json
    names a file.
    """
    checkpoint = Checkpoint(None)
    try:
        if render:
            figures = json or DOCUMENT
            _print_written(report.write(load(figures), figures))
            return
        plan = plan_of(Options(parts, systems, sizes, latencies, operations, runs, fleets, stacks, each), quick=quick)
        target = json or default_target(plan, quick=quick, is_added=add)
        if target is not None:
            require_writable(target)
        if add:
            plan = replace(plan, earlier=_earlier(plan, target))
        checkpoint = Checkpoint.next_to(target, is_resumed=resume, is_added=add)
        _run(plan, target, checkpoint)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        begun = checkpoint.path
        hint = f"\nnext: {checkpoint.options} resumes from {begun}" if begun is not None and begun.exists() else ""
        sys.stderr.write(f"bench: interrupted; the current part was not written{hint}\n")
        raise typer.Exit(130) from None


def _earlier(plan: BenchPlan, target: Path | None) -> Results:
    """The matrix in the file of the figures, for ``--add``."""
    if plan.matrix is None:
        raise BenchError("--add: only the matrix supports adding runs\nnext: measure that part, or measure without --add")
    found = None if target is None else load(target).matrix
    if found is None:
        raise BenchError("--add: there are no figures to add to\nnext: measure without --add, or name their file with --json")
    return found


def _run(plan: BenchPlan, target: Path | None, checkpoint: Checkpoint) -> None:
    """Measure part by part, and write the figures after each part, so that a failure keeps the parts before it."""
    restore_sigint()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a SIGTERM in CI is handled like Ctrl-C
    console = Console(stderr=True)
    document = plan.before(target)
    if checkpoint.is_resumed and plan.matrix is None:
        raise BenchError("--resume: only the matrix can be resumed\nnext: measure that part, or measure without --resume")
    for name, why in plan.matrix.skipped.items() if plan.matrix else ():
        console.print(f"skipped: {SYSTEMS[name].title}: {why}")
    destination = "no file: name one with --json to keep them" if target is None else target
    console.print(f"the figures go to {destination}", soft_wrap=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=plan.steps)
        done = -1

        def step(what: str) -> None:
            nonlocal done
            done += 1
            progress.update(task, completed=done, description=what)
            if not console.is_terminal and done * _PROGRESS_LINES // plan.steps > (done - 1) * _PROGRESS_LINES // plan.steps:
                console.print(f"{done} of {plan.steps}: {what}", soft_wrap=True)

        for found in plan.measured(step, checkpoint):
            _print(found)
            document = document.with_parts_of(found)
            if target is not None:
                _print_written(report.write(document, target))
            if found.matrix:
                checkpoint.clear()
        progress.update(task, completed=plan.steps, description="done")


def _print(found: Document) -> None:
    console = Console(width=None if sys.stdout.isatty() else 200)
    for table in (*([report.table(found.matrix)] if found.matrix else []), *tables(found), report.verdicts(found)):
        if table.row_count:
            console.print(table)


def _print_written(paths: list[Path]) -> None:
    for path in paths:
        sys.stderr.write(f"wrote {path}\n")


if __name__ == "__main__":
    app()
