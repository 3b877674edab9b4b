"""The bar chart of one operation: panels for latencies, groups for sizes, bars for systems."""

from __future__ import annotations

from typing import Final

from .drawing import Bar, Entry, Group, Panel, draw
from .results import Cell, Results
from .systems import SYSTEMS
from .workload import Operation

_COLORS: Final = {
    "ours-v2": "#0052cc",
    "ours-v1": "#6ea8fe",
    "plain": "#e69f00",
    "no-op": "#9a9a9a",
    "opentofu": "#8b5fbf",
    "httpx-4": "#5bb98c",
    "httpx-16": "#1f7a4d",
}


def chart(results: Results, operation: Operation) -> str:
    """Draw one operation.

    Args:
        results: The figures.
        operation: Which. Rows that have none of it are left out.

    Returns:
        The SVG text.
    """
    cells = [cell for cell in results.cells if cell.operation == operation]
    systems = [system for system in results.systems if any(cell.system == system for cell in cells)]
    panels = [
        Panel(
            f"latency {latency} ms",
            [
                Group(
                    f"{size} module{'s' if size > 1 else ''}",
                    [_bar(results.cell(system, size, latency, operation)) for system in systems],
                )
                for size in results.sizes
            ],
        )
        for latency in results.latencies
    ]
    title = f"{operation.capitalize()}: seconds, median of {results.runs_of(operation)}, with the fastest and the slowest run"
    return draw(title, [Entry(_COLORS[system], SYSTEMS[system].title) for system in systems], panels)


def _bar(cell: Cell | None) -> Bar | None:
    return None if cell is None else Bar(min(cell.wall), cell.median("wall") or 0.0, max(cell.wall))
