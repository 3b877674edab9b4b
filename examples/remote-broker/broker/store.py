"""The newest token of each installation, on SQLite, encrypted."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tokens (installation TEXT PRIMARY KEY, expires_at REAL NOT NULL, sealed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS calls (mark TEXT PRIMARY KEY, expires_at REAL NOT NULL) STRICT;
"""
_KEPT_AFTER: Final = 60.0  # seconds after its end; a call that arrives later than that is refused as expired anyway


class StoreError(Exception):
    """The keys or the database cannot be used. The text says what to do."""


@dataclass(frozen=True)
class Stored:
    """A token as it is sealed. The installation is inside: a row that somebody moves to another one does not open there.

    Attributes:
        installation: Its ARI.
        token: The system token.
        expires_at: In seconds since 1970.
    """

    installation: str
    token: str = field(repr=False)
    expires_at: float


def load_keys(path: Path) -> MultiFernet:
    """Read the keys: one a line, the first one encrypts, all decrypt. Empty lines and lines with # are left out.

    Raises:
        StoreError: The file cannot be read, or holds something else.
    """
    try:
        lines = [line.strip() for line in path.read_text("ascii").splitlines()]
        return MultiFernet([Fernet(line) for line in lines if line and not line.startswith("#")])
    except OSError as error:
        raise StoreError(f"the keys {path} cannot be read: {error.strerror}; make one with: python -m broker new-key") from None
    except ValueError:
        raise StoreError(f"the keys {path} are not one Fernet key a line; make one with: python -m broker new-key") from None


class Store:
    """Safe for threads and for several processes.

    Args:
        path: The database; made for the owner's eyes only.
        keys: What seals a token.
    """

    def __init__(self, path: Path, keys: MultiFernet) -> None:
        self._path = path
        self._keys = keys
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(self._connect()) as database:
                database.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the database {path} cannot be used: {error}") from None

    def put(self, new: Stored, mark: str, mark_expires_at: float, now: float) -> str:
        """Keep a token, if it is the newest, and forget what is over.

        Args:
            new: The token.
            mark: Of the call that brought it: a call counts once, whatever it brings the second time.
            mark_expires_at: When nobody accepts that call any more.
            now: Seconds since 1970.

        Returns:
            `stored`, `repeated` (the call was here before) or `older` (the kept one lives longer).
        """
        with self._writing() as database:
            database.execute("DELETE FROM calls WHERE expires_at < ?", (now - _KEPT_AFTER,))
            database.execute("DELETE FROM tokens WHERE expires_at < ?", (now,))
            once = database.execute("INSERT OR IGNORE INTO calls VALUES (?, ?)", (mark, mark_expires_at))
            if once.rowcount == 0:
                return "repeated"
            kept = self._open(database, new.installation)
            if kept is not None and kept.expires_at > new.expires_at:
                return "older"
            sealed = self._keys.encrypt(json.dumps(asdict(new)).encode())
            row = (new.installation, new.expires_at, sealed)
            database.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", row)
            return "stored"

    def get(self, installation: str) -> Stored | None:
        """The kept token, whether it is over or not; None where there is none, or none that the keys open."""
        with closing(self._connect()) as database:
            return self._open(database, installation)

    def reseal(self) -> int:
        """Seal every token with the first key, so that the others can go.

        Returns:
            How many tokens no key opens. They are left alone: the keys may be the mistake, and the next call replaces them.
        """
        unopened = 0
        with self._writing() as database:
            for installation, sealed in database.execute("SELECT installation, sealed FROM tokens").fetchall():
                try:
                    again = self._keys.rotate(sealed)
                except InvalidToken:
                    unopened += 1
                else:
                    database.execute("UPDATE tokens SET sealed = ? WHERE installation = ?", (again, installation))
        return unopened

    def _open(self, database: sqlite3.Connection, installation: str) -> Stored | None:
        row = database.execute("SELECT sealed FROM tokens WHERE installation = ?", (installation,)).fetchone()
        try:
            found = Stored(**json.loads(self._keys.decrypt(row[0]))) if row else None
        except InvalidToken:
            return None
        return found if found and found.installation == installation else None

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=2, isolation_level=None)  # Forge waits for 5 seconds
        database.execute("PRAGMA secure_delete = ON")
        return database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody else writes in: what is compared is what is replaced."""
        with closing(self._connect()) as database, database:
            database.execute("BEGIN IMMEDIATE")
            yield database
