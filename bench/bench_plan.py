"""All parts of the benchmark, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import matrix
from .checkpoint import Checkpoint
from .document import Document, load
from .errors import BenchError
from .results import Results
from .scale import fleets, stacks
from .scale.plan import Plan as ScalePlan


@dataclass(frozen=True)
class Whole:
    """What to measure; a part that is None is left out.

    Attributes:
        matrix: Rows, sizes, latencies and operations.
        fleets: What an installation costs in fleets.
        stacks: Stacks on several installations.
        earlier: Figures of the matrix that this one adds its runs to.
    """

    matrix: matrix.Plan | None
    fleets: ScalePlan | None
    stacks: ScalePlan | None
    earlier: Results | None = None

    @property
    def steps(self) -> int:
        """Commands."""
        return sum(plan.steps for plan in (self.matrix, self.fleets, self.stacks) if plan is not None)

    def before(self, path: Path | None) -> Document:
        """What the parts are put into: until one is measured it stays as it stands in the file.

        Args:
            path: The file that is to be written; None where there is none.

        Raises:
            BenchError: It is there and none of ours, and has parts that are not measured now.
        """
        if path is None or not path.exists():
            return Document(version=2)
        try:
            return load(path)
        except BenchError:
            if None in (self.matrix, self.fleets, self.stacks):
                raise
            return Document(version=2)

    def measured(self, step: Callable[[str], None], checkpoint: Checkpoint) -> Iterator[Document]:
        """Measure what is not left out: a document for each part.

        Args:
            step: Called before each command with what it is.
            checkpoint: Where an interrupted matrix is kept, and may go on from.

        Raises:
            BenchError: A command failed, or did not do what it was to do.
        """
        if self.matrix:
            yield Document(version=2, matrix=matrix.run(self.matrix, step, checkpoint, self.earlier))
        if self.fleets:
            yield Document(version=2, fleets=fleets.run(self.fleets, step))
        if self.stacks:
            yield Document(version=2, stacks=stacks.run(self.stacks, step))
