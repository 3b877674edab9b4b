"""Cache of verified installations, in a file of the user: which credentials belong to which installation.

The Installation Details API accepts one request in five minutes, so a run uses what an earlier one has verified. The file holds
hashes, and no secret. A file that cannot be read, or that somebody else may have written, counts as empty.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

UNKNOWN_EXPIRY_S: Final = 3600.0
"""Seconds for which an entry is valid if the expiry of the token is not known."""

_FILE: Final = Path("pulumi-atlassian-forge") / "verified-installations.json"
_MAX_BYTES: Final = 262_144
_MAX_ENTRIES: Final = 200
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def cache_file() -> Path | None:
    """The file of this user, by ``XDG_CACHE_HOME`` or ``HOME``; None if neither names a folder."""
    folder, home = Path(os.environ.get("XDG_CACHE_HOME", "")), Path(os.environ.get("HOME", ""))
    if folder.is_absolute():  # the XDG specification ignores a relative one
        return folder / _FILE
    return home / ".cache" / _FILE if home.is_absolute() else None


class VerifiedInstallations:
    """The cache. Several processes may use it: one may lose the entry of another, which costs a request and nothing else."""

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock

    def get(self, fingerprint: str) -> str | None:
        """The installation that the credentials with this hash belong to; None if that is not known, or no longer."""
        found = self._read().get(fingerprint)
        return None if found is None else found[0]

    def record(self, fingerprint: str, installation: str, expires_at: float | None) -> None:
        """Record an installation until the token expires, in seconds since the epoch; None: that is not known."""
        if self._file is None:
            return
        until = self._clock() + UNKNOWN_EXPIRY_S if expires_at is None else expires_at
        entries = {**self._read(), fingerprint: (installation, until)}
        latest = sorted(entries.items(), key=lambda entry: entry[1][1])[-_MAX_ENTRIES:]
        values = {name: {"installation": named, "until": until} for name, (named, until) in latest}
        # Without a folder that can be written to, each run asks again.
        with contextlib.suppress(OSError):
            _write(self._file, json.dumps(values).encode())

    def _read(self) -> dict[str, tuple[str, float]]:
        """The entries that have not expired."""
        try:
            value = json.loads(b"" if self._file is None else _own_bytes(self._file))
        except (OSError, ValueError, RecursionError):
            return {}
        entries = value.items() if isinstance(value, dict) else ()
        read = {name: _entry(entry) for name, entry in entries}
        now = self._clock()
        return {name: entry for name, entry in read.items() if entry is not None and entry[1] > now}


def _entry(value: Any) -> tuple[str, float] | None:
    if not isinstance(value, dict):
        return None
    installation, until = value.get("installation"), value.get("until")
    if not isinstance(installation, str) or not isinstance(until, int | float) or isinstance(until, bool):
        return None
    return installation, float(until)


def _own_bytes(file: Path) -> bytes:
    """The content of a file that this user, and nobody else, can write to; raises OSError for another one."""
    _require_own(file.parent.stat())
    # A pipe in its place would block for ever, and a link may lead to a file of another program.
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        found = os.fstat(opened.fileno())
        _require_own(found)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is not a file")
        return opened.read(_MAX_BYTES)


def _require_own(found: os.stat_result) -> None:
    if found.st_uid != os.geteuid() or found.st_mode & _WRITABLE_BY_OTHERS:
        raise PermissionError("others can write to it")


def _write(file: Path, content: bytes) -> None:
    """Replace the file at one stroke, so that no other process reads half of it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_own(file.parent.stat())
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as opened:
            opened.write(content)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
