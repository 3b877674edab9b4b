"""The chart of one operation: a panel for each latency, in it a group for each size, in it a bar for each row."""

from __future__ import annotations

from typing import Final

from .drawing import Bar, Entry, Group, Panel, draw
from .results import Cell, Results
from .systems import ROWS
from .workload import Operation

_COLOURS: Final = {
    "ours-v2": "#0052cc",
    "ours-v1": "#6ea8fe",
    "plain": "#e69f00",
    "floor": "#9a9a9a",
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
        The file's text.
    """
    cells = [cell for cell in results.cells if cell.operation == operation]
    rows = [row for row in results.rows if any(cell.row == row for cell in cells)]
    panels = [
        Panel(
            f"latency {latency} ms",
            [
                Group(
                    f"{size} module{'s' if size > 1 else ''}", [_bar(results.cell(row, size, latency, operation)) for row in rows]
                )
                for size in results.sizes
            ],
        )
        for latency in results.latencies
    ]
    title = f"{operation.capitalize()}: seconds, median of {results.runs_of(operation)}, with the fastest and the slowest run"
    return draw(title, [Entry(_COLOURS[row], ROWS[row].title) for row in rows], panels)


def _bar(cell: Cell | None) -> Bar | None:
    return None if cell is None else Bar(min(cell.wall), cell.median("wall") or 0.0, max(cell.wall))
