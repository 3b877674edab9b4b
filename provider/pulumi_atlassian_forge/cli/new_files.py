"""Writes files that do not exist yet: all of them whole, or none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from pulumi_atlassian_forge.errors import ForgeError

_NEXT = "next: remove it, or use --file and --program"


def require_new(paths: Iterable[Path]) -> None:
    """Check the paths before anything is read from a server; raises ForgeError if one of them cannot become a new file."""
    seen: set[str] = set()
    for path in paths:
        if os.path.lexists(path):  # a link that leads nowhere, too: its target is a file that nobody named
            raise _exists(path)
        if not path.parent.is_dir():
            raise ForgeError(f"the folder of {path} does not exist\nnext: create it, or use --file and --program", code="AF152")
        if (whole := os.path.realpath(path)) in seen:
            raise ForgeError(f"--file and --program are the same file: {path}\nnext: name two files", code="AF151")
        seen.add(whole)


def write_new(files: Mapping[Path, str]) -> None:
    """Write the files as UTF-8; raises ForgeError if one of them cannot be written, and then none is left.

    Each is written beside its place and moved there when it is whole, without replacing anything and without following a link. So
    a full disk or a kill leaves no part of a file under its name. Half a surrogate pair becomes an escape, as in a literal.
    """
    require_new(files)
    beside: dict[Path, Path] = {}
    placed: list[Path] = []
    path = Path()
    try:
        for path, text in files.items():
            beside[path] = path.parent / f".{secrets.token_hex(8)}.tmp"
            _write(beside[path], text.encode("utf-8", "backslashreplace"))
        for path, temporary in beside.items():
            _place(temporary, path)
            placed.append(path)
    except OSError as error:
        left = _remove(placed)
        if isinstance(error, FileExistsError):
            raise _exists(path) from None
        state = f"left: {', '.join(map(str, left))}" if left else "no file was written, and no module was changed"
        raise ForgeError(
            f"{path} cannot be written: {error.strerror or error}\n{state}\nnext: use --file and --program", code="AF152"
        ) from None
    except BaseException:  # interrupted
        _remove(placed)
        raise
    finally:
        _remove(beside.values())


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _place(temporary: Path, path: Path) -> None:
    """Give the file its name; raises FileExistsError if something has the name."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links; there a kill between the two steps leaves an empty file
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        try:
            temporary.replace(path)
        except OSError:
            path.unlink()
            raise


def _remove(paths: Iterable[Path]) -> list[Path]:
    """Remove files; those that are left."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    return [path for path in paths if os.path.lexists(path)]


def _exists(path: Path) -> ForgeError:
    return ForgeError(f"{path} exists already and is not overwritten\n{_NEXT}", code="AF151")
