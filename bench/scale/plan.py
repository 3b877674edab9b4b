"""What is measured of something that grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import workload
from bench.circumstances import Circumstances, now
from bench.errors import BenchError
from bench.rows import ROWS
from bench.rows.ours import OursV2
from bench.server import Site

from .figures import OPERATIONS, Operation

ROW = ROWS[OursV2.name]
"""What is measured: this provider, under today's version of the API."""


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        sizes: Installations.
        modules: On each.
        latency: Milliseconds before each answer.
        operations: In the order of a stack's life.
        quick: What the figures say of themselves.
    """

    sizes: Sequence[int]
    modules: int
    latency: int
    operations: Sequence[Operation] = OPERATIONS
    quick: bool = False

    @property
    def steps(self) -> int:
        """Commands."""
        return len(self.sizes) * len(self.operations)

    def circumstances(self) -> Circumstances:
        """Those of a run that begins.

        Raises:
            BenchError: It cannot be run here.
        """
        lacking = ROW.missing()
        if lacking is not None:
            raise BenchError(lacking)
        return now(ROW.software(), quick=self.quick)

    def sites(self, base_url: str, size: int) -> Mapping[str, Site]:
        """Installations that have nothing yet, by name. Two sizes have no name in common, for their stacks may lie together."""
        found = {f"site{number}of{size}": Site(base_url, f"token-of-{size}-{number}") for number in range(size)}
        for site in found.values():
            site.begin(self.latency / 1000, envelope=True)
        return found

    def patience(self, size: int) -> float:
        """Seconds that a command on so many installations may take: far more than it needs on a machine with time for it."""
        return 600.0 + 60.0 * size

    def declare(self, directory: Path) -> None:
        """Write the modules of one installation where a program finds them."""
        workload.write(directory, self.modules, 0)
