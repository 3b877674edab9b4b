"""Renders the figures: pages, a chart for each operation, and a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from rich.table import Column, Table

from .chart import chart
from .document import Document
from .files import write_atomically
from .results import Cell, Results
from .scale import capacity, sections
from .summary import REPEAT, in_short
from .systems import NO_OP, SYSTEMS
from .targets import targets
from .workload import OPERATIONS, Operation

_HEADS: Final = (
    "s, median",
    "fastest – slowest",
    "× no-op baseline",
    "requests",
    "in flight",
    "plugin, MB",
    "plugin, CPU s",
    "program, CPU s",
    "all, CPU s",
    "state, kB",
)

_INTRODUCTION: Final = """\
The cost of one command with this provider, compared with its alternatives.
`make bench` measures on your machine and writes this page, the charts and [{json}]({json}), which has every figure of every run.
"""

_MATRIX: Final = """\
{run}

Every system declares the same modules: N triggers, each with two events, an endpoint and a filter.
Every system sends plain HTTP to a test server on the same machine, which waits for the latency before
each response and counts requests.
State is stored in files.
A figure is that of the whole command, from its start to its end.
The systems run in turn, operation by operation.
After each command the benchmark verifies on the server that the work was done (except for the no-op
baseline, which sends no request).
A ratio to the no-op baseline, or a difference from it, is the median of those of the single runs.
The speed of the machine changes over time: compare the systems within a column, not across columns.

- *plugin* is the process that sends the requests, *program* the one that runs the user's code, *all* the command and all
  child processes. Memory is a peak; MB and kB are powers of ten.
