"""The plan of a run of the benchmark, and the measurement of its parts."""

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
class BenchPlan:
    """What to measure; a part that is None is skipped.

    Attributes:
        matrix: Systems, sizes, latencies and operations.
        fleets: Fleets of several sizes.
        stacks: Stacks on several installations.
        earlier: Figures of the matrix to which this run adds.
    """

    matrix: matrix.MatrixPlan | None
    fleets: ScalePlan | None
    stacks: ScalePlan | None
    earlier: Results | None = None

    @property
    def steps(self) -> int:
        """Number of commands."""
        return sum(plan.steps for plan in (self.matrix, self.fleets, self.stacks) if plan is not None)

    def before(self, path: Path | None) -> Document:
        """The document before the run. A part that is not measured keeps its figures in the file.

        Args:
            path: The file to write; None if there is none.

        Raises:
            BenchError: The file has another format, and not all parts are measured.
        """
        if path is None or not path.exists():
            return Document(version=3)
        try:
            return load(path)
        except BenchError:
            if None in (self.matrix, self.fleets, self.stacks):
                raise
            return Document(version=3)

    def measured(self, step: Callable[[str], None], checkpoint: Checkpoint) -> Iterator[Document]:
        """Measure the parts; yields a document for each part.

        Args:
            step: Called with a description before each command.
            checkpoint: The checkpoint of the matrix.

        Raises:
            BenchError: A command failed or did not do its work.
        """
        if self.matrix:
            yield Document(version=3, matrix=matrix.run(self.matrix, step, checkpoint, self.earlier))
        if self.fleets:
            yield Document(version=3, fleets=fleets.run(self.fleets, step))
        if self.stacks:
            yield Document(version=3, stacks=stacks.run(self.stacks, step))
