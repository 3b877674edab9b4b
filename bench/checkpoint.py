"""What an interrupted run of the matrix has measured, so that the hour before was not in vain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError
from .files import put
from .results import Results


@dataclass(frozen=True)
class Checkpoint:
    """A file beside that of the figures, for as long as these are not whole.

    Attributes:
        path: The file; None where nothing is to be written.
        is_resumed: Whether a run goes on from it.
        options: Those with which the next run goes on from it.
    """

    path: Path | None
    is_resumed: bool = False
    options: str = "--resume"

    @classmethod
    def beside(cls, figures: Path | None, *, is_resumed: bool = False, is_added: bool = False) -> Checkpoint:
        """The one that belongs to a file of figures; what is to be added to them is never taken for all of them."""
        if is_added:
            return cls(figures and figures.with_suffix(".added.begun.json"), is_resumed, "--add --resume")
        return cls(figures and figures.with_suffix(".begun.json"), is_resumed)

    def start(self, fresh: Results) -> Results:
        """What a run begins with.

        Args:
            fresh: The results of this run, still empty.

        Raises:
            BenchError: It is to go on from a file that is not there, or is not of this plan on this machine; or it is to begin
                anew where such a file is.
        """
        if not self.is_resumed:
            if self.path is not None and self.path.exists():
                raise BenchError(
                    f"{self.path} has the figures of an interrupted run\n"
                    f"next: go on with it: {self.options}; or delete that file, and begin anew"
                )
            return fresh
        if self.path is None:
            raise BenchError("--resume: a run that writes no figures has kept none\nnext: name their file with --json")
        try:
            begun = Results.model_validate_json(self.path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise BenchError(f"--resume: {self.path} cannot be used: {error}\nnext: measure without --resume") from None
        found = begun.differences(fresh)
        if found:
            raise BenchError(
                f"--resume: {self.path} is of another plan, another machine or other software: {'; '.join(found)}\n"
                "next: give the options that it began with; or delete that file, and begin anew"
            )
        return begun.model_copy(update={"circumstances": fresh.circumstances.since(begun.circumstances.date)})

    def keep(self, results: Results) -> None:
        """Write what there is by now.

        Raises:
            BenchError: It cannot be written.
        """
        if self.path is not None:
            put(self.path, results.model_dump_json())

    def clear(self) -> None:
        """The figures are whole."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
