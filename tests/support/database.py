"""Direct access to the emulator's database file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def registered_in(database: Path) -> list[str]:
    """The keys of all modules."""
    with closing(sqlite3.connect(database)) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM modules ORDER BY key")]
