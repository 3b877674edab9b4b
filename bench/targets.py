"""The performance targets, and whether the figures meet them. A target without a cell is not listed."""

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
from .systems import NO_OP, OURS
from .workload import NO_CHANGE, OPERATIONS, Operation

_WRITES: Final[tuple[Operation, ...]] = ("up", "update all", "destroy")
_MAX_FLEET_FACTOR: Final = 1.2  # of the cost of an installation in a large fleet to that in a small one
_FULL = 100  # modules of a full installation
_MIN_LATENCY_MS, _MAX_LATENCY_MS = 50, 300  # below the minimum the latency is within the noise


@dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        text: The target.
        worst: The cell with the worst figure, and that figure.
        kept: Number of cells that meet the target.
        cells: Number of cells to which it applies.
        by_session: For several sessions, the number of cells that meet the target in each session.
    """

    text: str
    worst: str
    kept: int
    cells: int
    by_session: tuple[int, ...] = ()

    @property
    def met(self) -> bool:
        """Whether every cell meets it."""
        return self.kept == self.cells


_Check = tuple[str, float, float, str]  # the cell, the figure, the allowed maximum, the unit


def targets(document: Document) -> Iterator[Target]:
    """All targets that apply to the figures, each with its worst cell."""
    matrix = document.matrix
    parts = list(matrix.by_session()) if matrix and len(matrix.sessions) > 1 else []
    sessions = [dict(_found(_of_matrix(part))) for part in parts]
    every = {**(_of_matrix(matrix) if matrix else {}), **(_of_fleets(document.fleets) if document.fleets else {})}
    for text, found in _found(every):
        shares = [_share(figure, allowed) for _, figure, allowed, _ in found]
        where, figure, allowed, unit = found[shares.index(max(shares))]
        worst = f"{where}: {figure:.{_DIGITS[unit]}f} of {allowed:.{_DIGITS[unit]}f}{unit}"
        yield Target(text, worst, _kept(found), len(found), tuple(_kept(part[text]) for part in sessions if text in part))


def _found(every: Mapping[str, Iterator[_Check]]) -> Iterator[tuple[str, list[_Check]]]:
    """The checks of each target that applies to at least one cell."""
    for text, seen in every.items():
        found = list(seen)
        if found:
            yield text, found


def _kept(found: list[_Check]) -> int:
    return sum(_share(figure, allowed) <= 1 for _, figure, allowed, _ in found)


def _of_matrix(results: Results) -> dict[str, Iterator[_Check]]:
    writes = "`up`, `update all` and `destroy`"
    return {
        "Nothing to do and previews: at most the no-op baseline + 0.25 s + 1 ms for each module": _quiet(results),
        "The same over all latencies, which have no effect without requests": _quiet_at_any_latency(results),
        "Nothing to do and previews: no request": _no_requests(results),
        f"{writes} of {_FULL} from {_MIN_LATENCY_MS} ms: at most the no-op baseline + 1.15 × N × latency / 4": _writes(results),
        f"`refresh` of {_FULL} at {_MAX_LATENCY_MS} ms: at most the no-op baseline + 1.0 s": _refresh(results),
        "`refresh`: at most 2 requests": _refresh_requests(results),
        f"`refresh` of {_FULL} at {_MAX_LATENCY_MS} ms: faster than OpenTofu + restapi": _ratio(
            results, "opentofu", "refresh", 1.0
        ),
        f"`up` of {_FULL}: at most 1.0 × the plain dynamic provider": _ratio(results, "plain", "up", 1.0),
        f"`refresh` of {_FULL} at {_MAX_LATENCY_MS} ms: at most 0.5 × the plain dynamic provider": _ratio(
            results, "plain", "refresh", 0.5
        ),
        "Memory of the plugin: at most that of the plain dynamic provider + 20 MB": _memory(results),
        "Inputs + outputs of a module in state: at most 2.2 × its JSON + 2 × `__provider` + 250 bytes": _state(results),
    }


def _of_fleets(fleets: Fleets) -> dict[str, Iterator[_Check]]:
    few, many = min(fleets.sizes), max(fleets.sizes)
    if few == many:
        return {}
    flat = f"in a fleet of {many}: at most {_MAX_FLEET_FACTOR} × that in one of {few}"
    same = f"in a fleet of {many}: no more than in one of {few}"
    return {
        f"Time of an installation {flat}": _flat(fleets, _MAX_FLEET_FACTOR, " s", lambda cell: cell.each),
        f"Memory of an installation that runs {flat}": _flat(fleets, _MAX_FLEET_FACTOR, " MB", fleets.memory_each),
        f"Requests of an installation {same}": _flat(fleets, 1.0, " requests", lambda cell: cell.requests / cell.installations),
    }


_DIGITS: Final = {" s": 2, " requests": 0, " ×": 2, " MB": 0, " bytes": 0}


def _share(figure: float, allowed: float) -> float:
    return figure / allowed if allowed else (0.0 if figure <= 0 else float("inf"))


def _pairs(results: Results, other: str, operations: tuple[Operation, ...]) -> Iterator[tuple[Cell, Cell, str]]:
    """The cells of this provider, each with that of another system."""
    return ((cell, counterpart, _cell_name(cell)) for cell, counterpart in results.pairs(OURS, other, operations))


def _cell_name(cell: Cell) -> str:
    return f"{cell.system.partition('-')[2]}, {cell.operation}, {cell.size} at {cell.latency} ms"


def _quiet(results: Results) -> Iterator[_Check]:
    for cell, baseline, where in _pairs(results, NO_OP, NO_CHANGE):
        yield where, cell.over(baseline), 0.25 + cell.size / 1000, " s"


def _quiet_at_any_latency(results: Results) -> Iterator[_Check]:
    """The median of all runs of an operation over all latencies, which is more precise."""
    runs: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for cell, baseline, where in _pairs(results, NO_OP, NO_CHANGE):
        runs[where.rpartition(" at ")[0], cell.size] += cell.each_over(baseline)
    if len(results.latencies) > 1:
        for (where, size), found in runs.items():
            yield where, statistics.median(found), 0.25 + size / 1000, " s"


def _no_requests(results: Results) -> Iterator[_Check]:
    for cell in results.cells:
        if cell.system in OURS and cell.operation in NO_CHANGE:
            yield _cell_name(cell), max(cell.requests), 0, " requests"


def _writes(results: Results) -> Iterator[_Check]:
    for cell, baseline, where in _pairs(results, NO_OP, _WRITES):
        if cell.size == _FULL and cell.latency >= _MIN_LATENCY_MS:
            yield where, cell.over(baseline), 1.15 * cell.size * cell.latency / 4000, " s"


def _refresh(results: Results) -> Iterator[_Check]:
    for cell, baseline, where in _pairs(results, NO_OP, ("refresh",)):
        if cell.size == _FULL and cell.latency == _MAX_LATENCY_MS:
            yield where, cell.over(baseline), 1.0, " s"


def _refresh_requests(results: Results) -> Iterator[_Check]:
    for cell in results.cells:
        if cell.system in OURS and cell.operation == "refresh":
            yield _cell_name(cell), max(cell.requests), 2, " requests"


def _ratio(results: Results, other: str, operation: Operation, allowed: float) -> Iterator[_Check]:
    for cell, counterpart, where in _pairs(results, other, (operation,)):
        if cell.size == _FULL and (cell.latency == _MAX_LATENCY_MS or operation == "up"):
            yield where, cell.ratio(counterpart), allowed, " ×"


def _memory(results: Results) -> Iterator[_Check]:
    for cell, plain, where in _pairs(results, "plain", OPERATIONS):
        if cell.memory and plain.memory:
            yield where, max(cell.memory), max(plain.memory) + 20, " MB"


def _state(results: Results) -> Iterator[_Check]:
    for system in OURS:
        found = results.modules.get(system)
        if found is not None:
            yield system.partition("-")[2], found.properties, 2.2 * found.content + 2 * found.provider + 250, " bytes"


def _flat(fleets: Fleets, factor: float, unit: str, figure: Callable[[FleetCell], float]) -> Iterator[_Check]:
    few, many = min(fleets.sizes), max(fleets.sizes)
    for operation in OPERATIONS_AT_SCALE:
        small, large = fleets.cell(few, operation), fleets.cell(many, operation)
        if small and large:
            yield f"{operation}, {many} compared with {few}", figure(large), factor * figure(small), unit
