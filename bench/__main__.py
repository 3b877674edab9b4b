"""The options of ``make bench``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, NamedTuple, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.support.project import heed_interrupts

from . import matrix, report
from .checkpoint import Checkpoint
from .document import PARTS, Document, load
from .errors import BenchError
from .results import Results
from .rows import ROWS
from .scale.plan import Plan as ScalePlan
from .scale.sections import tables
from .whole import Whole
from .workload import OPERATIONS

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "performance.json"
SCALE_LATENCY: Final = 50  # milliseconds, of fleets and stacks


class _Usual(NamedTuple):
    """What is measured unless options say otherwise."""

    sizes: str
    latencies: str
    runs: int
    quiet_runs: int
    fleets: str
    stacks: str
    each: int


WHOLE: Final = _Usual("1,10,100", "0,50,300", 3, 7, "5,20,50", "1,2,5,10", 100)
QUICK: Final = _Usual("10,100", "50", 1, 0, "2,4", "1,2,4", 10)
_LINES: Final = 20  # of progress, where there is no terminal for a bar

_Name = TypeVar("_Name", bound=str)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(  # noqa: PLR0913 - one parameter for each option
    *,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help=f"Sizes {QUICK.sizes}, latency {QUICK.latencies} ms, one run; fleets of {QUICK.fleets} and stacks on "
            f"{QUICK.stacks} installations of {QUICK.each} modules: under ten minutes.",
        ),
    ] = False,
    parts: Annotated[str, typer.Option(help="The parts to measure; the others stay as they are.", metavar="NAMES")] = ",".join(
        PARTS
    ),
    rows: Annotated[str, typer.Option(help="The rows to measure.", metavar="NAMES")] = ",".join(ROWS),
    sizes: Annotated[str | None, typer.Option(help=f"Modules, 1 to 100. Default: {WHOLE.sizes}.", metavar="NUMBERS")] = None,
    latencies: Annotated[
        str | None, typer.Option(help=f"Milliseconds before each answer. Default: {WHOLE.latencies}.", metavar="NUMBERS")
    ] = None,
    operations: Annotated[
        str, typer.Option(help="The operations to measure; most need the ones before them.", metavar="NAMES")
    ] = ",".join(OPERATIONS),
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
        typer.Option(help="Where the figures go; the pages and the charts go beside it. Default: docs/performance.json."),
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

    A run with other sizes, rows or operations than the usual ones writes nothing but its tables, unless --json names a file.
    """
    checkpoint = Checkpoint(None)
    try:
        if render:
            figures = json or DOCUMENT
            _say_written(report.write(load(figures), figures))
            return
        wanted, usual = _chosen("--parts", parts, PARTS), QUICK if quick else WHOLE
        of_matrix = matrix.Plan(
            rows=[ROWS[name] for name in _chosen("--rows", rows, list(ROWS))],
            sizes=_numbers("--sizes", sizes or usual.sizes, 1, 100),
            latencies=_numbers("--latencies", latencies or usual.latencies, 0, 10_000),
            runs=runs or usual.runs,
            quiet_runs=0 if runs else usual.quiet_runs,
            operations=_chosen("--operations", operations, OPERATIONS),
            quick=quick,
        )
        modules = each or usual.each
        of_fleets = _numbers("--fleets", fleets or usual.fleets, 1, 200)
        of_stacks = _numbers("--stacks", stacks or usual.stacks, 1, 50)
        plan = Whole(
            matrix=of_matrix if "matrix" in wanted else None,
            fleets=ScalePlan(of_fleets, modules, SCALE_LATENCY, quick=quick) if "fleets" in wanted else None,
            stacks=ScalePlan(of_stacks, modules, SCALE_LATENCY, quick=quick) if "stacks" in wanted else None,
        )
        is_own = any(option is not None for option in (sizes, latencies, fleets, stacks, each))
        is_less = len(of_matrix.rows) < len(ROWS) or len(of_matrix.operations) < len(OPERATIONS)
        target = json or (None if is_own or is_less else DOCUMENT)
        checkpoint = Checkpoint.beside(target, is_resumed=resume)
        if add:
            plan = replace(plan, earlier=_earlier(plan, target))
        _run(plan, target, checkpoint)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        begun = checkpoint.path
        hint = f"\nnext: --resume goes on from {begun}" if begun is not None and begun.exists() else ""
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
    console = Console(stderr=True)
    document = plan.before(target)
    for name, why in plan.matrix.left_out.items() if plan.matrix else ():
        console.print(f"left out: {ROWS[name].title}: {why}")
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
    for table in (*([report.table(found.matrix)] if found.matrix else []), *tables(found)):
        console.print(table)


def _chosen(option: str, names: str, there: Sequence[_Name]) -> list[_Name]:
    wanted = names.split(",")
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise BenchError(f"{option}: there is no {', '.join(unknown)}; there are {', '.join(there)}")
    return [name for name in there if name in wanted]


def _numbers(option: str, text: str, least: int, most: int) -> list[int]:
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < least or found[-1] > most:
        raise BenchError(f"{option}: {text!r} is not a list of whole numbers from {least} to {most}, with commas between them")
    return found


def _say_written(paths: list[Path]) -> None:
    for path in paths:
        sys.stderr.write(f"wrote {path}\n")


if __name__ == "__main__":
    app()
