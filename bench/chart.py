"""A bar chart of one operation as SVG: a panel for each latency, in it a group for each size, in it a bar for each row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from .results import Cell, Results
from .rows import ROWS
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
_BAR, _GAP, _EDGE = 16, 14, 44  # pixels: a bar, between groups, left of a panel
_PLOT, _TOP, _BOTTOM, _LEGEND = 220, 52, 58, 22
_TICKS: Final = 5  # about so many lines across
_STYLE: Final = "text{font:11px sans-serif;fill:#333}.n{font-size:8px}.h{font-size:13px;font-weight:bold}.a{fill:#666}"


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
    group = _BAR * len(rows)
    panel = _EDGE + len(results.sizes) * (group + _GAP) + _GAP
    width, height = max(panel * len(results.latencies) + _GAP, 420), _TOP + _PLOT + _BOTTOM + _LEGEND
    step = _step(max(max(cell.wall) for cell in cells))
    top = step * math.ceil(max(max(cell.wall) for cell in cells) / step)
    title = f"{operation.capitalize()}: seconds, median of {results.runs_of(operation)}, with the fastest and the slowest run"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" rx="6" fill="#fff"/>',
        f'<text x="{_GAP}" y="20" class="h">{escape(title)}</text>',
    ]
    for number, latency in enumerate(results.latencies):
        left = number * panel + _EDGE
        parts += _axes(left, panel - _EDGE - _GAP, f"latency {latency} ms", step, top)
        for place, size in enumerate(results.sizes):
            x = left + _GAP + place * (group + _GAP)
            parts.append(_text(x + group / 2, _TOP + _PLOT + 16, f"{size} module{'s' if size > 1 else ''}", "middle"))
            for at, row in enumerate(rows):
                cell = results.cell(row, size, latency, operation)
                if cell is not None:
                    parts += _bar(cell, x + at * _BAR, top)
    parts += _legend(rows, height - _LEGEND)
    return "\n".join([*parts, "</svg>", ""])


def _step(largest: float) -> float:
    """A round distance between the lines: 1, 2 or 5 times a power of ten."""
    wanted = largest / _TICKS
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted)


def _axes(left: float, width: float, name: str, step: float, top: float) -> Iterator[str]:
    yield _text(left + width / 2, _TOP - 10, name, "middle", "a")
    for number in range(round(top / step) + 1):
        y = _TOP + _PLOT * (1 - number * step / top)
        yield f'<path d="M{left} {y:.1f}h{width}" stroke="{"#999" if number == 0 else "#e4e4e4"}"/>'
        yield _text(left - 5, y + 4, f"{number * step:g}", "end", "a")


def _bar(cell: Cell, x: float, top: float) -> Iterator[str]:
    median, scale = cell.median("wall") or 0.0, _PLOT / top
    low, high = _TOP + _PLOT - min(cell.wall) * scale, _TOP + _PLOT - max(cell.wall) * scale
    y = _TOP + _PLOT - median * scale
    yield (
        f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{_BAR - 2}" height="{median * scale:.1f}" fill="{_COLOURS[cell.row]}">'
        f"<title>{escape(ROWS[cell.row].title)}: {median:.2f} s</title></rect>"
    )
    if high < low:
        yield f'<path d="M{x + _BAR / 2:.1f} {high:.1f}V{low:.1f}" stroke="#333"/>'
    yield _text(x + _BAR / 2, high - 3, f"{median:.1f}", "middle", "n")


def _legend(rows: list[str], y: float) -> Iterator[str]:
    x = float(_GAP)
    for row in rows:
        yield f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="10" height="10" fill="{_COLOURS[row]}"/>'
        yield _text(x + 14, y, ROWS[row].title, "start")
        x += 30 + 6 * len(ROWS[row].title)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(text)}</text>'
