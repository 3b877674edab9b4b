"""What is measured of something that grows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from bench import workload
from bench.environment import Circumstances, now
from bench.errors import BenchError
from bench.server import Site, running
from bench.systems import ROWS
from bench.systems.ours import OursV2
from bench.verification import require_work

from .figures import OPERATIONS, Operation

ROW = ROWS[OursV2.name]
"""What is measured: this provider, under today's version of the API."""


_Cell_co = TypeVar("_Cell_co", covariant=True)


class Grown(Protocol[_Cell_co]):
    """Something of one size, from its first `up` to its `destroy`."""

    def measure(self, operation: Operation) -> _Cell_co:
        """Do it, and see to it that it was done."""


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

    def in_turn(
        self, kind: str, make: Callable[[Path, Mapping[str, Site]], Grown[_Cell_co]], step: Callable[[str], None]
    ) -> Iterator[_Cell_co]:
        """Measure one of each size, in turn within each operation, so that noise hits all alike.

        Args:
            kind: What it is.
            make: Makes one in a directory that is not there yet, on its installations.
            step: Called before each command with what it is.

        Raises:
            BenchError: A command failed, or did not do what it was to do.
        """
        with running() as base_url, tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory:
            made = {size: make(Path(directory) / f"of-{size}", self._sites(base_url, size)) for size in self.sizes}
            for operation in self.operations:
                for size, one in made.items():
                    step(f"{kind}, {size} installations of {self.modules} modules, {operation}")
                    yield one.measure(operation)

    def _sites(self, base_url: str, size: int) -> Mapping[str, Site]:
        """Installations that have nothing yet, by name. Two sizes have no name in common, for their stacks may lie together."""
        found = {f"site{number}of{size}": Site(base_url, f"token-of-{size}-{number}") for number in range(size)}
        for site in found.values():
            site.begin(self.latency / 1000, envelope=True)
        return found

    def requests(self, what: str, operation: Operation, sites: Mapping[str, Site]) -> int:
        """What all installations have seen of an operation.

        Raises:
            BenchError: It was not done on each.
        """
        seen = {name: site.counted() for name, site in sites.items()}
        for name, counted in seen.items():
            require_work(f"{what}, {name}, {operation}", operation, self.modules, counted)
        return sum(counted.requests for counted in seen.values())

    def patience(self, size: int) -> float:
        """Seconds that a command on so many installations may take: far more than it needs on a machine with time for it."""
        return 600.0 + 60.0 * size

    def declare(self, directory: Path) -> None:
        """Write the modules of one installation where a program finds them."""
        workload.write(directory, self.modules, 0)
