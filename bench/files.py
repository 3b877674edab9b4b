"""Files that are whole or are not there: a full disk or a kill leaves the one of before."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from .errors import BenchError

_SUFFIX: Final = ".json"
_TAKEN: Final = "scale"  # its page would be that of the reckoning


def put(path: Path, text: str) -> None:
    """Write a text file in the place of the one that is there.

    Raises:
        BenchError: It cannot be written.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise BenchError(
            f"{path} cannot be written: {error.strerror}\nnext: mend that, or name another file with --json"
        ) from None


def require_place(figures: Path) -> None:
    """See that figures, pages and charts can be written, before anything is measured.

    Raises:
        BenchError: They cannot.
    """
    if figures.suffix != _SUFFIX or figures.stem == _TAKEN:
        raise BenchError(
            f"--json: {str(figures)!r} is no name for the figures: they go into a file …{_SUFFIX}, and the pages beside it "
            f"(its name with .md, and {_TAKEN}.md)\nnext: name it, for example, figures{_SUFFIX}"
        )
    charts = figures.with_suffix("")
    for path in (figures, figures.with_suffix(".md")):
        if path.is_dir():
            raise BenchError(f"--json: {path} is a folder\nnext: name another file")
    probe = charts / ".probe"
    try:
        there = charts.is_dir()
        put(probe, "")
        probe.unlink()
        if not there:
            charts.rmdir()
    except BenchError as error:
        raise BenchError(f"--json: {error}") from None
