"""Runs the matrix: every row in turn within each run of an operation, so that noise hits all alike."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from . import environment, workload
from .checkpoint import Checkpoint
from .errors import BenchError
from .measure import Taken, measure
from .results import Cell, ModuleBytes, Results, Time
from .server import Counted, Site, running
from .systems import ROWS
from .systems.system import PLUGIN, PROGRAM, Row, Stage
from .verification import require_work
from .workload import OPERATIONS, Operation


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        rows: The rows that were asked for; those that cannot be run here are left out with a word.
        sizes: Modules.
        latencies: Milliseconds.
        runs: Lives of a stack: each is one run of every operation.
        quiet_runs: Runs of each operation that leaves all as it was, at least one in each life: they cost no life of their own.
        operations: In the order of a stack's life.
        quick: What the results say of themselves.
    """

    rows: Sequence[Row]
    sizes: Sequence[int]
    latencies: Sequence[int]
    runs: int
    quiet_runs: int = 0
    operations: Sequence[Operation] = OPERATIONS
    quick: bool = False

    @property
    def steps(self) -> int:
        """Commands, counting those that a row does not have."""
        of_a_row = sum(self.times(operation, number) for operation in self.operations for number in range(self.runs))
        return len(self.runnable) * len(self.sizes) * len(self.latencies) * of_a_row

    def times(self, operation: Operation, number: int) -> int:
        """How often an operation runs in one life of the stack."""
        if operation not in workload.QUIET:
            return 1
        each, more = divmod(max(self.quiet_runs, self.runs), self.runs)
        return each + (number < more)

    @property
    def runnable(self) -> list[Row]:
        """The rows that can be run here."""
        return [row for row in self.rows if row.missing() is None]

    @property
    def software(self) -> dict[str, str]:
        """What they run besides Python's own packages."""
        return {name: version for row in self.runnable for name, version in row.software().items()}

    @property
    def left_out(self) -> dict[str, str]:
        """The others, and why."""
        return {row.name: why for row in self.rows if (why := row.missing()) is not None}


@dataclass
class _Entry:
    row: Row
    site: Site
    stage: Stage
    directory: Path


def run(
    plan: Plan,
    step: Callable[[str], None],
    checkpoint: Checkpoint = Checkpoint(None),  # noqa: B008 - frozen
    earlier: Results | None = None,
) -> Results:
    """Measure.

    Args:
        plan: What.
        step: Called before each command with what it is, and for each that an earlier run has measured.
        checkpoint: Where the figures are kept after each size and latency, and may go on from.
        earlier: Figures of the same plan that this run adds its own to.

    Raises:
        BenchError: A command failed, or did not do what it was to do; or the figures so far are of something else.
    """
    if not plan.runnable:
        raise BenchError("\n".join(f"{ROWS[name].title}: {why}" for name, why in plan.left_out.items()))
    fresh = Results(
        circumstances=environment.now(plan.software, quick=plan.quick),
        times=[Time(began=_moment(), runs=plan.runs, quiet_runs=max(plan.quiet_runs, plan.runs))],
        sizes=list(plan.sizes),
        latencies=list(plan.latencies),
        rows=[row.name for row in plan.runnable],
        operations=list(plan.operations),
        left_out=plan.left_out,
        modules={},
        cells=[],
    )
    if earlier is not None:
        earlier.refuse_to_add(fresh)
    results = checkpoint.start(fresh)
    measured = {(cell.size, cell.latency) for cell in results.cells}
    blocks = list(product(plan.sizes, plan.latencies))
    with running() as base_url:
        for size, latency in blocks:
            if (size, latency) in measured:
                for _ in range(plan.steps // len(blocks)):
                    step(f"{size} modules, {latency} ms: measured before")
                continue
            found = _Block(plan, results.modules, base_url, size, latency, step).measure()
            results.cells += [cell for cell in found if cell.wall]
            checkpoint.keep(results)
    return results if earlier is None else earlier.with_runs_of(results)


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class _Block:
    """All rows and operations at one size and latency."""

    def __init__(
        self,
        plan: Plan,
        modules: dict[str, ModuleBytes],
        base_url: str,
        size: int,
        latency: int,
        step: Callable[[str], None],
    ) -> None:
        self._plan, self._modules, self._base_url = plan, modules, base_url
        self._size, self._latency, self._step = size, latency, step
        self._cells = {
            (row.name, operation): Cell(row=row.name, size=size, latency=latency, operation=operation)
            for row in plan.runnable
            for operation in plan.operations
        }

    def measure(self) -> list[Cell]:
        for number in range(self._plan.runs):
            with ExitStack() as stack:
                entries = list(self._entries(stack))
                for operation in self._plan.operations:
                    for again in range(self._plan.times(operation, number)):
                        for entry in _turned(entries, number + again):
                            self._measure(entry, operation, number)
        return list(self._cells.values())

    def _entries(self, stack: ExitStack) -> Iterator[_Entry]:
        for row in self._plan.runnable:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
            site = Site(self._base_url, f"token-of-{row.name}")
            site.begin(self._latency / 1000, envelope=row.version == "v2")
            yield _Entry(row, site, row.stage(directory, site), directory)

    def _measure(self, entry: _Entry, operation: Operation, number: int) -> None:
        what = f"{entry.row.title}, {self._size} modules, {self._latency} ms, {operation}, run {number + 1}"
        self._step(what)
        workload.write(entry.directory, self._size, int(operation in workload.CHANGED))
        command = entry.stage.command(operation)
        if command is None:
            return
        taken = measure(command, entry.directory / "command.log")
        counted = entry.site.counted()
        if entry.row.speaks:
            require_work(what, operation, self._size, counted)
        self._record(self._cells[entry.row.name, operation], taken, counted, entry.stage.state_bytes())
        state = entry.stage.module_state() if operation == "up" else None
        if state is not None:
            self._modules[entry.row.name] = ModuleBytes(
                content=workload.content_bytes(), properties=state.properties, provider=state.provider
            )

    def _record(self, cell: Cell, taken: Taken, counted: Counted, state: int | None) -> None:
        cell.wall.append(round(taken.wall, 3))
        cell.cpu.append(round(taken.cpu, 2))
        cell.requests.append(counted.requests)
        cell.in_flight.append(counted.most_in_flight)
        plugin, program = taken.roles.get(PLUGIN), taken.roles.get(PROGRAM)
        if plugin is not None:
            cell.memory.append(round(plugin.memory, 1))
            cell.plugin_cpu.append(round(plugin.cpu, 2))
        if program is not None:
            cell.program_cpu.append(round(program.cpu, 2))
        if state is not None:
            cell.state.append(state)


def _turned(entries: list[_Entry], number: int) -> list[_Entry]:
    """Each run begins with another row: none is always the first after the last one's end."""
    at = number % len(entries)
    return entries[at:] + entries[:at]
