"""The figures of the matrix."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Final, Literal, get_args

from pydantic import BaseModel

from .environment import Environment
from .errors import BenchError
from .workload import NO_CHANGE, Operation

Figure = Literal["wall", "requests", "in_flight", "memory", "plugin_cpu", "program_cpu", "cpu", "state"]

_FIGURES: Final[tuple[Figure, ...]] = get_args(Figure)


class Cell(BaseModel):
    """One operation of one system at one size and latency: lists with one figure for each run.

    Attributes:
        system: The system's name.
        size: Number of modules.
        latency: Milliseconds before each response.
        operation: The operation.
        wall: Seconds.
        requests: Requests that the server received.
        in_flight: Maximum of concurrent requests.
        memory: Peak memory of the process that sends the requests, in megabytes (10^6 bytes).
        plugin_cpu: CPU seconds of that process.
        program_cpu: CPU seconds of the process that runs the user's program.
        cpu: CPU seconds of the command and all child processes.
        state: Size of the state file afterwards, in bytes.
    """

    system: str
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
        """The median of a figure; None if it was not measured."""
        values: Sequence[float] = getattr(self, figure)
        return statistics.median(values) if values else None

    def with_runs_of(self, later: Cell) -> Cell:
        """This cell with the runs of another one appended."""
        return self.model_copy(update={name: getattr(self, name) + getattr(later, name) for name in _FIGURES})

    def part(self, begin: int, end: int) -> Cell:
        """A slice of its runs. A figure that was not measured in each run is left out, because its runs are unknown."""
        lists = {name: getattr(self, name) for name in _FIGURES}
        return self.model_copy(
            update={name: found[begin:end] if len(found) == len(self.wall) else [] for name, found in lists.items()}
        )

    def ratio(self, baseline: Cell) -> float:
        """The median of the ratios to another cell, run by run."""
        return statistics.median(own / other for own, other in zip(self.wall, baseline.wall, strict=True))

    def over(self, baseline: Cell) -> float:
        """The median of the differences to another cell in seconds, run by run."""
        return statistics.median(self.each_over(baseline))

    def each_over(self, baseline: Cell) -> list[float]:
        """The differences to another cell in seconds, run by run."""
        return [own - other for own, other in zip(self.wall, baseline.wall, strict=True)]


class ModuleBytes(BaseModel):
    """Mean size of one module in a system's state, in bytes of compact JSON.

    Attributes:
        content: The declared type and data.
        properties: The inputs and outputs.
        provider: ``__provider``, which is in both.
    """

    content: float
    properties: float
    provider: float


class Session(BaseModel):
    """One session of measuring, and the number of its runs in each cell.

    Attributes:
        began: Date and time, UTC (ISO 8601).
        runs: Runs of each cell.
        no_change_runs: Runs of each cell of an operation without changes.
    """

    began: str
    runs: int
    no_change_runs: int

    def runs_of(self, operation: Operation) -> int:
        """The number of its runs in a cell of an operation."""
        return self.no_change_runs if operation in NO_CHANGE else self.runs


class Results(BaseModel):
    """The matrix, of one or several sessions.

    Attributes:
        environment: Date, machine and software.
        sessions: In the order of the figures in each cell.
        sizes: Numbers of modules.
        latencies: Milliseconds.
        systems: The names of the systems, in the order of the tables.
        operations: In the order of a stack's lifecycle.
        skipped: Systems that could not run, with the reason.
        modules: Sizes in state by system, after the largest ``up``.
        cells: The figures.
    """

    environment: Environment
    sessions: list[Session]
    sizes: list[int]
    latencies: list[int]
    systems: list[str]
    operations: list[Operation]
    skipped: dict[str, str]
    modules: dict[str, ModuleBytes]
    cells: list[Cell]

    def cell(self, system: str, size: int, latency: int, operation: Operation) -> Cell | None:
        """One cell; None if there is none."""
        wanted = (system, size, latency, operation)
        return next((cell for cell in self.cells if (cell.system, cell.size, cell.latency, cell.operation) == wanted), None)

    def counterpart(self, system: str, cell: Cell) -> Cell | None:
        """The cell of another system with the same size, latency and operation; None if there is none."""
        return self.cell(system, cell.size, cell.latency, cell.operation)

    def pairs(self, systems: Sequence[str], other: str, operations: Sequence[Operation]) -> Iterator[tuple[Cell, Cell]]:
        """The cells of some systems and operations, each with that of another system, if it has one."""
        for cell in self.cells:
            if cell.system in systems and cell.operation in operations:
                found = self.counterpart(other, cell)
                if found is not None:
                    yield cell, found

    def runs_of(self, operation: Operation) -> int:
        """The number of runs in a cell of an operation."""
        return sum(session.runs_of(operation) for session in self.sessions)

    def by_session(self) -> Iterator[Results]:
        """The results of each session separately, without the sizes in state, which belong to no session."""
        for number, session in enumerate(self.sessions):
            cells = []
            for cell in self.cells:
                begin = sum(earlier.runs_of(cell.operation) for earlier in self.sessions[:number])
                cells.append(cell.part(begin, begin + session.runs_of(cell.operation)))
            yield self.model_copy(update={"sessions": [session], "modules": {}, "cells": cells})

    def differences(self, other: Results, *, runs: bool = True) -> list[str]:
        """The differences in plan, machine and software; the date and the order of systems are ignored.

        Args:
            other: The other results.
            runs: Whether to compare the numbers of runs.
        """
        own, others = self._plan(runs=runs), other._plan(runs=runs)
        names = sorted(own.keys() | others.keys())
        return [
            f"{name}: {own.get(name, 'none')} there, {others.get(name, 'none')} here"
            for name in names
            if own.get(name) != others.get(name)
        ]

    def _plan(self, *, runs: bool) -> dict[str, object]:
        machine = self.environment.model_dump(exclude={"date", "software"})
        plan = self.model_dump(include={"sizes", "latencies", "operations"})
        counted = {"runs": [(session.runs, session.no_change_runs) for session in self.sessions]} if runs else {}
        return {**machine, **self.environment.software, **plan, "systems": sorted(self.systems), **counted}

    def require_addable(self, later: Results) -> None:
        """Require that the runs of another session can be added; the numbers of runs may differ.

        Raises:
            BenchError: They are of another plan, machine or software, or were added before.
        """
        found = self.differences(later, runs=False)
        if found:
            raise BenchError(
                f"--add: the figures so far are of another plan, another machine or other software: {'; '.join(found)}\n"
                "next: measure without --add"
            )
        again = [session.began for session in later.sessions if session.began in [earlier.began for earlier in self.sessions]]
        if again:
            raise BenchError(
                f"--add: the runs that began at {again[0]} were added before\n"
                "next: delete the checkpoint of an interrupted --add (….added.begun.json)"
            )

    def with_runs_of(self, later: Results) -> Results:
        """These results with the runs of a later session appended, in its order of systems.

        Raises:
            BenchError: The runs are of another plan, machine or software, or were added before.
        """
        self.require_addable(later)
        cells = [
            earlier.with_runs_of(cell) for cell in later.cells if (earlier := self.counterpart(cell.system, cell)) is not None
        ]
        environment = later.environment.since(self.environment.date)
        return later.model_copy(update={"environment": environment, "sessions": self.sessions + later.sessions, "cells": cells})
