"""Checkpoint of an interrupted run of the matrix, from which a later run resumes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError
from .files import write_atomically
from .results import Results


@dataclass(frozen=True)
class Checkpoint:
    """A file next to that of the figures, which exists until the figures are complete.

    Attributes:
        path: The file; None if nothing is written.
        is_resumed: Whether this run resumes from it.
        options: The options with which the next run resumes from it.
    """

    path: Path | None
    is_resumed: bool = False
    options: str = "--resume"

    @classmethod
    def next_to(cls, figures: Path | None, *, is_resumed: bool = False, is_added: bool = False) -> Checkpoint:
        """The checkpoint of a file of figures. Runs for ``--add`` have a separate one."""
        if is_added:
            return cls(figures and figures.with_suffix(".added.begun.json"), is_resumed, "--add --resume")
        return cls(figures and figures.with_suffix(".begun.json"), is_resumed)

    def start(self, fresh: Results) -> Results:
        """The results that a run starts with.

        Args:
            fresh: The empty results of this run.

        Raises:
            BenchError: There is no checkpoint to resume from, or it is of another plan, machine or software; or there is a
                checkpoint, and this run does not resume from it.
        """
        if not self.is_resumed:
            if self.path is not None and self.path.exists():
                raise BenchError(
                    f"{self.path} has the figures of an interrupted run\nnext: resume it with {self.options}, or delete that file"
                )
            return fresh
        if self.path is None:
            raise BenchError("--resume: without a file of figures there is no checkpoint\nnext: name their file with --json")
        try:
            begun = Results.model_validate_json(self.path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise BenchError(f"--resume: {self.path} cannot be used: {error}\nnext: measure without --resume") from None
        found = begun.differences(fresh)
        if found:
            raise BenchError(
                f"--resume: {self.path} is of another plan, another machine or other software: {'; '.join(found)}\n"
                "next: pass the options of the interrupted run, or delete that file"
            )
        return begun.model_copy(update={"environment": fresh.environment.since(begun.environment.date)})

    def keep(self, results: Results) -> None:
        """Write the results so far.

        Raises:
            BenchError: The file cannot be written.
        """
        if self.path is not None:
            write_atomically(self.path, results.model_dump_json())

    def clear(self) -> None:
        """Delete the checkpoint, because the figures are complete."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
