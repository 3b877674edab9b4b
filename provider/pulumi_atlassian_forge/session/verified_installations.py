"""Cache of verified installations, in a folder of the user: which credentials belong to which installation.

The Installation Details API accepts one request in five minutes, so a run uses what an earlier one has verified. Each entry is a
file of its own, so that no two processes or installations overwrite the entry of the other. Its name is a hash, and it holds no
secret. A file that cannot be read, or that somebody else may have written, counts as missing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

UNKNOWN_EXPIRY_S: Final = 3600.0
"""Seconds for which an entry is valid if the expiry of the token is not known."""

_MAX_S: Final = 86_400.0  # of an entry: a system token is valid for four hours
_FOLDER: Final = Path("pulumi-atlassian-forge") / "verified-installations"
_MAX_BYTES: Final = 4096
_NAME: Final = re.compile(r"[0-9a-f]{64}\.json")  # of an entry: nothing else in the folder is ever removed
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path | None:
    """The folder of this user, by ``XDG_CACHE_HOME`` or ``HOME``; None if neither names an absolute path."""
    cache, home = Path(os.environ.get("XDG_CACHE_HOME", "")), Path(os.environ.get("HOME", ""))
    if cache.is_absolute():  # the XDG specification ignores a relative one
        return cache / _FOLDER
    return home / ".cache" / _FOLDER if home.is_absolute() else None


class VerifiedInstallations:
    """The cache, shared by any number of threads and processes. Without a folder it is empty."""

    def __init__(self, folder: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def get(self, fingerprint: str) -> str | None:
        """The installation that the credentials with this hash belong to; None if that is not known, or no longer."""
        return None if self._folder is None else self._read(_file(self._folder, fingerprint))

    def record(self, fingerprint: str, installation: str, expires_at: float | None) -> None:
        """Record an installation until the token expires, in seconds since the epoch; None: that is not known."""
        if self._folder is None:
            return
        now = self._clock()
        until = now + UNKNOWN_EXPIRY_S if expires_at is None else min(expires_at, now + _MAX_S)
        content = json.dumps({"installation": installation, "until": until}).encode()
        # Without a folder that can be written to, each run asks again.
        with contextlib.suppress(OSError):
            for folder in (self._folder.parent, self._folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _require_own_folder(self._folder)
            for file in self._folder.iterdir():
                if _NAME.fullmatch(file.name) and self._read(file) is None:
                    file.unlink(missing_ok=True)
            _write(_file(self._folder, fingerprint), content)

    def _read(self, file: Path) -> str | None:
        """The installation in a file; None if it holds none, or one that has expired."""
        try:
            value = json.loads(_own_bytes(file))
            installation, until = value["installation"], float(value["until"])
        except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None
        return installation if isinstance(installation, str) and until > self._clock() else None


def _file(folder: Path, fingerprint: str) -> Path:
    return folder / f"{fingerprint}.json"


def _own_bytes(file: Path) -> bytes:
    """The content of a file that this user, and nobody else, can write to; raises OSError for another one."""
    _require_own_folder(file.parent)
    # A pipe in its place would block for ever, and a link may lead to a file of another program.
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        found = os.fstat(opened.fileno())
        _require_own(found)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is not a file")
        return opened.read(_MAX_BYTES)


def _require_own_folder(folder: Path) -> None:
    """Raise OSError if another user can exchange the folder, or has put a link to any other of this user's in its place."""
    for one in (folder.parent, folder):
        if one.lstat().st_uid != os.geteuid():
            raise PermissionError("it belongs to another user")
        _require_own(one.stat())


def _require_own(found: os.stat_result) -> None:
    if found.st_uid != os.geteuid() or found.st_mode & _WRITABLE_BY_OTHERS:
        raise PermissionError("others can write to it")


def _write(file: Path, content: bytes) -> None:
    """Replace the file at one stroke, so that no other process reads half of it."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as opened:
            opened.write(content)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
