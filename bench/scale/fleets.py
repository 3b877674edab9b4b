"""Measures the cost of an installation in a fleet: `examples/fleet`, with a stack for each installation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bench.measure import Command, measure
from bench.server import Installation
from bench.systems.system import PLUGIN, PLUGIN_PROCESS, PROGRAMS
from testing.fleet import FleetFolder

from .figures import FleetCell, Fleets, Operation
from .plan import SYSTEM, Plan

_ARGUMENTS: Final[dict[Operation, list[str]]] = {
    "up": ["up"],
    "nothing to do": ["up"],
    "refresh": ["refresh"],
    "destroy": ["destroy", "--yes"],
}
_PARALLEL: Final = max(2, os.cpu_count() or 2)  # the default of the command


def run(plan: Plan, step: Callable[[str], None], backend: Mapping[str, str] = MappingProxyType({})) -> Fleets:
    """Measure fleets of several sizes, in turn within each operation, so that noise affects all of them.

    Args:
        plan: What to measure.
        step: Called with a description before each command.
        backend: Environment variables of another state backend than files.

    Raises:
        BenchError: A command failed or did not do its work.
    """
    fleets = Fleets(
        environment=plan.environment(),
        modules=plan.modules,
        latency=plan.latency,
        parallel=_PARALLEL,
        sizes=list(plan.sizes),
        cells=[],
    )
    fleets.cells.extend(
        plan.measure_in_turn("a fleet", lambda root, installations: _Fleet(plan, root, installations, backend), step)
    )
    return fleets


class _Fleet:
    """A fleet of one size, from its first `up` to its `destroy`."""

    def __init__(self, plan: Plan, root: Path, installations: Mapping[str, Installation], backend: Mapping[str, str]) -> None:
        self._plan, self._installations = plan, installations
        program = (PROGRAMS / "ours" / "__main__.py").read_text("utf-8")
        self._folder = FleetFolder(root, program, installations, {"apiVersion": SYSTEM.version}, backend)
        plan.declare(root / "program")

    @property
    def size(self) -> int:
        return len(self._installations)

    def measure(self, operation: Operation) -> FleetCell:
        root = self._folder.root
        command = Command(
            self._folder.command(*_ARGUMENTS[operation], "--json", f"--parallel={_PARALLEL}"),
            root,
            self._folder.environment,
            {PLUGIN: PLUGIN_PROCESS},
            limit=self._plan.time_limit(self.size),
        )
        measurement = measure(command, root / "command.log", stdout_file=root / "command.json")
        requests = self._plan.requests(f"a fleet of {self.size}", operation, self._installations)
        summary = json.loads((root / "command.json").read_text("utf-8"))
        return FleetCell(
            installations=self.size,
            operation=operation,
            wall=round(measurement.wall, 3),
            cpu=round(measurement.cpu, 2),
            memory=round(measurement.memory, 1),
            plugin=round(measurement.roles[PLUGIN].memory, 1),
            requests=requests,
            seconds=[installation["seconds"] for installation in summary["installations"]],
        )
