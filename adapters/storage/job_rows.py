"""Jobs and events as rows of any database, and back."""

import json

import msgspec

from adapters.storage.rows import Row
from domain.errors import CorruptData, InvalidConfiguration
from domain.job import Job, JobEvent


def job_row(job: Job) -> Row:
    """A row of `jobs`, without its position."""
    plain: Row = msgspec.to_builtins(job)
    # The standard library's JSON for metrics, which may be NaN.
    return plain | {"config": msgspec.json.encode(job.config).decode(), "metrics": json.dumps(job.metrics)}


def event_row(event: JobEvent) -> Row:
    """A row of `events`, whose id the database gives."""
    return {
        "job_id": event.job_id,
        "time": event.time.isoformat(),
        "kind": event.kind,
        "data": json.dumps(event.data),
    }


def to_job(row: Row) -> Job:
    """A job. Raises CorruptData: SQLite keeps any type in any column, and a configuration has bounds of its own."""
    try:
        return msgspec.convert({**row, "config": json.loads(row["config"]), "metrics": json.loads(row["metrics"])}, Job)
    except (ValueError, TypeError, RecursionError, InvalidConfiguration) as error:
        raise CorruptData(f"The stored job {row['id']!r} cannot be read: {str(error).rstrip('.')}.") from error


def to_event(row: Row) -> JobEvent:
    """An event. Raises CorruptData."""
    try:
        return msgspec.convert({**row, "data": json.loads(row["data"])}, JobEvent)
    except (ValueError, TypeError, RecursionError) as error:
        raise CorruptData(f"The stored event {row['id']!r} cannot be read: {str(error).rstrip('.')}.") from error
