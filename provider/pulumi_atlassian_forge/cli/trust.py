"""Whose files ``forge-modules`` reads without being told to: a project is found from the current folder upwards.

A Pulumi.yaml or a ``forge-installations.yaml`` names programs that are started and addresses that tokens are sent to, and a
virtual environment is a program. Pulumi uses them for an ``up``, which a user runs on purpose; a command that only reads is run
more lightly, also in a folder below one that everybody can write to. So what another user can change is not used.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pulumi_atlassian_forge.config.installations_file import project_file
from pulumi_atlassian_forge.config.settings import FILE, PREFIX
from pulumi_atlassian_forge.errors import ForgeError

VARIABLE: Final = f"{PREFIX}TRUST_PROJECT"


def distrusted(*paths: Path) -> str | None:
    """Why one of these files and folders, and the folder that each is in, is not used; None if all are.

    One that does not exist is left to whoever opens it.
    """
    if os.environ.get(VARIABLE, "").lower() in {"1", "true"}:
        return None
    for path in dict.fromkeys(_with_folders(paths)):
        try:
            found = path.stat()
        except OSError:
            continue
        if found.st_uid not in {0, os.geteuid()}:
            return f"{path} belongs to another user, {_name_of(found.st_uid)}"
        if found.st_mode & stat.S_IWOTH:
            return f"everybody can write to {path}"
    return None


def require_trusted_project(directory: Path) -> None:
    """Raise a :class:`ForgeError` if another user can change the project that a directory belongs to, or its installations."""
    file = project_file(directory)
    filed = (file.parent if file is not None else directory) / FILE
    files = [filed] if file is None else [file, filed, *file.parent.glob("Pulumi.*")]
    reason = distrusted(*(path for path in files if path.exists()))
    if reason is not None:
        raise ForgeError(
            f"the project {file or filed} is not read, because another user can change it\n{reason}\n"
            "nothing in it was read or started\n"
            f"next: work in a folder of your own; if you trust it, as in a container of CI: {VARIABLE}=1",
            code="AF502",
        )


def _with_folders(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        yield path
        yield path.parent
        yield path.resolve().parent


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
