"""What an interrupted run of the matrix has measured, so that the hour before was not in vain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError
from .results import Results


@dataclass(frozen=True)
class Checkpoint:
    """A file beside that of the figures, for as long as these are not whole.

    Attributes:
        path: The file; None where nothing is to be written.
        is_resumed: Whether a run goes on from it.
    """

    path: Path | None
    is_resumed: bool = False

    @classmethod
    def beside(cls, figures: Path | None, *, is_resumed: bool = False) -> Checkpoint:
        """The one that belongs to a file of figures."""
        return cls(figures and figures.with_suffix(".begun.json"), is_resumed)

    def start(self, fresh: Results) -> Results:
        """What a run begins with.

        Args:
            fresh: The results of this run, still empty.

        Raises:
            BenchError: It is to go on from a file that is not there, or is not of this plan on this machine.
        """
        if not self.is_resumed:
            return fresh
        if self.path is None:
            raise BenchError("--resume: a run that writes no figures has kept none\nnext: name their file with --json")
        try:
            begun = Results.model_validate_json(self.path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise BenchError(f"--resume: {self.path} cannot be used: {error}\nnext: measure without --resume") from None
        if begun.plan() != fresh.plan():
            raise BenchError(
                f"--resume: {self.path} is of another plan, another machine or other software\nnext: measure without --resume"
            )
        return begun

    def keep(self, results: Results) -> None:
        """Write what there is by now."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            whole = self.path.with_suffix(".new")
            whole.write_text(results.model_dump_json(), encoding="utf-8")
            whole.replace(self.path)

    def clear(self) -> None:
        """The figures are whole."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
