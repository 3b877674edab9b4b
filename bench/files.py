"""Atomic writes: after a full disk or a kill the previous file is unchanged."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from .errors import BenchError

_SUFFIX: Final = ".json"
_RESERVED_STEM: Final = "scale"  # its page would be that of the capacity estimate


def write_atomically(path: Path, text: str) -> None:
    """Write or replace a text file.

    Raises:
        BenchError: The file cannot be written.
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
            f"{path} cannot be written: {error.strerror}\nnext: fix the cause, or name another file with --json"
        ) from None


def require_writable(figures: Path) -> None:
    """Verify before measuring that figures, pages and charts can be written.

    Raises:
        BenchError: A file cannot be written.
    """
    if figures.suffix != _SUFFIX or figures.stem == _RESERVED_STEM:
        raise BenchError(
            f"--json: {str(figures)!r} is no valid file of figures: it must end in {_SUFFIX}, with the pages next to it "
            f"(with .md, and {_RESERVED_STEM}.md)\nnext: use another name, for example figures{_SUFFIX}"
        )
    charts = figures.with_suffix("")
    for path in (figures, figures.with_suffix(".md")):
        if path.is_dir():
            raise BenchError(f"--json: {path} is a directory\nnext: name another file")
    probe = charts / ".probe"
    try:
        existed = charts.is_dir()
        write_atomically(probe, "")
        probe.unlink()
        if not existed:
            charts.rmdir()
    except BenchError as error:
        raise BenchError(f"--json: {error}") from None
