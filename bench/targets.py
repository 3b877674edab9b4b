"""What the provider is held to, and whether a run shows it. A target that no cell of a run can show is not listed."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from .document import Document
from .results import Cell, Results
from .scale.figures import OPERATIONS as OPERATIONS_AT_SCALE
from .scale.figures import FleetCell, Fleets
from .systems import FLOOR, OURS
from .workload import OPERATIONS, QUIET, Operation

_WRITES: Final[tuple[Operation, ...]] = ("up", "update all", "destroy")
_FLAT: Final = 1.2  # what an installation may cost more in a large fleet than in a small one
_WHOLE = 100  # modules of a full installation
_FELT, _SLOW = 50, 300  # milliseconds: the least latency that is more than noise, and the largest


@dataclass(frozen=True)
class Target:
    """One promise.

    Attributes:
        text: What is promised.
        worst: The cell that is nearest to breaking it, or breaks it most, with its figure.
        kept: The cells that keep it.
        cells: All that can show it.
        alone: Where the runs are of several times: the cells that keep it by the runs of each time alone.
    """

    text: str
    worst: str
    kept: int
    cells: int
    alone: tuple[int, ...] = ()

    @property
    def met(self) -> bool:
        """Whether every cell keeps it."""
        return self.kept == self.cells


_Seen = tuple[str, float, float, str]  # where, the figure, what is allowed, the unit


def targets(document: Document) -> Iterator[Target]:
    """All targets that the figures can show, each with its worst cell."""
    matrix = document.matrix
    parts = list(matrix.each_time()) if matrix and len(matrix.times) > 1 else []
    alone = [dict(_found(_of_matrix(part))) for part in parts]
    every = {**(_of_matrix(matrix) if matrix else {}), **(_of_fleets(document.fleets) if document.fleets else {})}
    for text, found in _found(every):
        shares = [_share(figure, allowed) for _, figure, allowed, _ in found]
        where, figure, allowed, unit = found[shares.index(max(shares))]
        worst = f"{where}: {figure:.{_DIGITS[unit]}f} of {allowed:.{_DIGITS[unit]}f}{unit}"
        yield Target(text, worst, _kept(found), len(found), tuple(_kept(part[text]) for part in alone if text in part))


def _found(every: Mapping[str, Iterator[_Seen]]) -> Iterator[tuple[str, list[_Seen]]]:
    """Of each target the cells that can show it, where there are some."""
    for text, seen in every.items():
        found = list(seen)
        if found:
            yield text, found


def _kept(found: list[_Seen]) -> int:
    return sum(_share(figure, allowed) <= 1 for _, figure, allowed, _ in found)


def _of_matrix(results: Results) -> dict[str, Iterator[_Seen]]:
    return {
        "Nothing to do and previews: at most the floor + 0.25 s + 1 ms for each module": _quiet(results),
        "The same, over all latencies, which play no part where no request is sent": _quiet_at_any_latency(results),
        "Nothing to do and previews: no request": _silent(results),
        f"`up`, `update all` and `destroy` of {_WHOLE} from {_FELT} ms: at most the floor + 1.15 × N × latency / 4": _writes(
            results
        ),
        f"`refresh` of {_WHOLE} at {_SLOW} ms: at most the floor + 1.0 s": _refresh(results),
        "`refresh`: at most 2 requests": _refresh_requests(results),
        f"`refresh` of {_WHOLE} at {_SLOW} ms: faster than OpenTofu + restapi": _times(results, "opentofu", "refresh", 1.0),
        f"`up` of {_WHOLE}: at most 1.0 × the plain dynamic provider": _times(results, "plain", "up", 1.0),
        f"`refresh` of {_WHOLE} at {_SLOW} ms: at most 0.5 × the plain dynamic provider": _times(
            results, "plain", "refresh", 0.5
        ),
        "Memory of the plugin: at most that of the plain one + 20 MB": _memory(results),
        "Inputs + outputs of a module in state: at most 2.2 × its JSON + 2 × `__provider` + 250 bytes": _state(results),
    }


def _of_fleets(fleets: Fleets) -> dict[str, Iterator[_Seen]]:
    few, many = min(fleets.sizes), max(fleets.sizes)
    if few == many:
        return {}
    flat = f"in a fleet of {many}: at most {_FLAT} × that in one of {few}"
    same = f"in a fleet of {many}: no more than in one of {few}"
    return {
        f"Time of an installation {flat}": _flat(fleets, _FLAT, " s", lambda cell: cell.each),
        f"Memory of an installation that runs {flat}": _flat(fleets, _FLAT, " MB", fleets.memory_each),
        f"Requests of an installation {same}": _flat(fleets, 1.0, " requests", lambda cell: cell.requests / cell.installations),
    }


_DIGITS: Final = {" s": 2, " requests": 0, " ×": 2, " MB": 0, " bytes": 0}


def _share(figure: float, allowed: float) -> float:
    return figure / allowed if allowed else (0.0 if figure <= 0 else float("inf"))


def _pairs(results: Results, other: str, operations: tuple[Operation, ...]) -> Iterator[tuple[Cell, Cell, str]]:
    """Our cells, each with another row's."""
    return ((cell, beside, _where(cell)) for cell, beside in results.pairs(OURS, other, operations))


