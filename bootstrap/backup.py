"""Copies the database while a server writes to it: `python -m bootstrap.backup --to FILE`, with the settings of the server.

The copy is the state at one moment. It is a whole data file: as `grpo.db` in an empty folder a server goes on from it.
"""

import argparse
import contextlib
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bootstrap.settings import Settings, exit_with, load_or_exit
from bootstrap.storage import database_file

BUSY_SECONDS = 10.0


class BackupFailed(Exception):
    """There is no copy; the message says why. Nothing is left beside the target."""


def back_up(database: Path, target: Path) -> int:
    """Copy the database to a file that does not exist yet; its size in bytes. Raises BackupFailed.

    Reads through a connection that cannot write, so a running server is neither locked out nor kept waiting. The file gets
    its name when it is whole and on the disk.
    """
    if not database.is_file():
        raise BackupFailed(f"there is no database {str(database)!r}; the data folder is the one that the server is given.")
    if target.exists():
        raise BackupFailed(f"{str(target)!r} exists already and is not overwritten.")
    try:
        with _new_file(target.parent) as copy:
            _copy(database, copy)
            _check(copy)
            _to_disk(copy)
            size = copy.stat().st_size
            copy.rename(target)
            _to_disk(target.parent)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BackupFailed(f"{str(database)!r} cannot be copied to {str(target)!r}: {reason}.") from error
    return size


@contextlib.contextmanager
def _new_file(folder: Path) -> Iterator[Path]:
    """An empty file for its owner alone, removed unless it has got another name."""
    number, name = tempfile.mkstemp(prefix=".grpo-backup-", suffix=".db", dir=folder)
    os.close(number)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _copy(database: Path, copy: Path) -> None:
    connection = _open(database)
    try:
        connection.execute("VACUUM INTO ?", [str(copy)])
    finally:
        connection.close()


def _check(copy: Path) -> None:
    connection = _open(copy)
    try:
        [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    finally:
        connection.close()
    if found != "ok":
        raise BackupFailed(f"the database is damaged, and so would its copy be: {found}.")


def _open(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)


def _to_disk(path: Path) -> None:
    """A file, or the names in a folder."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _file(settings: Settings) -> Path:
    file = database_file(settings)
    if file is None:
        raise BackupFailed("pg_dump copies a PostgreSQL database; docs/scaling.md has the command.")
    return file


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit code 2 and one sentence when there is no copy."""
    parser = argparse.ArgumentParser(
        prog="python -m bootstrap.backup", description="Copy the database of a server, running or not.", allow_abbrev=False
    )
    parser.add_argument("--to", required=True, type=Path, metavar="FILE", help="the copy; must not exist yet")
    own, others = parser.parse_known_args(arguments)
    settings = load_or_exit(others)
    try:
        size = back_up(_file(settings), own.to)
    except BackupFailed as error:
        exit_with(str(error))
    sys.stdout.write(f"{own.to}: {size} bytes\n")


if __name__ == "__main__":
    main()
