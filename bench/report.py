"""The figures as people read them: pages, a chart for each operation, and a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from rich.table import Column, Table

from .chart import chart
from .document import Document
from .files import put
from .results import Cell, Results
from .scale import capacity, sections
from .summary import REPEAT, in_short
from .systems import FLOOR, ROWS
from .targets import targets
from .workload import OPERATIONS, Operation

_HEADS: Final = (
    "s, median",
    "fastest – slowest",
    "× the floor",
    "requests",
    "in flight",
    "plugin, MB",
    "plugin, CPU s",
    "program, CPU s",
    "all, CPU s",
    "state, kB",
)

_INTRODUCTION: Final = """\
What one command takes with this provider, beside what people would use in its place. `make bench` measures on your machine and
writes this page, the charts and [{json}]({json}), where every figure of every run stands.
"""

_MATRIX: Final = """\
{run}

Every row declares the same: N triggers, each with two events, an endpoint and a filter. Every row speaks plain HTTP to a server
of the benchmark's own on the same machine, which waits out the latency before it answers and counts. State lies in files. A
figure is that of the whole command, from its start to its end; the rows run in turn, operation by operation, and the server
is asked after each whether the work was done (but for the floor, which speaks to none). A ratio, and a difference from the
floor, is the median of those of the single runs. The machine may be faster at one time than at another, and so from one column
to the next: compare the rows of a column.

- *plugin* is the process that speaks to the API, *program* the one that runs what the user wrote, *all* the command and every
  process below it. Memory is a peak; MB and kB are powers of ten.
- *Nothing to do* is `up` once more. *A change* changes every module.
- `up`, `refresh` and `destroy` run with `--skip-preview`.
"""


def write(document: Document, json: Path) -> list[Path]:
    """Write the figures, the pages beside them, and the charts into a folder of the page's name.

    Args:
        document: The figures.
        json: The file of the figures, for example docs/performance.json.

    Returns:
        What was written.

    Raises:
        BenchError: One of them cannot be written.
    """
    files = {json: document.dump(), **rendered(document, json)}
    for path, text in files.items():
        put(path, text)
    return list(files)


def rendered(document: Document, json: Path) -> dict[Path, str]:
    """The pages and the charts: a pure function of the figures.

    Args:
        document: The figures.
        json: The file of the figures; the others are named after it, but for scale.md, which hangs on fleets and stacks.
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
    """The targets, and of runs of several times how many cells keep each with the runs of one time alone."""
    promises = list(targets(document))
    times = len(document.matrix.times) if document.matrix else 1
    if not promises:
        return
    alone = " each time alone |" if times > 1 else ""
    yield from ("## What the provider is held to", "")
    if document.matrix and document.matrix.circumstances.quick:
        yield from ("These are medians of several runs: one run shows no more than the order of a time.", "")
    if alone:
        yield from (f"The runs were taken at {times} times; *each time alone* is how many cells keep it by the runs of each.", "")
    yield f"| target | worst cell | cells that keep it |{alone} |"
    yield f"|---|---|---:|{'---|' if alone else ''}---|"
    for target in promises:
        kept = f" {', '.join(map(str, target.alone)) or '–'} |" if alone else ""
        verdict = "met" if target.met else "**not met**"
        yield f"| {target.text} | {target.worst} | {target.kept} of {target.cells} |{kept} {verdict} |"
    yield ""


def verdicts(document: Document) -> Table:
    """The targets, for the terminal."""
    made = Table("target", "worst cell", "cells that keep it", "")
    for target in targets(document):
        made.add_row(target.text, target.worst, f"{target.kept} of {target.cells}", "met" if target.met else "not met")
    return made


def _compared(results: Results) -> Iterator[str]:
    """What was run, and how."""
    yield from ("## What is compared", "", _MATRIX.format(run=_run(results)), "| row | leaves out |", "|---|---|")
    yield from (f"| {ROWS[row].title} | {ROWS[row].leaves_out} |" for row in results.rows)
    yield ""
    yield from (f"Not in this run: {ROWS[row].title} ({why}).\n" for row, why in results.left_out.items())


def _operations(results: Results, json: Path) -> Iterator[str]:
    """A section for each operation, and one for the state."""
    for operation in _shown(results):
        picture = f"{json.stem}/{_slug(operation)}.svg"
        yield from (f"## {operation.capitalize()}", "", f"![{operation}: seconds]({picture})", "")
        yield from (*_grid(results, operation), "", *_details(results, operation), "")
    yield from ("## State", "", *_state(results), "")


def _run(results: Results) -> str:
    runs, quiet = results.runs_of("up"), results.runs_of("nothing to do")
    times = f"{runs} run{'s' if runs > 1 else ''} of each cell"
    if quiet != runs:
        times += f", {quiet} of those in which nothing changes"
    if len(results.times) > 1:
        times += f", taken at {len(results.times)} times"
    return results.circumstances.sentence(times)


def _grid(results: Results, operation: Operation) -> Iterator[str]:
    """The medians of all cells."""
    places = list(product(results.latencies, results.sizes))
    yield "| seconds | " + " | ".join(f"{size} at {latency} ms" for latency, size in places) + " |"
    yield "|---|" + "---:|" * len(places)
    for row in results.rows:
        cells = [results.cell(row, size, latency, operation) for latency, size in places]
        if any(cells):
            yield f"| {ROWS[row].title} | " + " | ".join(f"{cell.median('wall'):.2f}" if cell else "–" for cell in cells) + " |"


def _details(results: Results, operation: Operation) -> Iterator[str]:
    """All figures of the largest cell."""
    size, latency = max(results.sizes), max(results.latencies)
    yield f"| {size} at {latency} ms | " + " | ".join(_HEADS) + " |"
    yield "|---|" + "---:|" * len(_HEADS)
    for row in results.rows:
        cell = results.cell(row, size, latency, operation)
        if cell is not None:
            yield f"| {ROWS[row].title} | " + " | ".join(_figures(results, cell)) + " |"


def _figures(results: Results, cell: Cell) -> list[str]:
    floor = results.beside(FLOOR, cell)
    state = cell.median("state")
    return [
        _number(cell.median("wall"), 2),
        f"{min(cell.wall):.2f} – {max(cell.wall):.2f}",
        _number(cell.ratio(floor) if floor else None, 2),
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
    yield "Bytes of one module, as compact JSON. The file has more: each resource's names and times, and the indentation."
    yield ""
    yield "| row | declared | inputs + outputs | of that `__provider`, twice |"
    yield "|---|---:|---:|---:|"
    for row, found in results.modules.items():
        yield f"| {ROWS[row].title} | {found.content:.0f} | {found.properties:.0f} | {2 * found.provider:.0f} |"


def table(results: Results) -> Table:
    """All cells, for the terminal."""
    made = Table("operation", "N", "ms", "row", *[Column(head, justify="right") for head in _HEADS])
    for operation, size, latency in product(OPERATIONS, results.sizes, results.latencies):
        for row in results.rows:
            cell = results.cell(row, size, latency, operation)
            if cell is not None:
                made.add_row(operation, str(size), str(latency), ROWS[row].title, *_figures(results, cell))
        made.add_section()
    return made