def _where(cell: Cell) -> str:
    return f"{cell.row.partition('-')[2]}, {cell.operation}, {cell.size} at {cell.latency} ms"


def _quiet(results: Results) -> Iterator[_Seen]:
    for cell, floor, where in _pairs(results, FLOOR, QUIET):
        yield where, cell.over(floor), 0.25 + cell.size / 1000, " s"


def _quiet_at_any_latency(results: Results) -> Iterator[_Seen]:
    """The median of all runs of an operation: of three times as many it is nearly twice as sure."""
    runs: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for cell, floor, where in _pairs(results, FLOOR, QUIET):
        runs[where.rpartition(" at ")[0], cell.size] += cell.each_over(floor)
    if len(results.latencies) > 1:
        for (where, size), found in runs.items():
            yield where, statistics.median(found), 0.25 + size / 1000, " s"


def _silent(results: Results) -> Iterator[_Seen]:
    for cell in results.cells:
        if cell.row in OURS and cell.operation in QUIET:
            yield _where(cell), max(cell.requests), 0, " requests"


def _writes(results: Results) -> Iterator[_Seen]:
    for cell, floor, where in _pairs(results, FLOOR, _WRITES):
        if cell.size == _WHOLE and cell.latency >= _FELT:
            yield where, cell.over(floor), 1.15 * cell.size * cell.latency / 4000, " s"


def _refresh(results: Results) -> Iterator[_Seen]:
    for cell, floor, where in _pairs(results, FLOOR, ("refresh",)):
        if cell.size == _WHOLE and cell.latency == _SLOW:
            yield where, cell.over(floor), 1.0, " s"


def _refresh_requests(results: Results) -> Iterator[_Seen]:
    for cell in results.cells:
        if cell.row in OURS and cell.operation == "refresh":
            yield _where(cell), max(cell.requests), 2, " requests"


def _times(results: Results, other: str, operation: Operation, allowed: float) -> Iterator[_Seen]:
    for cell, beside, where in _pairs(results, other, (operation,)):
        if cell.size == _WHOLE and (cell.latency == _SLOW or operation == "up"):
            yield where, cell.ratio(beside), allowed, " ×"


def _memory(results: Results) -> Iterator[_Seen]:
    for cell, plain, where in _pairs(results, "plain", OPERATIONS):
        if cell.memory and plain.memory:
            yield where, max(cell.memory), max(plain.memory) + 20, " MB"


def _state(results: Results) -> Iterator[_Seen]:
    for row in OURS:
        found = results.modules.get(row)
        if found is not None:
            yield row.partition("-")[2], found.properties, 2.2 * found.content + 2 * found.provider + 250, " bytes"


def _flat(fleets: Fleets, factor: float, unit: str, figure: Callable[[FleetCell], float]) -> Iterator[_Seen]:
    few, many = min(fleets.sizes), max(fleets.sizes)
    for operation in OPERATIONS_AT_SCALE:
        small, large = fleets.cell(few, operation), fleets.cell(many, operation)
        if small and large:
            yield f"{operation}, {many} beside {few}", figure(large), factor * figure(small), unit
