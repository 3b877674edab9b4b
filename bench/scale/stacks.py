"""How large a stack may sensibly be: one program that declares on many installations."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from bench.measure import measure
from bench.server import Site
from bench.systems.system import ENGINE, PLUGIN, RIVALS, PulumiStage, with_stack

from .figures import Operation, StackCell, Stacks
from .plan import ROW, Plan


def run(plan: Plan, step: Callable[[str], None]) -> Stacks:
    """Measure one stack for each number of installations.

    Args:
        plan: What.
        step: Called before each command with what it is.

    Raises:
        BenchError: A command failed, or did not do what it was to do.
    """
    stacks = Stacks(
        circumstances=plan.circumstances(), modules=plan.modules, latency=plan.latency, sizes=list(plan.sizes), cells=[]
    )
    stacks.cells.extend(plan.in_turn("a stack", lambda root, sites: _Stack(plan, root, sites), step))
    return stacks


class _Stack:
    """A stack of one size, from its first `up` to its `destroy`."""

    def __init__(self, plan: Plan, root: Path, sites: Mapping[str, Site]) -> None:
        self._plan, self._sites, self._log = plan, sites, root / "command.log"
        shutil.copytree(RIVALS / "many_installations", root)
        plan.declare(root)
        entries = {name: {"baseUrl": site.base_url, "apiVersion": ROW.version} for name, site in sites.items()}
        (root / "forge-installations.yaml").write_text(yaml.safe_dump({"installations": entries}), "utf-8")
        tokens = {f"ATLASSIAN_FORGE_{name.upper()}_TOKEN": site.token for name, site in sites.items()}
        self._stage = PulumiStage(with_stack(root, tokens, ROW.title))

    @property
    def size(self) -> int:
        return len(self._sites)

    def measure(self, operation: Operation) -> StackCell:
        taken = measure(replace(self._stage.command(operation), limit=self._plan.patience(self.size)), self._log)
        requests = self._plan.requests(f"a stack on {self.size}", operation, self._sites)
        return StackCell(
            installations=self.size,
            operation=operation,
            wall=round(taken.wall, 3),
            cpu=round(taken.cpu, 2),
            engine=round(taken.roles[ENGINE].memory, 1),
            plugin=round(taken.roles[PLUGIN].memory, 1),
            written=round(taken.roles[ENGINE].written, 2),
            requests=requests,
            state=self._stage.state_bytes(),
        )
