"""What must hold of jobs and models, in plain Python: the reference that the service is compared with."""

from dataclasses import dataclass, field
from typing import NamedTuple

CAPACITY = 2
MAX_QUEUED = 2
MAX_ATTEMPTS = 2
ENDED = {"completed", "failed", "stopped"}
# Bodies that are refused for their first field.
INVALID = (
    {"total_timesteps": 0},
    {"total_timesteps": "many"},
    {"model_name": "../etc"},
    {"env_name": "Nowhere-v0"},
    {"steps": 5},
    {"learning_rate": 2.0},
)


@dataclass
class JobModel:
    """A job. `checkpoint`: the time steps of its last one. `attempts`: how often it was begun since that."""

    id: str
    body: dict[str, object]
    status: str = "queued"
    timesteps: int = 0
    checkpoint: int | None = None
    attempts: int = 0

    @property
    def name(self) -> str:
        return str(self.body["model_name"])

    @property
    def budget(self) -> int:
        return int(str(self.body["total_timesteps"]))


class Version(NamedTuple):
    """What a job has kept: after so many time steps of such a budget."""

    job: str
    timesteps: int
    budget: int


@dataclass
class ServiceModel:
    """Jobs in order of arrival; of each model name the versions by number, and the last number that was given."""

    jobs: dict[str, JobModel] = field(default_factory=dict)
    keys: dict[str, tuple[dict[str, object], str]] = field(default_factory=dict)
    models: dict[str, dict[int, Version]] = field(default_factory=dict)
    last_version: dict[str, int] = field(default_factory=dict)

    def of(self, *statuses: str) -> list[JobModel]:
        return [job for job in self.jobs.values() if job.status in statuses]

    @property
    def full(self) -> bool:
        return len(self.of("running")) >= CAPACITY and len(self.of("queued")) >= MAX_QUEUED

    def dispatch(self) -> list[JobModel]:
        """Begin the oldest waiting jobs, each where its checkpoint is; those that were begun."""
        begun = self.of("queued")[: max(0, CAPACITY - len(self.of("running")))]
        for job in begun:
            job.status, job.timesteps, job.attempts = "running", job.checkpoint or 0, job.attempts + 1
        return begun

    def checkpointed(self, job: JobModel) -> None:
        job.checkpoint, job.attempts = job.timesteps, 0

    def lost(self, job: JobModel) -> None:
        """Its worker is gone."""
        job.status = "failed" if job.attempts >= MAX_ATTEMPTS else "queued"

    def end(self, job: JobModel, status: str, kept: int | None) -> None:
        """`kept`: time steps of what is kept as the model, if anything is."""
        job.status = status
        if kept is not None:
            job.timesteps = kept
        if status == "completed":
            job.checkpoint = None
        if kept:
            versions, version = self.models.setdefault(job.name, {}), Version(job.id, kept, job.budget)
            if version not in versions.values():
                self.last_version[job.name] = self.last_version.get(job.name, 0) + 1
                versions[self.last_version[job.name]] = version

    def delete(self, name: str, version: int | None) -> bool:
        """Whether there was anything to delete."""
        versions = self.models.get(name, {})
        gone = [*versions] if version is None else [number for number in versions if number == version]
        for number in gone:
            del versions[number]
        if not versions:
            self.models.pop(name, None)
            self.last_version.pop(name, None)
        return bool(gone)
