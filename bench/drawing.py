"""Draws a bar chart as SVG: panels, groups of bars in each panel, and a legend."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_BAR, _GAP, _EDGE = 16, 14, 44  # pixels: width of a bar, gap between groups, left margin of a panel
_PLOT, _TOP, _BOTTOM, _LEGEND = 220, 52, 58, 22
_TICKS: Final = 5  # approximate number of grid lines
_STYLE: Final = "text{font:11px sans-serif;fill:#333}.n{font-size:8px}.h{font-size:13px;font-weight:bold}.a{fill:#666}"


@dataclass(frozen=True)
class Bar:
    """A median with its minimum and maximum, in seconds."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Group:
    """A group of bars: one for each entry of the legend, None if there is no figure."""

    name: str
    bars: Sequence[Bar | None]


@dataclass(frozen=True)
class Panel:
    """A panel of groups."""

    name: str
    groups: Sequence[Group]


@dataclass(frozen=True)
class Entry:
    """One entry of the legend."""

    color: str
    name: str


def draw(title: str, legend: Sequence[Entry], panels: Sequence[Panel]) -> str:
    """Draw a chart.

    Args:
        title: The title.
        legend: The names and colors of the bars.
        panels: The figures. All panels have the same scale.

    Returns:
        The SVG text.
    """
    group = _BAR * len(legend)
    places = max(len(panel.groups) for panel in panels)
    across = _EDGE + places * (group + _GAP) + _GAP
    width, height = max(across * len(panels) + _GAP, 420), _TOP + _PLOT + _BOTTOM + _LEGEND
    largest = max(bar.high for panel in panels for one in panel.groups for bar in one.bars if bar)
    step = _step(largest)
    top = step * math.ceil(largest / step)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" rx="6" fill="#fff"/>',
        f'<text x="{_GAP}" y="20" class="h">{escape(title)}</text>',
    ]
    for number, panel in enumerate(panels):
        left = number * across + _EDGE
        parts += _axes(left, across - _EDGE - _GAP, panel.name, step, top)
        for place, one in enumerate(panel.groups):
            x = left + _GAP + place * (group + _GAP)
            parts.append(_text(x + group / 2, _TOP + _PLOT + 16, one.name, "middle"))
            for at, (entry, bar) in enumerate(zip(legend, one.bars, strict=True)):
                if bar is not None:
                    parts += _bar(entry, bar, x + at * _BAR, top)
    parts += _legend(legend, height - _LEGEND)
    return "\n".join([*parts, "</svg>", ""])


def _step(largest: float) -> float:
    """The distance between grid lines: 1, 2 or 5 times a power of ten."""
    wanted = largest / _TICKS
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted)


def _axes(left: float, width: float, name: str, step: float, top: float) -> Iterator[str]:
    yield _text(left + width / 2, _TOP - 10, name, "middle", "a")
    for number in range(round(top / step) + 1):
        y = _TOP + _PLOT * (1 - number * step / top)
        yield f'<path d="M{left} {y:.1f}h{width}" stroke="{"#999" if number == 0 else "#e4e4e4"}"/>'
        yield _text(left - 5, y + 4, f"{number * step:g}", "end", "a")


def _bar(entry: Entry, bar: Bar, x: float, top: float) -> Iterator[str]:
    scale = _PLOT / top
    low, high = _TOP + _PLOT - bar.low * scale, _TOP + _PLOT - bar.high * scale
    y = _TOP + _PLOT - bar.middle * scale
    yield (
        f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{_BAR - 2}" height="{bar.middle * scale:.1f}" fill="{entry.color}">'
        f"<title>{escape(entry.name)}: {bar.middle:.2f} s</title></rect>"
    )
    if high < low:
        yield f'<path d="M{x + _BAR / 2:.1f} {high:.1f}V{low:.1f}" stroke="#333"/>'
    yield _text(x + _BAR / 2, high - 3, f"{bar.middle:.1f}", "middle", "n")


def _legend(legend: Sequence[Entry], y: float) -> Iterator[str]:
    x = float(_GAP)
    for entry in legend:
        yield f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="10" height="10" fill="{entry.color}"/>'
        yield _text(x + 14, y, entry.name, "start")
        x += 30 + 6 * len(entry.name)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(text)}</text>'
