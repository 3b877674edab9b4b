"""The figures of the matrix."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, model_validator

from .environment import Circumstances
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

    def part(self, begin: int, end: int) -> Cell:
        """Some of its runs; a figure that was not taken in each run has none, since nothing tells which they are of."""
        lists = {name: getattr(self, name) for name in _FIGURES}
        return self.model_copy(
            update={name: found[begin:end] if len(found) == len(self.wall) else [] for name, found in lists.items()}
        )

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


class Time(BaseModel):
    """One time at which the command ran, and how many runs each cell has of it.

    Attributes:
        began: Date and time, UTC (ISO 8601).
        runs: Runs of each cell.
        quiet_runs: Runs of each cell of an operation that changes nothing.
    """

    began: str
    runs: int
    quiet_runs: int

    def of(self, operation: Operation) -> int:
        """How many runs a cell of an operation has of it."""
        return self.quiet_runs if operation in QUIET else self.runs


class Results(BaseModel):
    """The matrix, of one time or of several.

    Attributes:
        circumstances: When, on what and with what.
        times: When the runs were taken, in the order of the figures in each cell.
        sizes: Modules.
        latencies: Milliseconds.
        rows: The names of the rows, in the order of the tables.
        operations: In the order of a stack's life; a file that does not say so has all.
        left_out: Rows that could not be run, and why.
        modules: By row, after the largest ``up``.
        cells: The figures.
    """

    circumstances: Circumstances
    times: list[Time]
    sizes: list[int]
    latencies: list[int]
    rows: list[str]
    operations: list[Operation] = list(OPERATIONS)
    left_out: dict[str, str]
    modules: dict[str, ModuleBytes]
    cells: list[Cell]

    @model_validator(mode="before")
    @classmethod
    def _read_one_time(cls, data: Any) -> Any:
        """A file of before `--add` has the numbers of runs alone."""
        if not isinstance(data, dict) or "times" in data:
            return data
        return {**data, "times": [{"began": "", "runs": data.get("runs"), "quiet_runs": data.get("quiet_runs")}]}

    def cell(self, row: str, size: int, latency: int, operation: Operation) -> Cell | None:
        """One cell; None where there is none."""
        wanted = (row, size, latency, operation)
        return next((cell for cell in self.cells if (cell.row, cell.size, cell.latency, cell.operation) == wanted), None)

    def beside(self, row: str, cell: Cell) -> Cell | None:
        """Another row's cell of the same size, latency and operation; None where there is none."""
        return self.cell(row, cell.size, cell.latency, cell.operation)

    def pairs(self, rows: Sequence[str], other: str, operations: Sequence[Operation]) -> Iterator[tuple[Cell, Cell]]:
        """The cells of some rows and operations, each with another row's, where that has one."""
        for cell in self.cells:
            if cell.row in rows and cell.operation in operations:
                found = self.beside(other, cell)
                if found is not None:
                    yield cell, found

    def runs_of(self, operation: Operation) -> int:
        """How many figures a cell of an operation has."""
        return sum(time.of(operation) for time in self.times)

    def each_time(self) -> Iterator[Results]:
        """The runs of each time by themselves; what a module takes in state is not of a run."""
        for number, time in enumerate(self.times):
            cells = []
            for cell in self.cells:
                begin = sum(earlier.of(cell.operation) for earlier in self.times[:number])
                cells.append(cell.part(begin, begin + time.of(cell.operation)))
            yield self.model_copy(update={"times": [time], "modules": {}, "cells": cells})

    def differences(self, other: Results, *, runs: bool = True) -> list[str]:
        """What is not the same in two plans, or in where and with what they ran; the day and the order of rows play no part.

        Args:
            other: The other one.
            runs: Whether both have to have as many runs.
        """
        own, others = self._plan(runs=runs), other._plan(runs=runs)
        names = sorted(own.keys() | others.keys())
        return [
            f"{name}: {own.get(name, 'none')} there, {others.get(name, 'none')} here"
            for name in names
            if own.get(name) != others.get(name)
        ]

    def _plan(self, *, runs: bool) -> dict[str, object]:
        machine = self.circumstances.model_dump(exclude={"date", "software"})
        plan = self.model_dump(include={"sizes", "latencies", "operations"})
        counted = {"runs": [(time.runs, time.quiet_runs) for time in self.times]} if runs else {}
        return {**machine, **self.circumstances.software, **plan, "rows": sorted(self.rows), **counted}

    def refuse_to_add(self, later: Results) -> None:
        """See that runs of another time can stand beside these; how many runs each has plays no part.

        Raises:
            BenchError: They are of another plan, another machine or other software, or are here already.
        """
        found = self.differences(later, runs=False)
        if found:
            raise BenchError(
                f"--add: the figures so far are of another plan, another machine or other software: {'; '.join(found)}\n"
                "next: measure without --add"
            )
        again = [time.began for time in later.times if time.began in [earlier.began for earlier in self.times]]
        if again:
            raise BenchError(
                f"--add: the runs that began at {again[0]} are among the figures already\n"
                "next: delete what an interrupted --add has left (….added.begun.json beside the figures)"
            )

    def with_runs_of(self, later: Results) -> Results:
        """These runs and those of another time, in its order of rows; run by run, a row stays beside the others of its time.

        Raises:
            BenchError: They are of another plan, another machine or other software, or are here already.
        """
        self.refuse_to_add(later)
        cells = [earlier.with_runs_of(cell) for cell in later.cells if (earlier := self.beside(cell.row, cell)) is not None]
        circumstances = later.circumstances.since(self.circumstances.date)
        return later.model_copy(update={"circumstances": circumstances, "times": self.times + later.times, "cells": cells})
