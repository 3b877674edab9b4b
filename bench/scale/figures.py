"""The figures of fleets and of stacks on many installations."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final, Literal, TypeVar, get_args

from pydantic import BaseModel

from bench.environment import Environment

Operation = Literal["up", "nothing to do", "refresh", "destroy"]

OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
"""The operations of the matrix that a lifecycle needs, in its order."""


class FleetCell(BaseModel):
    """One command on a fleet.

    Attributes:
        installations: Number of installations.
        operation: The operation on each.
        wall: Seconds of the command.
        cpu: CPU seconds of the command and all child processes.
        memory: Their peak memory together in megabytes (10^6 bytes); shared memory counts for each process.
        plugin: Megabytes of the largest plugin.
        requests: Requests to all installations.
        seconds: Duration of each installation, as the command reports it.
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
        """Seconds of one installation while others run at the same time."""
        return statistics.median(self.seconds)


class Fleets(BaseModel):
    """Fleets of several sizes.

    Attributes:
        environment: Date, machine and software.
        modules: Number of modules on each installation.
        latency: Milliseconds before each response.
        parallel: How many installations run at a time.
        sizes: Numbers of installations.
        cells: The figures.
    """

    environment: Environment
    modules: int
    latency: int
    parallel: int
    sizes: list[int]
    cells: list[FleetCell]

    def cell(self, installations: int, operation: Operation) -> FleetCell | None:
        """One cell; None if there is none."""
        return _found(self.cells, installations, operation)

    def memory_each(self, cell: FleetCell) -> float:
        """Megabytes for each installation that runs at a time."""
        return cell.memory / min(self.parallel, cell.installations)


class StackCell(BaseModel):
    """One command on a stack.

    Attributes:
        installations: Number of installations with modules.
        operation: The operation.
        wall: Seconds of the command.
        cpu: CPU seconds of the command and all child processes.
        engine: Peak memory of the Pulumi CLI in megabytes (10^6 bytes).
        plugin: Peak memory of the plugin in megabytes.
        written: Megabytes that the engine wrote: mostly state, and messages to other processes.
        requests: Requests to all installations.
        state: Size of the state file afterwards, in bytes.
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
    """Stacks on several numbers of installations.

    Attributes:
        environment: Date, machine and software.
        modules: Number of modules on each installation.
        latency: Milliseconds before each response.
        sizes: Numbers of installations.
        cells: The figures.
    """

    environment: Environment
    modules: int
    latency: int
    sizes: list[int]
    cells: list[StackCell]

    def cell(self, installations: int, operation: Operation) -> StackCell | None:
        """One cell; None if there is none."""
        return _found(self.cells, installations, operation)

    def relative_to_single(self, cell: StackCell) -> float | None:
        """Its time relative to that of sequential stacks of the smallest size with as many modules; None without that size."""
        single = self.cell(min(self.sizes), cell.operation)
        return cell.wall * single.installations / (cell.installations * single.wall) if single else None

    def written_relative_to_single(self, cell: StackCell) -> float | None:
        """Written bytes for each module relative to the smallest size; None without that size."""
        single = self.cell(min(self.sizes), cell.operation)
        return cell.written * single.installations / (cell.installations * single.written) if single else None

    @property
    def largest_efficient_size(self) -> int:
        """The largest size up to which no operation takes longer than in stacks of the smallest size."""
        slower = [cell.installations for cell in self.cells if (self.relative_to_single(cell) or 0.0) > 1]
        return max(size for size in self.sizes if size < min(slower, default=max(self.sizes) + 1))


_Cell = TypeVar("_Cell", FleetCell, StackCell)


def _found(cells: Sequence[_Cell], installations: int, operation: Operation) -> _Cell | None:
    wanted = (installations, operation)
    return next((cell for cell in cells if (cell.installations, cell.operation) == wanted), None)
