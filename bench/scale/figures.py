"""The figures of fleets and of stacks on many installations."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final, Literal, TypeVar, get_args

from pydantic import BaseModel

from bench.environment import Circumstances

Operation = Literal["up", "nothing to do", "refresh", "destroy"]

OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
"""Those of the matrix that a whole life needs, in its order."""


class FleetCell(BaseModel):
    """One command on a fleet.

    Attributes:
        installations: How many it has.
        operation: What was done on each.
        wall: Seconds of the command.
        cpu: Processor seconds of the command and all processes below it.
        memory: Megabytes (10^6 bytes) that they had at once, at most; what they share counts for each.
        plugin: Megabytes of the largest plugin.
        requests: Requests that all installations saw.
        seconds: Of each installation, from its start to its end, as the command says.
    """

    installations: int
    operation: Operation
    wall: float
    cpu: float
    memory: float
    plugin: float
    requests: int
    seconds: list[float]

    @property
    def each(self) -> float:
        """Seconds of the command for each installation."""
        return self.wall / self.installations

    @property
    def median(self) -> float:
        """Seconds of an installation, beside those that run at the same time."""
        return statistics.median(self.seconds)


class Fleets(BaseModel):
    """Fleets of several sizes.

    Attributes:
        circumstances: When, on what and with what.
        modules: On each installation.
        latency: Milliseconds before each answer.
        parallel: How many installations run at a time.
        sizes: Installations.
        cells: The figures.
    """

    circumstances: Circumstances
    modules: int
    latency: int
    parallel: int
    sizes: list[int]
    cells: list[FleetCell]

    def cell(self, installations: int, operation: Operation) -> FleetCell | None:
        """One cell; None where there is none."""
        return _found(self.cells, installations, operation)

    def memory_each(self, cell: FleetCell) -> float:
        """Megabytes for each installation that runs at a time."""
        return cell.memory / min(self.parallel, cell.installations)


class StackCell(BaseModel):
    """One command on a stack.

    Attributes:
        installations: How many it declares modules on.
        operation: What was done.
        wall: Seconds of the command.
        cpu: Processor seconds of the command and all processes below it.
        engine: Megabytes (10^6 bytes) of the Pulumi CLI, at its peak.
        plugin: Megabytes of the plugin, at its peak.
        written: Megabytes that the engine wrote: its state above all, and what it tells the other processes.
        requests: Requests that all installations saw.
        state: Bytes of the state's file afterwards.
    """

    installations: int
    operation: Operation
    wall: float
    cpu: float
    engine: float
    plugin: float
    written: float
    requests: int
    state: int


class Stacks(BaseModel):
    """One stack each, on several numbers of installations.

    Attributes:
        circumstances: When, on what and with what.
        modules: On each installation.
        latency: Milliseconds before each answer.
        sizes: Installations.
        cells: The figures.
    """

    circumstances: Circumstances
    modules: int
    latency: int
    sizes: list[int]
    cells: list[StackCell]

    def cell(self, installations: int, operation: Operation) -> StackCell | None:
        """One cell; None where there is none."""
        return _found(self.cells, installations, operation)

    def beside_single(self, cell: StackCell) -> float | None:
        """Its time, as a part of what its modules take in stacks of the smallest size, one after the other; None without that."""
        single = self.cell(min(self.sizes), cell.operation)
        return cell.wall * single.installations / (cell.installations * single.wall) if single else None

    def written_beside_single(self, cell: StackCell) -> float | None:
        """What the engine wrote for each module, beside the smallest size; None without that."""
        single = self.cell(min(self.sizes), cell.operation)
        return cell.written * single.installations / (cell.installations * single.written) if single else None

    @property
    def sensible(self) -> int:
        """The largest size up to which no operation takes longer than in stacks of the smallest."""
        slower = [cell.installations for cell in self.cells if (self.beside_single(cell) or 0.0) > 1]
        return max(size for size in self.sizes if size < min(slower, default=max(self.sizes) + 1))


_Cell = TypeVar("_Cell", FleetCell, StackCell)


def _found(cells: Sequence[_Cell], installations: int, operation: Operation) -> _Cell | None:
    wanted = (installations, operation)
    return next((cell for cell in cells if (cell.installations, cell.operation) == wanted), None)
