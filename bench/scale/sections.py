"""Renders fleets and stacks: sections of the page, charts, and tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.table import Column, Table

from bench.document import Document
from bench.drawing import Bar, Entry, Group, Panel, draw

from .figures import OPERATIONS, FleetCell, Fleets, Operation, StackCell, Stacks

_COLORS: Final[dict[Operation, str]] = {"up": "#0052cc", "nothing to do": "#9a9a9a", "refresh": "#5bb98c", "destroy": "#e69f00"}

_FLEETS: Final = """\
## Fleets

{run}

`examples/fleet` with a stack for each installation, {parallel} at a time, each with {modules} modules, at {latency} ms, with v2.
Each fleet has its own project and file backend, and the benchmark verifies on the server that the work was done.

- *s for each* is the time of the command divided by the number of installations. *One* is the time of an installation as the
  command reports it, while others run at the same time. The command runs several CLI commands for each installation.
- *MB* is the peak memory of the command and all child processes together; shared memory counts for each process.
"""

_STACKS: Final = """\
## The largest efficient stack

{run}

One program declares {modules} modules on each of several installations, in one stack, at {latency} ms, with v2.
A file backend rewrites the whole state at each step, so the bytes that the engine writes grow with the *square* of the modules.

- *written* is the number of bytes that the engine writes: mostly state, and a few messages to other processes.
- *× single* is the time relative to that of as many sequential stacks of {smallest}. Above 1 the single stacks are faster.

{growth}

