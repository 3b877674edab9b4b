"""Measures stacks on many installations: one program that declares modules on each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from bench.measure import measure
from bench.server import Installation
from bench.systems.system import ENGINE, PLUGIN, PROGRAMS, PreparedPulumiSystem, with_stack

from .figures import Operation, StackCell, Stacks
from .plan import SYSTEM, Plan


def run(plan: Plan, step: Callable[[str], None]) -> Stacks:
    """Measure one stack for each number of installations.

    Args:
        plan: What to measure.
        step: Called with a description before each command.

    Raises:
        BenchError: A command failed or did not do its work.
    """
    stacks = Stacks(environment=plan.environment(), modules=plan.modules, latency=plan.latency, sizes=list(plan.sizes), cells=[])
    stacks.cells.extend(plan.measure_in_turn("a stack", lambda root, installations: _Stack(plan, root, installations), step))
    return stacks


class _Stack:
    """A stack of one size, from its first `up` to its `destroy`."""

    def __init__(self, plan: Plan, root: Path, installations: Mapping[str, Installation]) -> None:
        self._plan, self._installations, self._log = plan, installations, root / "command.log"
        shutil.copytree(PROGRAMS / "many_installations", root)
        plan.declare(root)
        entries = {
            name: {"baseUrl": installation.base_url, "apiVersion": SYSTEM.version} for name, installation in installations.items()
        }
        (root / "forge-installations.yaml").write_text(yaml.safe_dump({"installations": entries}), "utf-8")
        tokens = {f"ATLASSIAN_FORGE_{name.upper()}_TOKEN": installation.token for name, installation in installations.items()}
        self._prepared = PreparedPulumiSystem(with_stack(root, tokens, SYSTEM.title))

    @property
    def size(self) -> int:
        return len(self._installations)

    def measure(self, operation: Operation) -> StackCell:
        measurement = measure(replace(self._prepared.command(operation), limit=self._plan.time_limit(self.size)), self._log)
        requests = self._plan.requests(f"a stack on {self.size}", operation, self._installations)
        return StackCell(
            installations=self.size,
            operation=operation,
            wall=round(measurement.wall, 3),
            cpu=round(measurement.cpu, 2),
            engine=round(measurement.roles[ENGINE].memory, 1),
            plugin=round(measurement.roles[PLUGIN].memory, 1),
            written=round(measurement.roles[ENGINE].written, 2),
            requests=requests,
            state=self._prepared.state_bytes(),
        )
