"""The token store: the newest token of each installation, encrypted in SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tokens (installation TEXT PRIMARY KEY, expires_at REAL NOT NULL, ciphertext BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS calls (digest TEXT PRIMARY KEY, expires_at REAL NOT NULL) STRICT;
"""
_REPLAY_MARGIN_S: Final = 60.0  # after expiry; a later call is refused as expired anyway


class StoreError(Exception):
    """The keys or the database cannot be used. The message names the fix."""


@dataclass(frozen=True)
class StoredToken:
    """The encrypted content of a row. It includes the installation: a row that is copied to another installation is rejected.

    Attributes:
        installation: Its ARI.
        token: The system token.
        expires_at: In seconds since 1970.
    """

    installation: str
    token: str = field(repr=False)
    expires_at: float


def load_keys(path: Path) -> MultiFernet:
    """Read the keys, one a line: the first one encrypts, all decrypt. Empty lines and lines with # are ignored.

    Raises:
        StoreError: The file cannot be read, or a line is not a key.
    """
    try:
        lines = [line.strip() for line in path.read_text("ascii").splitlines()]
        return MultiFernet([Fernet(line) for line in lines if line and not line.startswith("#")])
    except OSError as error:
        raise StoreError(f"the keys {path} cannot be read: {error.strerror}; make one with: python -m broker new-key") from None
    except ValueError:
        raise StoreError(f"the keys {path} are not one Fernet key a line; make one with: python -m broker new-key") from None


def _make_private(path: Path) -> int | None:
    """Create the file, or take the access of other users away; the mode that allowed it."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if not mode & 0o077:
            return None
        os.fchmod(descriptor, 0o600)
        return mode
    finally:
        os.close(descriptor)


class Store:
    """Token store on SQLite. Safe for threads and for several processes.

    Args:
        path: The database; created with mode 0600. One that exists gets this mode.
        keys: The keys that encrypt tokens.

    Attributes:
        had_mode: The mode of the database before, if other users could use it.
    """

    def __init__(self, path: Path, keys: MultiFernet) -> None:
        self._path = path
        self._keys = keys
        try:
            self.had_mode = _make_private(path)
            with closing(self._connect()) as database:
                database.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the database {path} cannot be used: {error}") from None

    def put(self, new: StoredToken, digest: str, call_expires_at: float, now: float) -> str:
        """Store a token if it is the newest, and delete expired rows.

        Args:
            new: The token.
            digest: Digest of the call that delivered it. A replayed call is ignored, whatever token it delivers.
            call_expires_at: When the call is no longer accepted.
            now: Seconds since 1970.

        Returns:
            `stored`, `replayed` (the call was received before) or `older` (the stored token expires later).
        """
        with self._transaction() as database:
            database.execute("DELETE FROM calls WHERE expires_at < ?", (now - _REPLAY_MARGIN_S,))
            database.execute("DELETE FROM tokens WHERE expires_at < ?", (now,))
            inserted = database.execute("INSERT OR IGNORE INTO calls VALUES (?, ?)", (digest, call_expires_at))
            if inserted.rowcount == 0:
                return "replayed"
            stored = self._decrypt(database, new.installation)
            if stored is not None and stored.expires_at > new.expires_at:
                return "older"
            ciphertext = self._keys.encrypt(json.dumps(asdict(new)).encode())
            row = (new.installation, new.expires_at, ciphertext)
            database.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", row)
            return "stored"

    def get(self, installation: str) -> StoredToken | None:
        """The stored token, expired or not; None if there is none, or none that the keys decrypt."""
        with closing(self._connect()) as database:
            return self._decrypt(database, installation)

    def reencrypt(self) -> int:
        """Re-encrypt every token with the first key, so that the other keys can be removed.

        Returns:
            How many tokens no key decrypts. They are kept, because a key may be missing; the next delivery replaces them.
        """
        unreadable = 0
        with self._transaction() as database:
            for installation, ciphertext in database.execute("SELECT installation, ciphertext FROM tokens").fetchall():
                try:
                    rotated = self._keys.rotate(ciphertext)
                except InvalidToken:
                    unreadable += 1
                else:
                    database.execute("UPDATE tokens SET ciphertext = ? WHERE installation = ?", (rotated, installation))
        return unreadable

    def _decrypt(self, database: sqlite3.Connection, installation: str) -> StoredToken | None:
        row = database.execute("SELECT ciphertext FROM tokens WHERE installation = ?", (installation,)).fetchone()
        try:
            found = StoredToken(**json.loads(self._keys.decrypt(row[0]))) if row else None
        except InvalidToken:
            return None
        return found if found and found.installation == installation else None

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=2, isolation_level=None)  # Forge waits for 5 seconds
        database.execute("PRAGMA secure_delete = ON")
        return database

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """An exclusive write transaction, so that comparing and replacing a token is atomic."""
        with closing(self._connect()) as database, database:
            database.execute("BEGIN IMMEDIATE")
            yield database