- *Nothing to do* is a second `up`. *A change* changes every module.
- `up`, `refresh` and `destroy` run with `--skip-preview`.
"""


def write(document: Document, json: Path) -> list[Path]:
    """Write the figures, the pages next to them, and the charts into a folder with the page's name.

    Args:
        document: The figures.
        json: The file of the figures, for example docs/performance.json.

    Returns:
        The written files.

    Raises:
        BenchError: A file cannot be written.
    """
    files = {json: document.dump(), **rendered(document, json)}
    for path, text in files.items():
        write_atomically(path, text)
    return list(files)


def rendered(document: Document, json: Path) -> dict[Path, str]:
    """The pages and the charts, as a pure function of the figures.

    Args:
        document: The figures.
        json: The file of the figures. The other files have its name, except scale.md, which depends on fleets and stacks.
    """
    files = {json.with_suffix(".md"): _page(document, json)}
    if document.fleets or document.stacks:
        files[json.with_name(capacity.NAME)] = capacity.page(document, json)
    return files | {json.with_suffix("") / f"{name}.svg": text for name, text in _charts(document)}


def _charts(document: Document) -> Iterator[tuple[str, str]]:
    if document.matrix:
        for operation in _shown(document.matrix):
            yield _slug(operation), chart(document.matrix, operation)
    yield from sections.charts(document)


def _shown(results: Results) -> list[Operation]:
    return [operation for operation in OPERATIONS if any(cell.operation == operation for cell in results.cells)]


def _slug(operation: Operation) -> str:
    return operation.replace(" ", "-")


def _page(document: Document, json: Path) -> str:
    lines = ["# Performance", "", f"<!-- Written by `make bench` from {json.name}: no figure is typed by hand. -->", ""]
    lines += [_INTRODUCTION.format(json=json.name)]
    if document.matrix:
        lines += [*in_short(document.matrix), REPEAT, *_compared(document.matrix)]
    lines += _held(document)
    if document.matrix:
        lines += _operations(document.matrix, json)
    lines += sections.lines(document, json.stem)
    return "\n".join(lines).rstrip() + "\n"


def _held(document: Document) -> Iterator[str]:
    """The targets, and for several sessions the number of cells that meet each target in each session."""
    promises = list(targets(document))
    sessions = len(document.matrix.sessions) if document.matrix else 1
    if not promises:
        return
    by_session = " by session |" if sessions > 1 else ""
    yield from ("## Targets", "")
    if document.matrix and document.matrix.environment.quick:
        yield from ("The targets are for medians of several runs; a single run shows only the order of magnitude.", "")
    if by_session:
        yield from (
            f"The runs are from {sessions} sessions; *by session* is the number of cells that meet the target in each session.",
            "",
        )
    yield f"| target | worst cell | cells that meet it |{by_session} |"
    yield f"|---|---|---:|{'---:|' if by_session else ''}---|"
    for target in promises:
        kept = f" {', '.join(map(str, target.by_session)) or '–'} |" if by_session else ""
        verdict = "met" if target.met else "**not met**"
        yield f"| {target.text} | {target.worst} | {target.kept} of {target.cells} |{kept} {verdict} |"
    yield ""


def verdicts(document: Document) -> Table:
    """The targets, for the terminal."""
    made = Table("target", "worst cell", "cells that meet it", "")
    for target in targets(document):
        made.add_row(target.text, target.worst, f"{target.kept} of {target.cells}", "met" if target.met else "not met")
    return made


def _compared(results: Results) -> Iterator[str]:
    """The compared systems and the method."""
    yield from ("## Compared systems", "", _MATRIX.format(run=_run(results)), "| system | limitations |", "|---|---|")
    yield from (f"| {SYSTEMS[system].title} | {SYSTEMS[system].limitations} |" for system in results.systems)
    yield ""
    yield from (f"Skipped in this run: {SYSTEMS[system].title} ({why}).\n" for system, why in results.skipped.items())


def _operations(results: Results, json: Path) -> Iterator[str]:
    """A section for each operation, and one for the state."""
    for operation in _shown(results):
        picture = f"{json.stem}/{_slug(operation)}.svg"
        yield from (f"## {operation.capitalize()}", "", f"![{operation}: seconds]({picture})", "")
        yield from (*_grid(results, operation), "", *_details(results, operation), "")
    yield from ("## State", "", *_state(results), "")


def _run(results: Results) -> str:
    runs, quiet = results.runs_of("up"), results.runs_of("nothing to do")
    text = f"{runs} run{'s' if runs > 1 else ''} of each cell"
    if quiet != runs:
        text += f", {quiet} of operations without changes"
    if len(results.sessions) > 1:
        text += f", in {len(results.sessions)} sessions"
    return results.environment.sentence(text)


def _grid(results: Results, operation: Operation) -> Iterator[str]:
    """The medians of all cells."""
    places = list(product(results.latencies, results.sizes))
    yield "| seconds | " + " | ".join(f"{size} at {latency} ms" for latency, size in places) + " |"
    yield "|---|" + "---:|" * len(places)
    for system in results.systems:
        cells = [results.cell(system, size, latency, operation) for latency, size in places]
        if any(cells):
            yield (
                f"| {SYSTEMS[system].title} | "
                + " | ".join(f"{cell.median('wall'):.2f}" if cell else "–" for cell in cells)
                + " |"
            )


def _details(results: Results, operation: Operation) -> Iterator[str]:
    """All figures of the largest cell."""
    size, latency = max(results.sizes), max(results.latencies)
    yield f"| {size} at {latency} ms | " + " | ".join(_HEADS) + " |"
    yield "|---|" + "---:|" * len(_HEADS)
    for system in results.systems:
        cell = results.cell(system, size, latency, operation)
        if cell is not None:
            yield f"| {SYSTEMS[system].title} | " + " | ".join(_figures(results, cell)) + " |"


def _figures(results: Results, cell: Cell) -> list[str]:
    baseline = results.counterpart(NO_OP, cell)
    state = cell.median("state")
    return [
        _number(cell.median("wall"), 2),
        f"{min(cell.wall):.2f} – {max(cell.wall):.2f}",
        _number(cell.ratio(baseline) if baseline else None, 2),
        _number(cell.median("requests"), 0),
        _number(cell.median("in_flight"), 0),
        _number(cell.median("memory"), 0),
        _number(cell.median("plugin_cpu"), 2),
        _number(cell.median("program_cpu"), 2),
        _number(cell.median("cpu"), 2),
        _number(state / 1000 if state is not None else None, 1),
    ]


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _state(results: Results) -> Iterator[str]:
    yield "Bytes of one module, as compact JSON. The file also has each resource's names and times, and indentation."
    yield ""
    yield "| system | declared | inputs + outputs | of that `__provider`, twice |"
    yield "|---|---:|---:|---:|"
    for system, found in results.modules.items():
        yield f"| {SYSTEMS[system].title} | {found.content:.0f} | {found.properties:.0f} | {2 * found.provider:.0f} |"


def table(results: Results) -> Table:
    """All cells, for the terminal."""
    made = Table("operation", "N", "ms", "system", *[Column(head, justify="right") for head in _HEADS])
    for operation, size, latency in product(OPERATIONS, results.sizes, results.latencies):
        for system in results.systems:
            cell = results.cell(system, size, latency, operation)
            if cell is not None:
                made.add_row(operation, str(size), str(latency), SYSTEMS[system].title, *_figures(results, cell))
        made.add_section()
    return made
