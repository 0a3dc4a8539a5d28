"""One SQLite file: how it is opened, written and read, and what its errors mean to people."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlite_utils import Database

from adapters.storage.migrations import migrations, refuse_newer
from domain.errors import StorageFailure

PATIENT_MILLISECONDS, HASTY_MILLISECONDS = 2_000, 100
HASTY_SECONDS = 5.0
CHECKED_BYTES = 256 * 1024 * 1024
SENTENCES = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may not be written to",
    sqlite3.SQLITE_PERM: "it may not be written to",
    sqlite3.SQLITE_CANTOPEN: "its file or folder cannot be opened",
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is not a database",
    sqlite3.SQLITE_IOERR: "the disk does not read or write",
}


class SqliteDatabase:
    """Two connections for all threads, each under a lock of its own: what reads does not wait for what writes.

    Make it with `open_database`.
    """

    def __init__(self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._path, self._inode = path, path.stat().st_ino
        self._writer, self._reader = Database(writer), Database(reader)
        self._write_lock, self._read_lock = threading.RLock(), threading.RLock()
        self._hasty_until = 0.0

    @contextmanager
    def write(self, *, durable: bool = True, patient: bool = True) -> Iterator[Database]:
        """The database in a transaction that is kept unless an error leaves it. Raises StorageFailure.

        What is `durable` survives a loss of power; the rest survives the death of the process, and becomes durable with the
        next that is. `patient` waits two seconds for another program's lock, otherwise a tenth of one. Text that is no
        Unicode or an integer above 64 bits is refused by Python before SQLite sees it.
        """
        connection = self._writer.conn
        with translated(), self._write_lock:
            self._check_file()
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._begin(connection, patient)
            with connection:
                yield self._writer

    def _begin(self, connection: sqlite3.Connection, patient: bool) -> None:
        """Where somebody has just waited in vain for another program's lock, those behind do not wait as long again."""
        patient = patient and time.monotonic() >= self._hasty_until
        connection.execute(f"PRAGMA busy_timeout = {PATIENT_MILLISECONDS if patient else HASTY_MILLISECONDS}")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY and patient:
                self._hasty_until = time.monotonic() + HASTY_SECONDS
            raise

    def _check_file(self) -> None:
        """What is written to a file that was removed is gone at the next start, and SQLite does not notice."""
        try:
            same = self._path.stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:
            raise StorageFailure(f"The file {self._path.name} was removed or replaced; stop the server and put it back.")

    @contextmanager
    def read(self) -> Iterator[Database]:
        """The database as the last whole transaction left it. Raises StorageFailure."""
        with translated(), self._read_lock, self._reader.atomic():
            yield self._reader

    def close(self) -> None:
        """Idempotent."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()


def open_database(path: Path) -> SqliteDatabase:
    """Open the file, made when missing, and bring its tables up to date.

    Raises StorageFailure, and has changed nothing then: it is no database, it is damaged, a newer version wrote it.
    """
    opened: list[sqlite3.Connection] = []
    try:
        with translated(f"The database {path.name}"):
            opened.append(_connect(path))
            database = Database(opened[0])
            _check(opened[0], path)
            refuse_newer(database)
            database.enable_wal()
            opened[0].execute("PRAGMA foreign_keys = ON")
            migrations.apply(database)
            opened.append(_connect(path))
            opened[1].execute("PRAGMA query_only = ON")
    except StorageFailure:
        for connection in opened:
            with suppress(sqlite3.Error):
                connection.close()
        raise
    return SqliteDatabase(path, *opened)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=PATIENT_MILLISECONDS / 1_000, check_same_thread=False)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Look for damage while nothing depends on it yet. A large file is not read as a whole, since the start would wait."""
    if path.stat().st_size <= CHECKED_BYTES:
        [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            where = " ".join(str(found).split())
            raise StorageFailure(f"The database {path.name} is damaged ({where}); restore a backup, or move it away.")


@contextmanager
def translated(what: str = "The database") -> Iterator[None]:
    """Turn the driver's errors into StorageFailure with a sentence for people."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        raise StorageFailure(f"{what} cannot be used: {SENTENCES.get(code, str(error))}.") from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise StorageFailure(f"{what} cannot hold a value: {error}.") from error
