"""The JobRepository in PostgreSQL, which several servers may share."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, LiteralString

from psycopg import Connection, sql
from psycopg.rows import DictRow

from adapters.storage.codec import decode_checkpoint, encode_checkpoint
from adapters.storage.job_rows import event_row, job_row, to_event, to_job
from adapters.storage.postgres import PostgresDatabase, storable
from adapters.storage.rows import Row, checked, readable, sha256
from domain.checkpoint import Checkpoint
from domain.errors import JobAlreadyExists, JobNotFound
from domain.job import MOST_CHECKPOINT_EVENTS, EventKind, Job, JobEvent, JobStatus
from domain.ports import SERVER_SECONDS

_REMOVE_EVERY_SECOND = """
    delete from events where id in (
        select id from (
            select id, row_number() over (order by id) as number from events where job_id = %s and kind = 'checkpoint'
        ) as numbered where number %% 2 = 0
    )
"""
_BEAT = """
    insert into servers (id, seen_at) values (%s, clock_timestamp())
    on conflict (id) do update set seen_at = clock_timestamp()
"""
_PROBE = """
    insert into servers (id, seen_at) values ('probe', '-infinity') on conflict (id) do update set seen_at = '-infinity'
"""


class PostgresJobRepository:
    """JobRepository over the tables `jobs`, `checkpoints`, `events` and `servers`.

    Whatever adds events to a job changes its row first, and so has the row's lock: their ids ascend as they can be seen.
    """

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def alone(self, *, queue: bool = False) -> AbstractContextManager[None]:
        return self._database.alone(queue=queue)

    def beat(self, server: str) -> Collection[str]:
        with self._database.transaction() as db:
            db.execute(_BEAT, [server])
            db.execute("delete from servers where seen_at < clock_timestamp() - interval '1 day'")
            alive = "select id from servers where seen_at > clock_timestamp() - make_interval(secs => %s)"
            return {row["id"] for row in db.execute(alive, [SERVER_SECONDS]).fetchall()}

    def add(self, job: Job) -> None:
        row = job_row(job)
        insert = sql.SQL("insert into jobs ({}) values ({}) on conflict do nothing").format(
            sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join([sql.Placeholder()] * len(row))
        )
        with self._database.transaction() as db:
            if not db.execute(insert, [*row.values()]).rowcount:
                raise JobAlreadyExists(job.id)
            self._database.notify(db, "job", job.id)

    def get(self, job_id: str) -> Job:
        return to_job(self._row(job_id, for_update=True))

    def find(self, owner: str, idempotency_key: str) -> Job | None:
        found = self._rows("owner = %s and idempotency_key = %s", [owner, idempotency_key])
        return to_job(found[0]) if found else None

    def save(self, job: Job, *events: JobEvent, drop_checkpoint: bool = False) -> None:
        with self._database.transaction() as db:
            _replace(db, job, events)
            if drop_checkpoint:
                db.execute("delete from checkpoints where job_id = %s", [job.id])
            self._database.notify(db, "job", job.id)

    def save_progress(self, job: Job, *events: JobEvent) -> None:
        with self._database.transaction() as db:
            db.execute("set local synchronous_commit = off")
            _replace(db, job, events)

    def list(self, limit: int | None = None, after: str | None = None, statuses: Collection[JobStatus] = ()) -> Sequence[Job]:
        before = None if after is None else self._position(after)
        found: list[Job] = []
        while True:  # once, unless rows that cannot be read leave a gap
            wanted = None if limit is None else limit - len(found)
            rows = self._rows(
                "(%s::bigint is null or position < %s) and (%s or status = any(%s))",
                [before, before, not statuses, [*statuses]],
                "position desc",
                wanted,
            )
            found += readable(rows, to_job)
            if wanted is None or len(rows) < wanted or len(found) == limit:
                return found
            before = rows[-1]["position"]

    def with_status(self, *statuses: JobStatus) -> Sequence[Job]:
        return [*readable(self._rows("status = any(%s)", [[*statuses]]), to_job)]

    def with_worker_of_no(self, servers: Collection[str]) -> Sequence[Job]:
        condition = "status = any(%s) and (server is null or server <> all(%s))"
        return [*readable(self._rows(condition, [[JobStatus.RUNNING, JobStatus.STOPPING], [*servers]]), to_job)]

    def first_queued(self) -> Job | None:
        # All that wait are read only where the first of them cannot be.
        for limit in (1, None):
            rows = self._rows("status = 'queued'", [], limit=limit, for_update=True, skip_locked=True)
            found = [*readable(rows, to_job)]
            if found or not rows:
                break
        return found[0] if found else None

    def count(self, *statuses: JobStatus, owner: str | None = None) -> int:
        condition = "status = any(%s) and (%s::text is null or owner = %s)"
        with self._database.transaction() as db:
            [row] = db.execute(f"select count(*) as number from jobs where {condition}", [[*statuses], owner, owner]).fetchall()
        return int(row["number"])

    def count_by_status(self) -> Mapping[JobStatus, int]:
        with self._database.transaction() as db:
            rows = db.execute("select status, count(*) as number from jobs group by status").fetchall()
        known = {status.value for status in JobStatus}
        return {JobStatus(row["status"]): row["number"] for row in rows if row["status"] in known}

    def probe(self) -> None:
        with self._database.transaction() as db:
            db.execute(_PROBE)

    def save_checkpoint(self, job: Job, checkpoint: Checkpoint, *events: JobEvent) -> None:
        data = encode_checkpoint(checkpoint)
        upsert = """
            insert into checkpoints (job_id, data, sha256) values (%s, %s, %s)
            on conflict (job_id) do update set data = excluded.data, sha256 = excluded.sha256
        """
        with self._database.transaction() as db:
            _replace(db, job, events)
            db.execute(upsert, [job.id, data, sha256(data)])
            count = "select count(*) as number from events where job_id = %s and kind = 'checkpoint'"
            [row] = db.execute(count, [job.id]).fetchall()
            if row["number"] > MOST_CHECKPOINT_EVENTS:
                db.execute(_REMOVE_EVERY_SECOND, [job.id])

    def load_checkpoint(self, job_id: str) -> Checkpoint | None:
        with self._database.transaction() as db:
            rows = db.execute("select data, sha256 from checkpoints where job_id = %s", [job_id]).fetchall()
        return decode_checkpoint(checked(rows[0], f"checkpoint of job {job_id!r}")) if rows else None

    def events(self, job_id: str, after: int = 0, limit: int = 1_000, kinds: Collection[EventKind] = ()) -> Sequence[JobEvent]:
        condition = "job_id = %s and id > %s and (%s or kind = any(%s))"
        with self._database.transaction() as db:
            rows = db.execute(
                f"select * from events where {condition} order by id limit %s", [job_id, after, not kinds, [*kinds], limit]
            ).fetchall()
        return [*readable(rows, to_event)]

    def last_event(self, job_id: str, kind: EventKind) -> JobEvent | None:
        newest = "select * from events where job_id = %s and kind = %s order by id desc limit 1"
        with self._database.transaction() as db:
            rows = db.execute(newest, [job_id, kind]).fetchall()
        return next(readable(rows, to_event), None)

    def last_event_ids(self, job_ids: Collection[str]) -> Mapping[str, int]:
        newest = "select job_id, max(id) as newest from events where job_id = any(%s) group by job_id"
        with self._database.transaction() as db:
            return {row["job_id"]: row["newest"] for row in db.execute(newest, [[*job_ids]]).fetchall()}

    def _position(self, job_id: str) -> int:
        return int(self._row(job_id)["position"])

    def _row(self, job_id: str, *, for_update: bool = False) -> Row:
        found = self._rows("id = %s", [job_id], for_update=for_update) if storable(job_id) else ()
        if not found:
            raise JobNotFound(job_id)
        return found[0]

    def _rows(
        self,
        condition: LiteralString,
        arguments: Sequence[Any],
        order: LiteralString = "position",
        limit: int | None = None,
        *,
        for_update: bool = False,
        skip_locked: bool = False,
    ) -> Sequence[Row]:
        """Rows of `jobs`, locked until the end of the block where this is within `alone`."""
        locking: LiteralString = ""
        if for_update and self._database.is_alone:
            locking = "for update skip locked" if skip_locked else "for update"
        with self._database.transaction() as db:
            query: LiteralString = f"select * from jobs where {condition} order by {order} limit %s {locking}"
            return db.execute(query, [*arguments, limit]).fetchall()


def _replace(db: "Connection[DictRow]", job: Job, events: Sequence[JobEvent]) -> None:
    row = job_row(job)
    changes = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in row)
    if not db.execute(sql.SQL("update jobs set {} where id = %s").format(changes), [*row.values(), job.id]).rowcount:
        raise JobNotFound(job.id)
    for event in map(event_row, events):
        db.execute("insert into events (job_id, time, kind, data) values (%(job_id)s, %(time)s, %(kind)s, %(data)s)", event)
