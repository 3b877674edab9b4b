"""Checks of the permissions of the broker's files."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class PermissionsError(Exception):
    """Other users can use a file that they must not. The message names the fix."""


def require_private(path: Path, forbidden: int = 0o077) -> None:
    """Check who else can use a file.

    Args:
        path: The file; a missing one is not checked.
        forbidden: The bits of the mode that it must not have.

    Raises:
        PermissionsError: It has one of them, or belongs to another user than this one and root.
    """
    try:
        found = path.stat()
    except OSError:
        return  # whoever reads it reports that
    if found.st_uid not in {0, os.geteuid()}:
        raise PermissionsError(f"{path} belongs to another user (uid {found.st_uid}): copy it to a file of your own")
    mode = stat.S_IMODE(found.st_mode)
    if mode & forbidden:
        fix = f"chmod {mode & ~forbidden:04o} {path}"
        raise PermissionsError(
            f"other users can use {path}: its mode is {mode:04o}; run {fix}, and replace what they may have read"
        )
