"""The plan for measuring fleets and stacks of several sizes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from bench import workload
from bench.environment import Environment, now
from bench.errors import BenchError
from bench.server import Installation, run_server
from bench.systems import SYSTEMS
from bench.systems.ours import OursV2
from bench.verification import verify_work

from .figures import OPERATIONS, Operation

SYSTEM = SYSTEMS[OursV2.name]
"""The measured system: this provider with the current version of the API."""


_Cell_co = TypeVar("_Cell_co", covariant=True)


class Measurable(Protocol[_Cell_co]):
    """A fleet or stack of one size, from its first `up` to its `destroy`."""

    def measure(self, operation: Operation) -> _Cell_co:
        """Run the operation, measure it and verify that it did its work."""


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        sizes: Numbers of installations.
        modules: Number of modules on each.
        latency: Milliseconds before each response.
        operations: In the order of a stack's lifecycle.
        quick: Whether it is ``--quick``.
    """

    sizes: Sequence[int]
    modules: int
    latency: int
    operations: Sequence[Operation] = OPERATIONS
    quick: bool = False

    @property
    def steps(self) -> int:
        """Number of commands."""
        return len(self.sizes) * len(self.operations)

    def environment(self) -> Environment:
        """The environment of the current run.

        Raises:
            BenchError: The system cannot run here.
        """
        lacking = SYSTEM.missing()
        if lacking is not None:
            raise BenchError(lacking)
        return now(SYSTEM.software(), quick=self.quick)

    def measure_in_turn(
        self, kind: str, make: Callable[[Path, Mapping[str, Installation]], Measurable[_Cell_co]], step: Callable[[str], None]
    ) -> Iterator[_Cell_co]:
        """Measure each size, in turn within each operation, so that noise affects all of them.

        Args:
            kind: A fleet or a stack, for messages.
            make: Creates one in a new directory, on its installations.
            step: Called with a description before each command.

        Raises:
            BenchError: A command failed or did not do its work.
        """
        with run_server() as base_url, tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory:
            made = {size: make(Path(directory) / f"of-{size}", self._installations(base_url, size)) for size in self.sizes}
            for operation in self.operations:
                for size, one in made.items():
                    step(f"{kind}, {size} installations of {self.modules} modules, {operation}")
                    yield one.measure(operation)

    def _installations(self, base_url: str, size: int) -> Mapping[str, Installation]:
        """New installations by name. The names of two sizes differ, because their stacks may share a backend."""
        found = {f"inst{number}of{size}": Installation(base_url, f"token-of-{size}-{number}") for number in range(size)}
        for installation in found.values():
            installation.reset(self.latency / 1000, envelope=True)
        return found

    def requests(self, what: str, operation: Operation, installations: Mapping[str, Installation]) -> int:
        """The requests of an operation to all installations.

        Raises:
            BenchError: The work was not done on each installation.
        """
        seen = {name: installation.read_counts() for name, installation in installations.items()}
        for name, counted in seen.items():
            verify_work(f"{what}, {name}, {operation}", operation, self.modules, counted)
        return sum(counted.requests for counted in seen.values())

    def time_limit(self, size: int) -> float:
        """The time limit of a command on a number of installations in seconds, far above the usual time."""
        return 600.0 + 60.0 * size

    def declare(self, directory: Path) -> None:
        """Write the file with the modules of one installation."""
        workload.write(directory, self.modules, 0)
