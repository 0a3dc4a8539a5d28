"""Repositories in one SQLite file, through sqlite-utils."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlite_utils import Database

from adapters.storage.codec import decode_checkpoint, decode_model, encode_checkpoint, encode_model
from adapters.storage.migrations import migrations
from domain.checkpoint import Checkpoint, Model
from domain.errors import CorruptData, InvalidConfiguration, JobAlreadyExists, JobNotFound, ModelNotFound, StorageFailure
from domain.job import Job, JobStatus
from domain.ports import ModelSummary

BUSY_SECONDS = 5.0
Row = dict[str, Any]


class SqliteDatabase:
    """One connection for all threads, under one lock. Make it with `open_database`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = Database(connection)
        self._lock = threading.RLock()

    @contextmanager
    def use(self) -> Iterator[Database]:
        """The database in a transaction that is kept unless an error leaves it. Raises StorageFailure.

        A text that is no Unicode or an integer above 64 bits is refused by Python before SQLite sees it.
        """
        try:
            with self._lock, self._db.atomic():
                yield self._db
        except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
            raise StorageFailure(f"The database cannot be used: {error}.") from error

    def close(self) -> None:
        """Idempotent."""
        with self._lock:
            self._db.close()


def open_database(path: Path) -> SqliteDatabase:
    """Open the file, made when missing, and bring its tables up to date. Raises StorageFailure."""
    try:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    except sqlite3.Error as error:
        raise StorageFailure(f"The database {path.name} cannot be opened: {error}.") from error
    try:
        db = Database(connection)
        db.enable_wal()
        # With a write-ahead log this loses nothing when the process dies, and keeps the file whole when the power does.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrations.apply(db)
    except sqlite3.Error as error:
        connection.close()
        raise StorageFailure(f"The database {path.name} cannot be opened: {error}.") from error
    return SqliteDatabase(connection)


class SqliteJobRepository:
    """JobRepository over the tables `jobs` and `checkpoints`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def add(self, job: Job) -> None:
        with self._database.use() as db:
            if db.table("jobs").count_where("id = ?", [job.id]):
                raise JobAlreadyExists(job.id)
            db.table("jobs").insert(_to_row(job))

    def get(self, job_id: str) -> Job:
        found = self._where("id = ?", [job_id], "position")
        if not found:
            raise JobNotFound(job_id)
        return found[0]

    def save(self, job: Job) -> None:
        with self._database.use() as db:
            _replace(db, job)

    def list(self) -> Sequence[Job]:
        return self._where(None, [], "position desc")

    def with_status(self, *statuses: JobStatus) -> Sequence[Job]:
        return self._where(_status_in(statuses), [*statuses], "position")

    def count(self, *statuses: JobStatus) -> int:
        with self._database.use() as db:
            return int(db.table("jobs").count_where(_status_in(statuses), [*statuses]))

    def count_by_status(self) -> Mapping[JobStatus, int]:
        with self._database.use() as db:
            rows = db.execute("select status, count(*) from jobs group by status").fetchall()
        known = {status.value for status in JobStatus}
        return {JobStatus(status): number for status, number in rows if status in known}

    def probe(self) -> None:
        with self._database.use() as db:
            # Writes the database's first page through the log, as any change does, and leaves it as it is.
            [(version,)] = db.execute("pragma user_version").fetchall()
            db.execute(f"pragma user_version = {version}")

    def save_checkpoint(self, job: Job, checkpoint: Checkpoint) -> None:
        data = encode_checkpoint(checkpoint)
        with self._database.use() as db:
            _replace(db, job)
            db.table("checkpoints").upsert({"job_id": job.id, "data": data, "sha256": _sha256(data)}, pk="job_id")

    def load_checkpoint(self, job_id: str) -> Checkpoint | None:
        with self._database.use() as db:
            rows = [*db.table("checkpoints").rows_where("job_id = ?", [job_id])]
        return decode_checkpoint(_checked(rows[0], f"checkpoint of job {job_id!r}")) if rows else None

    def delete_checkpoint(self, job_id: str) -> None:
        with self._database.use() as db:
            db.table("checkpoints").delete_where("job_id = ?", [job_id])

    def _where(self, condition: str | None, arguments: Sequence[str], order: str) -> Sequence[Job]:
        with self._database.use() as db:
            rows = [*db.table("jobs").rows_where(condition, arguments, order_by=order)]
        return [_to_job(row) for row in rows]


class SqliteModelRepository:
    """ModelRepository over the table `models`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def save(self, model: Model) -> None:
        data = encode_model(model)
        row = {
            "name": model.name,
            "env_name": model.config.env_name,
            "job_id": model.job_id,
            "created_at": model.created_at.isoformat(),
            "size_bytes": len(data),
            "sha256": _sha256(data),
            "data": data,
        }
        with self._database.use() as db:
            db.table("models").upsert(row, pk="name")

    def get(self, name: str) -> Model:
        with self._database.use() as db:
            rows = [*db.table("models").rows_where("name = ?", [name])]
        if not rows:
            raise ModelNotFound(name)
        return decode_model(_checked(rows[0], f"model {name!r}"))

    def list(self) -> Sequence[ModelSummary]:
        columns = "name, env_name, job_id, created_at, size_bytes"
        with self._database.use() as db:
            rows = [*db.table("models").rows_where(select=columns, order_by="name")]
        return [_to_summary(row) for row in rows]

    def delete(self, name: str) -> None:
        with self._database.use() as db:
            if not db.table("models").count_where("name = ?", [name]):
                raise ModelNotFound(name)
            db.table("models").delete_where("name = ?", [name])


def _replace(db: Database, job: Job) -> None:
    rows = [*db.table("jobs").rows_where("id = ?", [job.id], select="position")]
    if not rows:
        raise JobNotFound(job.id)
    db.table("jobs").update(rows[0]["position"], _to_row(job))


def _to_row(job: Job) -> Row:
    return {
        "id": job.id,
        "status": job.status.value,
        "created_at": job.created_at.isoformat(),
        "start_time": job.start_time.isoformat() if job.start_time else None,
        "end_time": job.end_time.isoformat() if job.end_time else None,
        "current_timesteps": job.current_timesteps,
        "attempts": job.attempts,
        "error_code": job.error_code,
        "error_message": job.error_message,
        "config": msgspec.json.encode(job.config).decode(),
        "metrics": json.dumps(job.metrics),
    }


def _to_job(row: Row) -> Job:
    """Raises CorruptData: SQLite keeps any type in any column, and a configuration has bounds of its own."""
    try:
        # The standard library's JSON: metrics may be NaN.
        return msgspec.convert({**row, "config": json.loads(row["config"]), "metrics": json.loads(row["metrics"])}, Job)
    except (ValueError, TypeError, RecursionError, InvalidConfiguration) as error:
        raise CorruptData(f"The stored job {row['id']!r} cannot be read: {str(error).rstrip('.')}.") from error


def _to_summary(row: Row) -> ModelSummary:
    """Raises CorruptData."""
    try:
        return msgspec.convert(row, ModelSummary)
    except msgspec.ValidationError as error:
        raise CorruptData(f"The stored model {row['name']!r} cannot be listed: {error}.") from error


def _status_in(statuses: Sequence[JobStatus]) -> str:
    return f"status in ({', '.join('?' * len(statuses))})"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _checked(row: Row, what: str) -> bytes:
    """The bytes of a row. Raises CorruptData when they are not those that were written."""
    data = row["data"]
    if not isinstance(data, bytes) or _sha256(data) != row["sha256"]:
        raise CorruptData(f"The stored {what} is damaged: its SHA-256 is not the one that was written.")
    return data
