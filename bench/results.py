"""The figures of the matrix."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final, Literal, get_args

from pydantic import BaseModel

from .circumstances import Circumstances
from .errors import BenchError
from .workload import OPERATIONS, QUIET, Operation

Figure = Literal["wall", "requests", "in_flight", "memory", "plugin_cpu", "program_cpu", "cpu", "state"]

_FIGURES: Final[tuple[Figure, ...]] = get_args(Figure)


class Cell(BaseModel):
    """One operation of one row at one size and latency: a list of figures, one for each run.

    Attributes:
        row: The row's name.
        size: Modules.
        latency: Milliseconds before each answer.
        operation: The operation.
        wall: Seconds.
        requests: Requests that the server saw.
        in_flight: Requests under way at once, at most.
        memory: Megabytes (10^6 bytes) of the process that speaks to the API, at its peak.
        plugin_cpu: Processor seconds of that process.
        program_cpu: Processor seconds of the process that runs the user's program.
        cpu: Processor seconds of the command and all processes below it.
        state: Bytes of the state's file afterwards.
    """

    row: str
    size: int
    latency: int
    operation: Operation
    wall: list[float] = []
    requests: list[int] = []
    in_flight: list[int] = []
    memory: list[float] = []
    plugin_cpu: list[float] = []
    program_cpu: list[float] = []
    cpu: list[float] = []
    state: list[int] = []

    def median(self, figure: Figure) -> float | None:
        """The median of a figure; None where it was not taken."""
        values: Sequence[float] = getattr(self, figure)
        return statistics.median(values) if values else None

    def with_runs_of(self, later: Cell) -> Cell:
        """This one, with the runs of another at the end of each list."""
        return self.model_copy(update={name: getattr(self, name) + getattr(later, name) for name in _FIGURES})

    def ratio(self, floor: Cell) -> float:
        """The median of the ratios of its times to those of another cell, run by run."""
        return statistics.median(own / other for own, other in zip(self.wall, floor.wall, strict=True))

    def over(self, floor: Cell) -> float:
        """The median of the seconds that it took more than another cell, run by run."""
        return statistics.median(self.each_over(floor))

    def each_over(self, floor: Cell) -> list[float]:
        """The seconds that it took more than another cell, run by run."""
        return [own - other for own, other in zip(self.wall, floor.wall, strict=True)]


class ModuleBytes(BaseModel):
    """What one module takes in a row's state, in bytes of compact JSON: the mean of all.

    Attributes:
        content: Its type and data, as they are declared.
        properties: Its inputs and outputs.
        provider: ``__provider``, which is in both.
    """

    content: float
    properties: float
    provider: float


class Results(BaseModel):
    """A run of the matrix.

    Attributes:
        circumstances: When, on what and with what.
        runs: Runs of each cell.
        quiet_runs: Runs of each cell of an operation that changes nothing.
        sizes: Modules.
        latencies: Milliseconds.
        rows: The names of the rows, in the order of the tables.
        operations: In the order of a stack's life; a file that does not say so has all.
        left_out: Rows that could not be run, and why.
        modules: By row, after the largest ``up``.
        cells: The figures.
    """

    circumstances: Circumstances
    runs: int
    quiet_runs: int
    sizes: list[int]
    latencies: list[int]
    rows: list[str]
    operations: list[Operation] = list(OPERATIONS)
    left_out: dict[str, str]
    modules: dict[str, ModuleBytes]
    cells: list[Cell]

    def cell(self, row: str, size: int, latency: int, operation: Operation) -> Cell | None:
        """One cell; None where there is none."""
        wanted = (row, size, latency, operation)
        return next((cell for cell in self.cells if (cell.row, cell.size, cell.latency, cell.operation) == wanted), None)

    def runs_of(self, operation: Operation) -> int:
        """How many figures a cell of an operation has."""
        return self.quiet_runs if operation in QUIET else self.runs

    def plan(self) -> Results:
        """What two runs of one plan on one machine have in common: all but the day, the figures and the order of the rows."""
        undated = self.circumstances.model_copy(update={"date": ""})
        return self.model_copy(update={"circumstances": undated, "rows": sorted(self.rows), "modules": {}, "cells": []})

    def refuse_to_add(self, later: Results) -> None:
        """See that runs of another time can stand beside these; how many runs each has plays no part.

        Raises:
            BenchError: They are of another plan, another machine or other software.
        """
        same_runs = later.model_copy(update={"runs": self.runs, "quiet_runs": self.quiet_runs})
        if self.plan() != same_runs.plan():
            raise BenchError(
                "--add: the figures so far are of another plan, another machine or other software\nnext: measure without --add"
            )

    def with_runs_of(self, later: Results) -> Results:
        """These runs and those of another time, in its order of rows; run by run, a row stays beside the others of its time.

        Raises:
            BenchError: They are of another plan, another machine or other software.
        """
        self.refuse_to_add(later)
        cells = [
            earlier.with_runs_of(cell)
            for cell in later.cells
            if (earlier := self.cell(cell.row, cell.size, cell.latency, cell.operation)) is not None
        ]
        day, last = self.circumstances.date, later.circumstances.date
        circumstances = later.circumstances.model_copy(update={"date": day if day.endswith(last) else f"{day} and {last}"})
        runs, quiet_runs = self.runs + later.runs, self.quiet_runs + later.quiet_runs
        return later.model_copy(update={"circumstances": circumstances, "runs": runs, "quiet_runs": quiet_runs, "cells": cells})
