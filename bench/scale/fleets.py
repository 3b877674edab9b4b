"""What an installation costs in a fleet: `examples/fleet`, a stack for each, some at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bench.measure import Command, measure
from bench.server import Site
from bench.systems.system import PLUGIN, PLUGIN_PROCESS, RIVALS
from testing.fleet import FleetFolder

from .figures import FleetCell, Fleets, Operation
from .plan import ROW, Plan

_ARGUMENTS: Final[dict[Operation, list[str]]] = {
    "up": ["up"],
    "nothing to do": ["up"],
    "refresh": ["refresh"],
    "destroy": ["destroy", "--yes"],
}
_PARALLEL: Final = max(2, os.cpu_count() or 2)  # as the command's own default


def run(plan: Plan, step: Callable[[str], None], backend: Mapping[str, str] = MappingProxyType({})) -> Fleets:
    """Measure fleets of several sizes, in turn within each operation, so that noise hits all alike.

    Args:
        plan: What.
        step: Called before each command with what it is.
        backend: The variables by which Pulumi keeps its state elsewhere than in files.

    Raises:
        BenchError: A command failed, or did not do what it was to do.
    """
    fleets = Fleets(
        circumstances=plan.circumstances(),
        modules=plan.modules,
        latency=plan.latency,
        parallel=_PARALLEL,
        sizes=list(plan.sizes),
        cells=[],
    )
    fleets.cells.extend(plan.in_turn("a fleet", lambda root, sites: _Fleet(plan, root, sites, backend), step))
    return fleets


class _Fleet:
    """A fleet of one size, from its first `up` to its `destroy`."""

    def __init__(self, plan: Plan, root: Path, sites: Mapping[str, Site], backend: Mapping[str, str]) -> None:
        self._plan, self._sites = plan, sites
        program = (RIVALS / "ours" / "__main__.py").read_text("utf-8")
        self._folder = FleetFolder(root, program, sites, {"apiVersion": ROW.version}, backend)
        plan.declare(root / "program")

    @property
    def size(self) -> int:
        return len(self._sites)

    def measure(self, operation: Operation) -> FleetCell:
        root = self._folder.root
        command = Command(
            self._folder.command(*_ARGUMENTS[operation], "--json", f"--parallel={_PARALLEL}"),
            root,
            self._folder.environment,
            {PLUGIN: PLUGIN_PROCESS},
            limit=self._plan.patience(self.size),
        )
        taken = measure(command, root / "command.log", said=root / "command.json")
        requests = self._plan.requests(f"a fleet of {self.size}", operation, self._sites)
        said = json.loads((root / "command.json").read_text("utf-8"))
        return FleetCell(
            installations=self.size,
            operation=operation,
            wall=round(taken.wall, 3),
            cpu=round(taken.cpu, 2),
            memory=round(taken.memory, 1),
            plugin=round(taken.roles[PLUGIN].memory, 1),
            requests=requests,
            seconds=[installation["seconds"] for installation in said["installations"]],
        )
