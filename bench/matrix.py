"""Runs the matrix. Within each run of an operation all systems run in turn, so that noise affects all of them."""

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
from .measure import Measurement, measure
from .results import Cell, ModuleBytes, Results, Session
from .server import Installation, RequestCounts, run_server
from .systems import SYSTEMS
from .systems.system import PLUGIN, PROGRAM, PreparedSystem, System
from .verification import verify_work
from .workload import OPERATIONS, Operation


@dataclass(frozen=True)
class MatrixPlan:
    """What to measure.

    Attributes:
        systems: The requested systems; those that cannot run here are skipped with a message.
        sizes: Numbers of modules.
        latencies: Milliseconds.
        runs: Lifecycles of a stack; in each of them every operation runs once.
        no_change_runs: Runs of each operation without changes. They are spread over the lifecycles, at least one in each.
        operations: In the order of a stack's lifecycle.
        quick: Whether it is ``--quick``.
    """

    systems: Sequence[System]
    sizes: Sequence[int]
    latencies: Sequence[int]
    runs: int
    no_change_runs: int = 0
    operations: Sequence[Operation] = OPERATIONS
    quick: bool = False

    @property
    def steps(self) -> int:
        """Number of commands, including those that a system does not have."""
        for_one_system = sum(self.repetitions(operation, number) for operation in self.operations for number in range(self.runs))
        return len(self.runnable) * len(self.sizes) * len(self.latencies) * for_one_system

    def repetitions(self, operation: Operation, number: int) -> int:
        """How often an operation runs in one lifecycle of the stack."""
        if operation not in workload.NO_CHANGE:
            return 1
        each, more = divmod(max(self.no_change_runs, self.runs), self.runs)
        return each + (number < more)

    @property
    def runnable(self) -> list[System]:
        """The systems that can run here."""
        return [system for system in self.systems if system.missing() is None]

    @property
    def software(self) -> dict[str, str]:
        """Versions of their software besides Python packages."""
        return {name: version for system in self.runnable for name, version in system.software().items()}

    @property
    def skipped(self) -> dict[str, str]:
        """The systems that cannot run here, with the reason."""
        return {system.name: why for system in self.systems if (why := system.missing()) is not None}


@dataclass
class _Entry:
    system: System
    installation: Installation
    prepared: PreparedSystem
    directory: Path


def run(
    plan: MatrixPlan,
    step: Callable[[str], None],
    checkpoint: Checkpoint = Checkpoint(None),  # noqa: B008 - frozen
    earlier: Results | None = None,
) -> Results:
    """Measure the matrix.

    Args:
        plan: What to measure.
        step: Called with a description before each command, and for each command that is in the checkpoint already.
        checkpoint: Where the figures are saved after each size and latency, and from where the run may resume.
        earlier: Figures of the same plan, to which this run adds its own.

    Raises:
        BenchError: A command failed or did not do its work, or the earlier figures are of another plan.
    """
    if not plan.runnable:
        raise BenchError("\n".join(f"{SYSTEMS[name].title}: {why}" for name, why in plan.skipped.items()))
    fresh = Results(
        environment=environment.now(plan.software, quick=plan.quick),
        sessions=[Session(began=_utc_now(), runs=plan.runs, no_change_runs=max(plan.no_change_runs, plan.runs))],
        sizes=list(plan.sizes),
        latencies=list(plan.latencies),
        systems=[system.name for system in plan.runnable],
        operations=list(plan.operations),
        skipped=plan.skipped,
        modules={},
        cells=[],
    )
    if earlier is not None:
        earlier.require_addable(fresh)
    results = checkpoint.start(fresh)
    measured = {(cell.size, cell.latency) for cell in results.cells}
    blocks = list(product(plan.sizes, plan.latencies))
    with run_server() as base_url:
        for size, latency in blocks:
            if (size, latency) in measured:
                for _ in range(plan.steps // len(blocks)):
                    step(f"{size} modules, {latency} ms: measured before")
                continue
            found = _Block(plan, results.modules, base_url, size, latency, step).measure()
            results.cells += [cell for cell in found if cell.wall]
            checkpoint.keep(results)
    return results if earlier is None else earlier.with_runs_of(results)


def _utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class _Block:
    """The measurement of all systems and operations at one size and latency."""

    def __init__(
        self,
        plan: MatrixPlan,
        modules: dict[str, ModuleBytes],
        base_url: str,
        size: int,
        latency: int,
        step: Callable[[str], None],
    ) -> None:
        self._plan, self._modules, self._base_url = plan, modules, base_url
        self._size, self._latency, self._step = size, latency, step
        self._cells = {
            (system.name, operation): Cell(system=system.name, size=size, latency=latency, operation=operation)
            for system in plan.runnable
            for operation in plan.operations
        }

    def measure(self) -> list[Cell]:
        for number in range(self._plan.runs):
            with ExitStack() as stack:
                entries = list(self._entries(stack))
                for operation in self._plan.operations:
                    for again in range(self._plan.repetitions(operation, number)):
                        for entry in _rotated(entries, number + again):
                            self._measure(entry, operation, number)
        return list(self._cells.values())

    def _entries(self, stack: ExitStack) -> Iterator[_Entry]:
        for system in self._plan.runnable:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
            installation = Installation(self._base_url, f"token-of-{system.name}")
            installation.reset(self._latency / 1000, envelope=system.version == "v2")
            yield _Entry(system, installation, system.prepare(directory, installation), directory)

    def _measure(self, entry: _Entry, operation: Operation, number: int) -> None:
        what = f"{entry.system.title}, {self._size} modules, {self._latency} ms, {operation}, run {number + 1}"
        self._step(what)
        workload.write(entry.directory, self._size, int(operation in workload.CHANGED))
        command = entry.prepared.command(operation)
        if command is None:
            return
        measurement = measure(command, entry.directory / "command.log")
        counted = entry.installation.read_counts()
        if entry.system.sends_requests:
            verify_work(what, operation, self._size, counted)
        self._record(self._cells[entry.system.name, operation], measurement, counted, entry.prepared.state_bytes())
        state = entry.prepared.module_state() if operation == "up" else None
        if state is not None:
            self._modules[entry.system.name] = ModuleBytes(
                content=workload.content_bytes(), properties=state.properties, provider=state.provider
            )

    def _record(self, cell: Cell, measurement: Measurement, counted: RequestCounts, state: int | None) -> None:
        cell.wall.append(round(measurement.wall, 3))
        cell.cpu.append(round(measurement.cpu, 2))
        cell.requests.append(counted.requests)
        cell.in_flight.append(counted.most_in_flight)
        plugin, program = measurement.roles.get(PLUGIN), measurement.roles.get(PROGRAM)
        if plugin is not None:
            cell.memory.append(round(plugin.memory, 1))
            cell.plugin_cpu.append(round(plugin.cpu, 2))
        if program is not None:
            cell.program_cpu.append(round(program.cpu, 2))
        if state is not None:
            cell.state.append(state)


def _rotated(entries: list[_Entry], number: int) -> list[_Entry]:
    """Rotate the order, so that each run starts with another system."""
    at = number % len(entries)
    return entries[at:] + entries[:at]
