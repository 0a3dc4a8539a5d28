"""Repositories in memory, for tests and scripts. What is kept are copies: encoded bytes, or immutable values."""

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from adapters.storage.codec import decode_checkpoint, decode_model, encode_checkpoint, encode_model
from adapters.storage.rows import sha256
from domain.checkpoint import Checkpoint, Model
from domain.errors import JobAlreadyExists, JobNotFound, ModelNotFound
from domain.job import MOST_CHECKPOINT_EVENTS, EventKind, Job, JobEvent, JobStatus
from domain.ports import ModelSummary


class MemoryJobRepository:
    """JobRepository that ends with the process."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._checkpoints: dict[str, bytes] = {}
        self._events: list[JobEvent] = []
        self._last_event = 0
        self._lock = threading.RLock()

    def alone(self, *, queue: bool = False) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def beat(self, server: str) -> Collection[str]:
        return {server}

    def add(self, job: Job) -> None:
        with self._lock:
            if job.id in self._jobs or (job.idempotency_key and self.find(job.owner, job.idempotency_key)):
                raise JobAlreadyExists(job.id)
            self._jobs[job.id] = _copy(job)

    def get(self, job_id: str) -> Job:
        with self._lock:
            if job_id not in self._jobs:
                raise JobNotFound(job_id)
            return _copy(self._jobs[job_id])

    def find(self, owner: str, idempotency_key: str) -> Job | None:
        with self._lock:
            found = (job for job in self._jobs.values() if (job.owner, job.idempotency_key) == (owner, idempotency_key))
            return next(map(_copy, found), None)

    def save(self, job: Job, *events: JobEvent, drop_checkpoint: bool = False) -> None:
        with self._lock:
            self._replace(job, events)
            if drop_checkpoint:
                self._checkpoints.pop(job.id, None)

    def save_progress(self, job: Job, *events: JobEvent) -> None:
        self.save(job, *events)

    def list(self, limit: int | None = None, after: str | None = None, statuses: Collection[JobStatus] = ()) -> Sequence[Job]:
        with self._lock:
            jobs = [*reversed(self._jobs.values())]
            if after is not None:
                jobs = jobs[jobs.index(self.get(after)) + 1 :]
            return [_copy(job) for job in jobs if not statuses or job.status in statuses][:limit]

    def with_status(self, *statuses: JobStatus) -> Sequence[Job]:
        with self._lock:
            return [_copy(job) for job in self._jobs.values() if job.status in statuses]

    def with_worker_of_no(self, servers: Collection[str]) -> Sequence[Job]:
        return [job for job in self.with_status(JobStatus.RUNNING, JobStatus.STOPPING) if job.server not in servers]

    def first_queued(self) -> Job | None:
        return next(iter(self.with_status(JobStatus.QUEUED)), None)

    def count(self, *statuses: JobStatus, owner: str | None = None) -> int:
        return sum(owner in (None, job.owner) for job in self.with_status(*statuses))

    def count_by_status(self) -> Mapping[JobStatus, int]:
        with self._lock:
            return Counter(job.status for job in self._jobs.values())

    def probe(self) -> None:
        """Memory can always be written."""

    def save_checkpoint(self, job: Job, checkpoint: Checkpoint, *events: JobEvent) -> None:
        data = encode_checkpoint(checkpoint)
        with self._lock:
            self._replace(job, events)
            self._checkpoints[job.id] = data
            ids = [event.id for event in self._events if (event.job_id, event.kind) == (job.id, "checkpoint")]
            if len(ids) > MOST_CHECKPOINT_EVENTS:
                removed = set(ids[1::2])
                self._events = [event for event in self._events if event.id not in removed]

    def load_checkpoint(self, job_id: str) -> Checkpoint | None:
        with self._lock:
            data = self._checkpoints.get(job_id)
        return None if data is None else decode_checkpoint(data)

    def events(self, job_id: str, after: int = 0, limit: int = 1_000, kinds: Collection[EventKind] = ()) -> Sequence[JobEvent]:
        with self._lock:
            found = [event for event in self._events if event.job_id == job_id and event.id > after]
            wanted = [event for event in found if not kinds or event.kind in kinds]
            return [replace(event, data=dict(event.data)) for event in wanted[:limit]]

    def last_event(self, job_id: str, kind: EventKind) -> JobEvent | None:
        with self._lock:
            found = (event for event in reversed(self._events) if (event.job_id, event.kind) == (job_id, kind))
            return next((replace(event, data=dict(event.data)) for event in found), None)

    def last_event_ids(self, job_ids: Collection[str]) -> Mapping[str, int]:
        with self._lock:
            return {event.job_id: event.id for event in self._events if event.job_id in job_ids}

    def _replace(self, job: Job, events: Sequence[JobEvent]) -> None:
        if job.id not in self._jobs:
            raise JobNotFound(job.id)
        self._jobs[job.id] = _copy(job)
        for event in events:
            self._last_event += 1
            self._events.append(replace(event, data=dict(event.data), id=self._last_event))


class MemoryModelRepository:
    """ModelRepository that ends with the process."""

    def __init__(self) -> None:
        self._models: dict[str, dict[int, tuple[ModelSummary, bytes]]] = {}
        self._last_versions: dict[str, int] = {}
        self._lock = threading.Lock()

    def save(self, model: Model, behind: int = 0) -> int:
        data = encode_model(model)
        digest = sha256(data)
        with self._lock:
            versions = self._models.get(model.name, {})
            for summary, _ in versions.values():
                imported = model.imported_at is not None
                same = (summary.job_id, summary.sha256, summary.imported_at is not None) == (model.job_id, digest, imported)
                if same and summary.version > behind:
                    return summary.version
            version = self._last_versions.get(model.name, 0) + 1
            summary = ModelSummary(
                name=model.name,
                version=version,
                config=model.config,
                job_id=model.job_id,
                created_at=model.created_at,
                timesteps=model.timesteps,
                evaluation=model.evaluation,
                size_bytes=len(data),
                sha256=digest,
                imported_at=model.imported_at,
            )
            self._models.setdefault(model.name, {})[version] = summary, data
            self._last_versions[model.name] = version
            return version

    def get(self, name: str, version: int | None = None) -> Model:
        with self._lock:
            versions = self._models.get(name, {})
            summary, data = versions.get(max(versions, default=0) if version is None else version, (None, b""))
        if summary is None:
            raise ModelNotFound(name, version)
        return decode_model(data, summary)

    def list(self) -> Sequence[ModelSummary]:
        with self._lock:
            return [versions[max(versions)][0] for _, versions in sorted(self._models.items())]

    def versions(self, name: str) -> Sequence[ModelSummary]:
        with self._lock:
            if name not in self._models:
                raise ModelNotFound(name)
            return [summary for summary, _ in self._models[name].values()]

    def delete(self, name: str, version: int | None = None) -> None:
        with self._lock:
            versions = self._models.get(name, {})
            if not versions or (version is not None and version not in versions):
                raise ModelNotFound(name, version)
            for number in [*versions] if version is None else [version]:
                del versions[number]
            if not versions:
                del self._models[name], self._last_versions[name]


def _copy(job: Job) -> Job:
    """A job is immutable but for its metrics."""
    return job.progressed(job.current_timesteps, dict(job.metrics))
