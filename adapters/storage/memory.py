"""Repositories in memory, for tests and scripts. What is kept are copies: encoded bytes, or immutable values."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

from adapters.storage.codec import decode_checkpoint, decode_model, encode_checkpoint, encode_model
from domain.checkpoint import Checkpoint, Model
from domain.errors import JobAlreadyExists, JobNotFound, ModelNotFound
from domain.job import Job, JobStatus
from domain.ports import ModelSummary


class MemoryJobRepository:
    """JobRepository that ends with the process."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._checkpoints: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def add(self, job: Job) -> None:
        with self._lock:
            if job.id in self._jobs:
                raise JobAlreadyExists(job.id)
            self._jobs[job.id] = _copy(job)

    def get(self, job_id: str) -> Job:
        with self._lock:
            if job_id not in self._jobs:
                raise JobNotFound(job_id)
            return _copy(self._jobs[job_id])

    def save(self, job: Job) -> None:
        with self._lock:
            self._replace(job)

    def list(self) -> Sequence[Job]:
        with self._lock:
            return [_copy(job) for job in reversed(self._jobs.values())]

    def with_status(self, *statuses: JobStatus) -> Sequence[Job]:
        with self._lock:
            return [_copy(job) for job in self._jobs.values() if job.status in statuses]

    def count(self, *statuses: JobStatus) -> int:
        return len(self.with_status(*statuses))

    def count_by_status(self) -> Mapping[JobStatus, int]:
        with self._lock:
            return Counter(job.status for job in self._jobs.values())

    def probe(self) -> None:
        """Memory can always be written."""

    def save_checkpoint(self, job: Job, checkpoint: Checkpoint) -> None:
        data = encode_checkpoint(checkpoint)
        with self._lock:
            self._replace(job)
            self._checkpoints[job.id] = data

    def load_checkpoint(self, job_id: str) -> Checkpoint | None:
        with self._lock:
            data = self._checkpoints.get(job_id)
        return None if data is None else decode_checkpoint(data)

    def delete_checkpoint(self, job_id: str) -> None:
        with self._lock:
            self._checkpoints.pop(job_id, None)

    def _replace(self, job: Job) -> None:
        if job.id not in self._jobs:
            raise JobNotFound(job.id)
        self._jobs[job.id] = _copy(job)


class MemoryModelRepository:
    """ModelRepository that ends with the process."""

    def __init__(self) -> None:
        self._models: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def save(self, model: Model) -> None:
        data = encode_model(model)
        with self._lock:
            self._models[model.name] = data

    def get(self, name: str) -> Model:
        with self._lock:
            data = self._models.get(name)
        if data is None:
            raise ModelNotFound(name)
        return decode_model(data)

    def list(self) -> Sequence[ModelSummary]:
        with self._lock:
            items = sorted(self._models.items())
        models = [(decode_model(data), len(data)) for _, data in items]
        return [ModelSummary(m.name, m.config.env_name, m.job_id, m.created_at, size) for m, size in models]

    def delete(self, name: str) -> None:
        with self._lock:
            if self._models.pop(name, None) is None:
                raise ModelNotFound(name)


def _copy(job: Job) -> Job:
    """A job is immutable but for its metrics."""
    return job.progressed(job.current_timesteps, dict(job.metrics))