Time is not the only criterion: a failure, a lock or an interruption affects all installations of a stack.
Whoever can change one of them can change all of them.
"""

_FLEET_HEADS: Final = (
    "s",
    "s for each",
    "one: s, median",
    "fastest – slowest",
    "requests for each",
    "CPU s for each",
    "MB",
    "MB for each that runs",
)
_STACK_HEADS: Final = (
    "s",
    "ms for each module",
    "× single",
    "written, MB",
    "written for each module, kB",
    "state, kB",
    "engine, MB",
    "plugin, MB",
)


def lines(document: Document, folder: str) -> Iterator[str]:
    """The sections of the measured parts.

    Args:
        document: The figures.
        folder: The folder of the charts, next to the page.
    """
    if document.fleets:
        yield from (*_fleets(document.fleets, folder), "")
    if document.stacks:
        yield from (*_stacks(document.stacks, folder), "")


def charts(document: Document) -> Iterator[tuple[str, str]]:
    """The name and the SVG of each chart."""
    if document.fleets:
        yield "fleets", _fleets_chart(document.fleets)
    if document.stacks:
        yield "stacks", _stacks_chart(document.stacks)


def _fleets_chart(fleets: Fleets) -> str:
    cells = {size: [fleets.cell(size, operation) for operation in _seen(fleets)] for size in fleets.sizes}
    groups = [Group(f"fleet of {size}", [_bar(cell.each if cell else None) for cell in row]) for size, row in cells.items()]
    panel = Panel(f"{fleets.modules} modules on each", groups)
    return draw("Fleets: seconds of the command for each installation", _legend(fleets), [panel])


def _stacks_chart(stacks: Stacks) -> str:
    cells = {size: [stacks.cell(size, operation) for operation in _seen(stacks)] for size in stacks.sizes}
    groups = [Group(f"on {size}", [_bar(cell.wall if cell else None) for cell in row]) for size, row in cells.items()]
    panel = Panel(f"{stacks.modules} modules on each", groups)
    return draw("One stack on several installations: seconds", _legend(stacks), [panel])


def tables(document: Document) -> Iterator[Table]:
    """The tables for the terminal."""
    if document.fleets:
        made = Table("operation", "fleet of", *[Column(head, justify="right") for head in _FLEET_HEADS])
        for fleet in document.fleets.cells:
            made.add_row(fleet.operation, str(fleet.installations), *_fleet(document.fleets, fleet))
        yield made
    if document.stacks:
        made = Table("operation", "stack on", *[Column(head, justify="right") for head in _STACK_HEADS])
        for stack in document.stacks.cells:
            made.add_row(stack.operation, str(stack.installations), *_stack(document.stacks, stack))
        yield made


def _fleets(fleets: Fleets, folder: str) -> Iterator[str]:
    run = fleets.environment.sentence("one run of each")
    yield _FLEETS.format(run=run, parallel=fleets.parallel, modules=fleets.modules, latency=fleets.latency)
    yield f"![Seconds of the command for each installation]({folder}/fleets.svg)"
    yield from ("", "| | fleet of | " + " | ".join(_FLEET_HEADS) + " |", "|---|---:|" + "---:|" * len(_FLEET_HEADS))
    for cell in fleets.cells:
        yield f"| {cell.operation} | {cell.installations} | " + " | ".join(_fleet(fleets, cell)) + " |"


def _fleet(fleets: Fleets, cell: FleetCell) -> list[str]:
    return [
        f"{cell.wall:.1f}",
        f"{cell.each:.2f}",
        f"{cell.median:.1f}",
        f"{min(cell.seconds):.1f} – {max(cell.seconds):.1f}",
        f"{cell.requests / cell.installations:g}",
        f"{cell.cpu / cell.installations:.2f}",
        f"{cell.memory:.0f}",
        f"{fleets.memory_each(cell):.0f}",
    ]


def _stacks(stacks: Stacks, folder: str) -> Iterator[str]:
    smallest = f"{min(stacks.sizes)} installation{'s' if min(stacks.sizes) > 1 else ''}"
    run = stacks.environment.sentence("one run of each")
    yield _STACKS.format(
        run=run, modules=stacks.modules, latency=stacks.latency, smallest=smallest, growth=_growth(stacks, smallest)
    )
    yield f"![Seconds of one stack on several installations]({folder}/stacks.svg)"
    yield from ("", "| | installations | " + " | ".join(_STACK_HEADS) + " |", "|---|---:|" + "---:|" * len(_STACK_HEADS))
    for cell in stacks.cells:
        yield f"| {cell.operation} | {cell.installations} | " + " | ".join(_stack(stacks, cell)) + " |"


def _growth(stacks: Stacks, smallest: str) -> str:
    """The growth of written bytes and time, and the largest efficient size."""
    sentences = []
    least, most = (stacks.cell(size(stacks.sizes), "up") for size in (min, max))
    if least and most and least is not most:
        times = most.installations / least.installations
        written, wall = most.written / least.written, most.wall / least.wall
        comparison = f"In an `up` on {most.installations} compared with one on {least.installations}"
        sentences = [f"{comparison}: {times:g} × the modules, {written:.1f} × the written bytes, {wall:.1f} × the time."]
    size = stacks.largest_efficient_size
    largest = f"the one on {size}" if size > min(stacks.sizes) else f"the one on {smallest}"
    return "\n".join([*sentences, f"The largest stack that is not slower than single ones in any operation: {largest}."])


def _stack(stacks: Stacks, cell: StackCell) -> list[str]:
    modules, relative = cell.installations * stacks.modules, stacks.relative_to_single(cell)
    return [
        f"{cell.wall:.1f}",
        f"{1000 * cell.wall / modules:.1f}",
        "–" if relative is None else f"{relative:.2f}",
        f"{cell.written:.1f}",
        f"{1000 * cell.written / modules:.1f}",
        f"{cell.state / 1000:.0f}",
        f"{cell.engine:.0f}",
        f"{cell.plugin:.0f}",
    ]


def _seen(part: Fleets | Stacks) -> list[Operation]:
    return [operation for operation in OPERATIONS if any(cell.operation == operation for cell in part.cells)]


def _legend(part: Fleets | Stacks) -> list[Entry]:
    return [Entry(_COLORS[operation], operation) for operation in _seen(part)]


def _bar(seconds: float | None) -> Bar | None:
    return None if seconds is None else Bar(seconds, seconds, seconds)
