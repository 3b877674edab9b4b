"""The SQLite file of the emulator, shared by any number of threads and processes.

Every operation opens and closes a connection of its own: none stays open between requests, or crosses a thread or a fork.
"""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from .rows import SCHEMA, Rows

_FORMAT: Final = 1
_APPLICATION: Final = 0x464D_4F44  # "FMOD": distinguishes the emulator's files from those of other programs
_BUSY_TIMEOUT_S: Final = 30.0
_BUSY_PAUSE_S: Final = 0.005
# SQLite does not call its busy handler if two connections open or close the write-ahead log at once.
_BUSY_ERRORS: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


class StoreError(OSError):
    """The file cannot be used. ``strerror`` says why."""


class Store:
    """The file, created with its directories if it is missing; raises OSError if it cannot be used, or is not the emulator's."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()  # a relative path must not follow a later chdir
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._prepare()
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    @contextmanager
    def read(self) -> Iterator[Rows]:
        """A read transaction: one consistent view of the tables; raises StoreError if the file can no longer be used."""
        with self._transaction("BEGIN", "SELECT 1 FROM installations LIMIT 1") as rows:
            yield rows

    @contextmanager
    def write(self) -> Iterator[Rows]:
        """A write transaction, with no other writer, committed if the block ends without an exception; raises as :meth:`read`."""
        with self._transaction("BEGIN IMMEDIATE") as rows:
            yield rows

    @contextmanager
    def _transaction(self, *begin: str) -> Iterator[Rows]:
        try:
            with closing(self._connect("rw")) as connection:  # closing rolls back an uncommitted transaction
                _execute_when_free(connection, *begin)
                yield Rows(connection)
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(f"{self.path.as_uri()}?mode={mode}", uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
        try:
            # A crash of the process loses nothing; one of the machine could, which is acceptable here.
            connection.execute("PRAGMA synchronous = OFF")
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self) -> None:
        if self.path.is_file() and self.path.stat().st_size == 1:  # SQLite overwrites a file of one byte like an empty one
            raise StoreError(errno.EINVAL, "it is not a SQLite database", str(self.path))
        with closing(self._connect("rwc")) as connection:
            _execute_when_free(connection, "BEGIN IMMEDIATE")
            format_ = _number(connection, "PRAGMA user_version")
            application = _number(connection, "PRAGMA application_id")
            tables = _number(connection, "SELECT count(*) FROM sqlite_master")
            if (format_, application, tables) == (0, 0, 0):
                for statement in SCHEMA:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
            elif application != _APPLICATION:
                raise StoreError(errno.EINVAL, "it is the database of another program", str(self.path))
            elif format_ != _FORMAT:
                raise StoreError(errno.EINVAL, f"it has format {format_}, and this version reads {_FORMAT}", str(self.path))
            connection.execute("COMMIT")
            _execute_when_free(connection, "PRAGMA journal_mode = WAL")

    def _unusable(self, error: sqlite3.Error) -> StoreError:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            return StoreError(errno.EINVAL, "it is not a SQLite database", str(self.path))
        if self.path.is_dir():
            return StoreError(errno.EISDIR, "it is a directory", str(self.path))
        return StoreError(errno.EIO, str(error), str(self.path))


def _execute_when_free(connection: sqlite3.Connection, *statements: str) -> None:
    """Execute the statements, and start again while another connection holds a lock."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            for statement in statements:
                connection.execute(statement).fetchall()
        except sqlite3.OperationalError as error:
            if (error.sqlite_errorcode & 0xFF) not in _BUSY_ERRORS or time.monotonic() > deadline:
                raise
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            time.sleep(_BUSY_PAUSE_S)
        else:
            return


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
