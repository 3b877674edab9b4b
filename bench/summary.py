"""What the figures of the matrix come to, in sentences: computed, each where the rows that it compares were run."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Final

from .results import Cell, Results
from .systems import FLOOR, OURS, ROWS
from .workload import OPERATIONS, QUIET, Operation

_MAIN: Final = OURS[0]

REPEAT: Final = """\
## How to repeat it

On Linux (it reads /proc), in a clone: `make bench`, an hour or two, with nothing else running. `make bench ARGS='--parts matrix
--add'` adds the runs of another time, and `--add --resume` goes on with one that was interrupted. For OpenTofu + restapi put
`tofu` (github.com/opentofu/opentofu) and `terraform-provider-restapi` (github.com/Mastercard/terraform-provider-restapi, which
does not say its version) on PATH, both as `go build` makes them; without them that row is left out with a word.
"""


def in_short(results: Results) -> Iterator[str]:
    """The section; nothing where no row can be compared with ours."""
    found = [sentence for part in (_floor, _plain, _opentofu, _in_flight, _whole_up) for sentence in part(results)]
    if found:
        yield from ("## In short", "", *(f"- {sentence}" for sentence in found), "")


def _floor(results: Results) -> Iterator[str]:
    """What is ours in a command that changes nothing."""
    added = {size: _over_floor(results, size) for size in results.sizes}
    parts = [f"{statistics.median(found):.2f} s ({size} modules)" for size, found in added.items() if found]
    if parts:
        yield (
            f"Where nothing changes and in previews this provider adds to the engine's floor {', '.join(parts)}, the median of "
            "all such runs; the seconds of the floor are the price of Pulumi and its Python SDK."
        )


def _over_floor(results: Results, size: int) -> list[float]:
    pairs = results.pairs(OURS, FLOOR, QUIET)
    return [second for cell, floor in pairs if cell.size == size for second in cell.each_over(floor)]


def _plain(results: Results) -> Iterator[str]:
    parts = []
    for operation in ("up", "refresh", "destroy"):
        cell = _largest(results, _MAIN, operation)
        plain = cell and results.beside("plain", cell)
        if cell and plain:
            parts.append(f"{operation} {cell.ratio(plain):.2f} ×")
    if parts:
        yield f"Of what a plain dynamic provider takes, at {_place(results)}: {', '.join(parts)}."


def _opentofu(results: Results) -> Iterator[str]:
    """Where the other tool is ahead, and where not."""
    pairs = list(results.pairs((_MAIN,), "opentofu", OPERATIONS))
    if not pairs:
        return
    ahead = [cell for cell, tofu in pairs if cell.ratio(tofu) < 1]
    title = ROWS["opentofu"].title
    yield (
        f"{title} is faster in {len(pairs) - len(ahead)} of {len(pairs)} cells: it has no language to start, and sends more "
        f"requests at once. {_ahead(ahead)} Each plan of {title} reads every module and so sees drift; here `refresh` does, with "
        "one request for the list, and a preview sends none."
    )


def _ahead(cells: list[Cell]) -> str:
    if not cells:
        return "This provider is faster in none."
    return "This provider is faster in " + ", ".join(f"{one.operation} ({one.size} at {one.latency} ms)" for one in cells) + "."


def _in_flight(results: Results) -> Iterator[str]:
    """Why writes wait."""
    cell = _largest(results, _MAIN, "up")
    if cell and cell.in_flight:
        tofu = results.beside("opentofu", cell)
        beside = f" (OpenTofu + restapi: {max(tofu.in_flight)})" if tofu else ""
        yield (
            f"At most {max(cell.in_flight)} requests of ours were under way at once{beside}: the SDK runs the calls of a dynamic "
            "provider in four threads, and has no supported way to more. So many modules at a slow API take N × latency / 4."
        )


def _whole_up(results: Results) -> Iterator[str]:
    """What `--skip-preview` leaves out of the figures of up."""
    preview, up = _largest(results, _MAIN, "preview new"), _largest(results, _MAIN, "up")
    if preview and up:
        seconds = statistics.median(preview.wall) + statistics.median(up.wall)
        yield (
            f"A first `pulumi up` without `--skip-preview` takes the preview, too: {seconds:.1f} s at {_place(results)}, the sum "
            "of both medians."
        )


def _largest(results: Results, row: str, operation: Operation) -> Cell | None:
    return results.cell(row, max(results.sizes), max(results.latencies), operation)


def _place(results: Results) -> str:
    return f"{max(results.sizes)} modules and {max(results.latencies)} ms"
