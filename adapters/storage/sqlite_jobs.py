"""The JobRepository in one SQLite file, through sqlite-utils."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlite_utils import Database

from adapters.storage.codec import decode_checkpoint, encode_checkpoint
from adapters.storage.database import SqliteDatabase
from adapters.storage.job_rows import event_row, job_row, to_event, to_job
from adapters.storage.rows import Row, checked, readable, sha256
from domain.checkpoint import Checkpoint
from domain.errors import JobAlreadyExists, JobNotFound
from domain.job import MOST_CHECKPOINT_EVENTS, EventKind, Job, JobEvent, JobStatus

_BEHIND_ALL = 2**63 - 1
_CHECKPOINT_EVENTS = "job_id = ? and kind = 'checkpoint'"
_REMOVE_EVERY_SECOND = """
    delete from events where id in (
        select id from (
            select id, row_number() over (order by id) as number from events where job_id = ? and kind = 'checkpoint'
        ) where number % 2 = 0
    )
"""


class SqliteJobRepository:
    """JobRepository over the tables `jobs`, `checkpoints` and `events`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def alone(self, *, queue: bool = False) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()  # one server has the file

    def beat(self, server: str) -> Collection[str]:
        return {server}

    def add(self, job: Job) -> None:
        with self._database.write() as db:
            same_request = "idempotency_key = ? and owner = ?"
            if db.table("jobs").count_where(f"id = ? or ({same_request})", [job.id, job.idempotency_key, job.owner]):
                raise JobAlreadyExists(job.id)
            db.table("jobs").insert(job_row(job))

    def get(self, job_id: str) -> Job:
        found = self._rows("id = ?", [job_id])
        if not found:
            raise JobNotFound(job_id)
        return to_job(found[0])

    def find(self, owner: str, idempotency_key: str) -> Job | None:
        found = self._rows("owner = ? and idempotency_key = ?", [owner, idempotency_key])
        return to_job(found[0]) if found else None

    def save(self, job: Job, *events: JobEvent, drop_checkpoint: bool = False) -> None:
        with self._database.write() as db:
            _replace(db, job, events)
            if drop_checkpoint:
                db.table("checkpoints").delete_where("job_id = ?", [job.id])

    def save_progress(self, job: Job, *events: JobEvent) -> None:
        with self._database.write(durable=False, patient=False) as db:
            _replace(db, job, events)

    def list(self, limit: int | None = None, after: str | None = None, statuses: Collection[JobStatus] = ()) -> Sequence[Job]:
        before = _BEHIND_ALL if after is None else self._position(after)
        condition = f"position < ? and {_status_in(statuses)}" if statuses else "position < ?"
        found: list[Job] = []
        while True:  # once, unless rows that cannot be read leave a gap
            wanted = None if limit is None else limit - len(found)
            rows = self._rows(condition, [before, *statuses], "position desc", wanted)
            found += readable(rows, to_job)
            if wanted is None or len(rows) < wanted or len(found) == limit:
                return found
            before = rows[-1]["position"]

    def with_status(self, *statuses: JobStatus) -> Sequence[Job]:
        return [*readable(self._rows(_status_in(statuses), statuses), to_job)]

    def with_worker_of_no(self, servers: Collection[str]) -> Sequence[Job]:
        with_worker = (JobStatus.RUNNING, JobStatus.STOPPING)
        condition = f"{_status_in(with_worker)} and (server is null or not {_is_in('server', servers)})"
        return [*readable(self._rows(condition, [*with_worker, *servers]), to_job)]

    def first_queued(self) -> Job | None:
        # All that wait are read only where the first of them cannot be.
        condition, arguments = _status_in([JobStatus.QUEUED]), [JobStatus.QUEUED]
        first = [*readable(self._rows(condition, arguments, limit=1), to_job)] or self.with_status(JobStatus.QUEUED)
        return first[0] if first else None

    def count(self, *statuses: JobStatus, owner: str | None = None) -> int:
        condition, arguments = _status_in(statuses), [*map(str, statuses)]
        if owner is not None:
            # The unary plus keeps SQLite from looking through all jobs that the owner ever had.
            condition, arguments = f"{condition} and +owner = ?", [*arguments, owner]
        with self._database.read() as db:
            return int(db.table("jobs").count_where(condition, arguments))

    def count_by_status(self) -> Mapping[JobStatus, int]:
        with self._database.read() as db:
            rows = db.execute("select status, count(*) from jobs group by status").fetchall()
        known = {status.value for status in JobStatus}
        return {JobStatus(status): number for status, number in rows if status in known}

    def probe(self) -> None:
        with self._database.write(durable=False, patient=False) as db:
            # Writes the database's first page through the log, as any change does, and leaves it as it is.
            [(version,)] = db.execute("pragma user_version").fetchall()
            db.execute(f"pragma user_version = {version}")
        self.first_queued()  # reads from the middle of the file

    def save_checkpoint(self, job: Job, checkpoint: Checkpoint, *events: JobEvent) -> None:
        data = encode_checkpoint(checkpoint)
        # All workers report through one thread: it must not wait long, and another checkpoint follows.
        with self._database.write(patient=False) as db:
            _replace(db, job, events)
            db.table("checkpoints").upsert({"job_id": job.id, "data": data, "sha256": sha256(data)}, pk="job_id")
            if db.table("events").count_where(_CHECKPOINT_EVENTS, [job.id]) > MOST_CHECKPOINT_EVENTS:
                db.execute(_REMOVE_EVERY_SECOND, [job.id])

    def load_checkpoint(self, job_id: str) -> Checkpoint | None:
        with self._database.read() as db:
            rows = [*db.table("checkpoints").rows_where("job_id = ?", [job_id])]
        return decode_checkpoint(checked(rows[0], f"checkpoint of job {job_id!r}")) if rows else None

    def events(self, job_id: str, after: int = 0, limit: int = 1_000, kinds: Collection[EventKind] = ()) -> Sequence[JobEvent]:
        condition = f"job_id = ? and id > ? and {_is_in('kind', kinds)}" if kinds else "job_id = ? and id > ?"
        with self._database.read() as db:
            rows = [*db.table("events").rows_where(condition, [job_id, after, *kinds], order_by="id", limit=limit)]
        return [*readable(rows, to_event)]

    def last_event(self, job_id: str, kind: EventKind) -> JobEvent | None:
        with self._database.read() as db:
            rows = [*db.table("events").rows_where("job_id = ? and kind = ?", [job_id, kind], order_by="id desc", limit=1)]
        return next(readable(rows, to_event), None)

    def last_event_ids(self, job_ids: Collection[str]) -> Mapping[str, int]:
        with self._database.read() as db:
            rows = db.table("events").rows_where(
                f"{_is_in('job_id', job_ids)} group by job_id", [*job_ids], select="job_id, max(id) as newest"
            )
            return {row["job_id"]: row["newest"] for row in rows}

    def _position(self, job_id: str) -> int:
        found = self._rows("id = ?", [job_id])
        if not found:
            raise JobNotFound(job_id)
        return int(found[0]["position"])

    def _rows(
        self, condition: str, arguments: Sequence[str | int | None], order: str = "position", limit: int | None = None
    ) -> Sequence[Row]:
        with self._database.read() as db:
            return [*db.table("jobs").rows_where(condition, arguments, order_by=order, limit=limit)]


def _replace(db: Database, job: Job, events: Sequence[JobEvent] = ()) -> None:
    rows = [*db.table("jobs").rows_where("id = ?", [job.id], select="position")]
    if not rows:
        raise JobNotFound(job.id)
    db.table("jobs").update(rows[0]["position"], job_row(job))
    for event in events:
        db.table("events").insert(event_row(event))


def _status_in(statuses: Collection[Any]) -> str:
    return _is_in("status", statuses)


def _is_in(column: str, values: Collection[Any]) -> str:
    return f"{column} in ({', '.join('?' * len(values))})"
