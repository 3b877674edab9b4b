"""The summary of the matrix in sentences, computed from the figures. A sentence without its figures is left out."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Final

from .results import Cell, Results
from .systems import NO_OP, OURS, SYSTEMS
from .workload import NO_CHANGE, OPERATIONS, Operation

_MAIN: Final = OURS[0]

REPEAT: Final = """\
## Reproduce it

Run `make bench` in a clone on Linux (it reads /proc), without other load. It takes an hour or two.
`make bench ARGS='--parts matrix --add'` adds the runs of another session, and `--add --resume` resumes an interrupted one.
OpenTofu + restapi needs `tofu` (github.com/opentofu/opentofu) and `terraform-provider-restapi`
(github.com/Mastercard/terraform-provider-restapi, which prints no version) on PATH, both built with `go build`.
Without them that system is skipped.
"""


def in_short(results: Results) -> Iterator[str]:
    """The section; empty if there is no system to compare with."""
    found = [sentence for part in (_baseline, _plain, _opentofu, _in_flight, _whole_up) for sentence in part(results)]
    if found:
        yield from ("## Summary", "", *(f"- {sentence}" for sentence in found), "")


def _baseline(results: Results) -> Iterator[str]:
    """The time that this provider adds to a command without changes."""
    added = {size: _over_baseline(results, size) for size in results.sizes}
    parts = [f"{statistics.median(found):.2f} s ({size} modules)" for size, found in added.items() if found]
    if parts:
        yield (
            f"Without changes, and in previews, this provider adds {', '.join(parts)} to the no-op baseline (the median of all "
            "such runs). The baseline is the time of Pulumi and its Python SDK."
        )


def _over_baseline(results: Results, size: int) -> list[float]:
    pairs = results.pairs(OURS, NO_OP, NO_CHANGE)
    return [second for cell, baseline in pairs if cell.size == size for second in cell.each_over(baseline)]


def _plain(results: Results) -> Iterator[str]:
    parts = []
    for operation in ("up", "refresh", "destroy"):
        cell = _largest(results, _MAIN, operation)
        plain = cell and results.counterpart("plain", cell)
        if cell and plain:
            parts.append(f"{operation} {cell.ratio(plain):.2f} ×")
    if parts:
        yield f"Compared with a plain dynamic provider, at {_largest_cell(results)}: {', '.join(parts)}."


def _opentofu(results: Results) -> Iterator[str]:
    """The cells in which OpenTofu is faster or slower."""
    pairs = list(results.pairs((_MAIN,), "opentofu", OPERATIONS))
    if not pairs:
        return
    ahead = [cell for cell, tofu in pairs if cell.ratio(tofu) < 1]
    title = SYSTEMS["opentofu"].title
    yield (
        f"{title} is faster in {len(pairs) - len(ahead)} of {len(pairs)} cells: it starts no language host and sends more "
        f"concurrent requests. {_ahead(ahead)} Each plan of {title} reads every module and so shows drift. With this provider "
        "`refresh` does that with one request for the list, and a preview sends none."
    )


def _ahead(cells: list[Cell]) -> str:
    if not cells:
        return "This provider is faster in no cell."
    return "This provider is faster in " + ", ".join(f"{one.operation} ({one.size} at {one.latency} ms)" for one in cells) + "."


def _in_flight(results: Results) -> Iterator[str]:
    """The concurrency of writes."""
    cell = _largest(results, _MAIN, "up")
    if cell and cell.in_flight:
        tofu = results.counterpart("opentofu", cell)
        others = f" (OpenTofu + restapi: {max(tofu.in_flight)})" if tofu else ""
        yield (
            f"This provider sent at most {max(cell.in_flight)} concurrent requests{others}, its own limit for one installation. "
            "So writing N modules to a slow API takes at least N × latency / 4."
        )


def _whole_up(results: Results) -> Iterator[str]:
    """The time of an ``up`` with its preview."""
    preview, up = _largest(results, _MAIN, "preview new"), _largest(results, _MAIN, "up")
    if preview and up:
        seconds = statistics.median(preview.wall) + statistics.median(up.wall)
        yield (
            f"A first `pulumi up` without `--skip-preview` also runs the preview: {seconds:.1f} s at "
            f"{_largest_cell(results)}, the sum of both medians."
        )


def _largest(results: Results, system: str, operation: Operation) -> Cell | None:
    return results.cell(system, max(results.sizes), max(results.latencies), operation)


def _largest_cell(results: Results) -> str:
    return f"{max(results.sizes)} modules and {max(results.latencies)} ms"
