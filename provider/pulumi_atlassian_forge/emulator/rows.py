"""The SQLite tables of the emulator, and the queries on them inside one transaction."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final, Literal

from pulumi_atlassian_forge.model.content import canonical_json

Data = dict[str, Any]
Content = tuple[str, Data]
"""A module's type and data, without ``data.key``."""

Kind = Literal["app", "user"]

SCHEMA: Final = (
    "CREATE TABLE installations (name TEXT PRIMARY KEY)",
    "CREATE TABLE tokens (sha256 TEXT PRIMARY KEY, installation TEXT NOT NULL, kind TEXT NOT NULL, expires_at REAL)",
    """CREATE TABLE modules (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, installation TEXT NOT NULL, version TEXT NOT NULL, key TEXT NOT NULL,
        type TEXT NOT NULL, data TEXT NOT NULL, before TEXT, changed_at REAL NOT NULL, UNIQUE (installation, version, key)
    )""",
)
"""``before`` is the content until ``changed_at``, for reads that lag behind writes (A27)."""

_MODULES: Final = "SELECT seq, key, type, data, before, changed_at FROM modules WHERE installation = ? AND version = ?"


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its installation, its kind and its expiry."""

    installation: str
    kind: str
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Module:
    """A registered module. ``before`` is None if there was none before the last change."""

    seq: int
    key: str
    content: Content
    before: Content | None
    changed_at: float


class Rows:
    """The tables, inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_installation(self, name: str) -> None:
        """Add an installation, unless it exists."""
        self._connection.execute("INSERT OR IGNORE INTO installations (name) VALUES (?)", (name,))

    def has_installation(self, name: str) -> bool:
        """Whether an installation exists."""
        return self._connection.execute("SELECT 1 FROM installations WHERE name = ?", (name,)).fetchone() is not None

    def add_token(self, token: str, installation: str, *, kind: Kind = "app", expires_at: float | None = None) -> None:
        """Add a token, or replace the properties of one that exists. Only its hash is kept; a user's token is always refused."""
        self.add_installation(installation)
        row = (_sha256(token), installation, kind, expires_at)
        self._connection.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)", row)

    def token(self, token: str) -> Token | None:
        """A token, or None."""
        query = "SELECT installation, kind, expires_at FROM tokens WHERE sha256 = ?"
        row = self._connection.execute(query, (_sha256(token),)).fetchone()
        return Token(*row) if row else None

    def modules(self, installation: str, version: str) -> list[Module]:
        """All modules of an installation under one version of the API, oldest first."""
        rows = self._connection.execute(f"{_MODULES} ORDER BY seq", (installation, version))
        return [_module(row) for row in rows]

    def module(self, installation: str, version: str, key: str) -> Module | None:
        """One module, or None."""
        row = self._connection.execute(f"{_MODULES} AND key = ?", (installation, version, key)).fetchone()
        return _module(row) if row else None

    def count(self, installation: str, version: str | None) -> int:
        """How many modules an installation has, under one version or under all."""
        query = "SELECT count(*) FROM modules WHERE installation = ? AND (? IS NULL OR version = ?)"
        return int(self._connection.execute(query, (installation, version, version)).fetchone()[0])

    def seconds_until_details(self, installation: str, interval_s: float, now: float) -> float:
        """Seconds until the details of an installation may be requested again; 0 or less: now, and the time is recorded."""
        # Not in the schema: a file of an earlier version has no such table.
        self._connection.execute("CREATE TABLE IF NOT EXISTS details_requests (installation TEXT PRIMARY KEY, at REAL NOT NULL)")
        row = self._connection.execute("SELECT at FROM details_requests WHERE installation = ?", (installation,)).fetchone()
        left = float(row[0]) + interval_s - now if row else 0.0
        if not 0 < left <= interval_s:  # also if the clock was set back
            self._connection.execute("INSERT OR REPLACE INTO details_requests VALUES (?, ?)", (installation, now))
            return 0.0
        return left

    def add_module(self, installation: str, version: str, key: str, content: Content, now: float) -> None:
        """Add a module whose key does not exist yet."""
        row = (installation, version, key, content[0], canonical_json(content[1]), now)
        insert = "INSERT INTO modules (installation, version, key, type, data, changed_at) VALUES (?, ?, ?, ?, ?, ?)"
        self._connection.execute(insert, row)

    def replace_module(self, module: Module, content: Content, before: Content | None, now: float) -> None:
        """Replace the content of a module; ``before`` is the content that reads return while they lag."""
        row = (content[0], canonical_json(content[1]), None if before is None else canonical_json(before), now, module.seq)
        self._connection.execute("UPDATE modules SET type = ?, data = ?, before = ?, changed_at = ? WHERE seq = ?", row)

    def delete_module(self, module: Module) -> None:
        """Delete a module."""
        self._connection.execute("DELETE FROM modules WHERE seq = ?", (module.seq,))


def _module(row: tuple[int, str, str, str, str | None, float]) -> Module:
    seq, key, type_, data, before, changed_at = row
    return Module(seq, key, (type_, json.loads(data)), None if before is None else tuple(json.loads(before)), changed_at)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
