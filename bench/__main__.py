"""The options of ``make bench``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from . import matrix, report, results
from .errors import BenchError
from .rows import ROWS
from .workload import OPERATIONS

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "performance.json"
SIZES, LATENCIES, RUNS, QUIET_RUNS = "1,10,100", "0,50,300", 3, 7
QUICK_SIZES, QUICK_LATENCIES, QUICK_RUNS = "10,100", "50", 1
_LINES: Final = 20  # of progress, where there is no terminal for a bar

_Name = TypeVar("_Name", bound=str)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(  # noqa: PLR0913 - one parameter for each option
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help=f"Sizes {QUICK_SIZES}, latency {QUICK_LATENCIES} ms, one run: about five minutes.")
    ] = False,
    rows: Annotated[str, typer.Option(help="The rows to measure.", metavar="NAMES")] = ",".join(ROWS),
    sizes: Annotated[str | None, typer.Option(help=f"Modules, 1 to 100. Default: {SIZES}.", metavar="NUMBERS")] = None,
    latencies: Annotated[
        str | None, typer.Option(help=f"Milliseconds before each answer. Default: {LATENCIES}.", metavar="NUMBERS")
    ] = None,
    operations: Annotated[
        str, typer.Option(help="The operations to measure; most need the ones before them.", metavar="NAMES")
    ] = ",".join(OPERATIONS),
    runs: Annotated[
        int | None,
        typer.Option(min=1, help=f"Runs of each cell. Default: {RUNS}, and {QUIET_RUNS} of those in which nothing changes."),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            help="Where the figures go; the page and the charts go beside it. Default, of a whole run: docs/performance.json."
        ),
    ] = None,
    render: Annotated[
        bool, typer.Option("--render", help="Measure nothing: write the page and the charts from the figures.")
    ] = False,
) -> None:
    """Measure what a run takes with this provider, beside what people would use in its place.

    A run of a part of the matrix writes nothing but its table, unless --json names a file.
    """
    try:
        if render:
            figures = json or DOCUMENT
            _say_written(report.write(results.load(figures), figures))
            return
        plan = matrix.Plan(
            rows=[ROWS[name] for name in _chosen("--rows", rows, list(ROWS))],
            sizes=_numbers("--sizes", sizes or (QUICK_SIZES if quick else SIZES), 1, 100),
            latencies=_numbers("--latencies", latencies or (QUICK_LATENCIES if quick else LATENCIES), 0, 10_000),
            runs=runs or (QUICK_RUNS if quick else RUNS),
            quiet_runs=0 if runs or quick else QUIET_RUNS,
            operations=_chosen("--operations", operations, OPERATIONS),
            quick=quick,
        )
        is_part = (
            sizes is not None or latencies is not None or (len(plan.rows), len(plan.operations)) != (len(ROWS), len(OPERATIONS))
        )
        found = _measured(plan)
        Console(width=None if sys.stdout.isatty() else 200).print(report.table(found))
        target = json or (None if is_part else DOCUMENT)
        if target is not None:
            _say_written(report.write(found, target))
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        sys.stderr.write("bench: interrupted; nothing was written\n")
        raise typer.Exit(130) from None


def _measured(plan: matrix.Plan) -> results.Results:
    console = Console(stderr=True)
    for name, why in plan.left_out.items():
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

        found = matrix.run(plan, step)
        progress.update(task, completed=plan.steps, description="done")
    return found


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
