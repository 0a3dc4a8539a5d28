"""The ports: what the domain and the use cases need from outside, as Protocols."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from domain.arrays import ActionArray, BoolArray, FloatArray, IntArray
from domain.checkpoint import Checkpoint, EvaluationSummary, Model
from domain.config import TrainingConfig
from domain.job import EventKind, Job, JobEvent, JobStatus
from domain.reports import Report
from domain.spaces import EnvironmentSpec

EnvironmentState = dict[str, NDArray[Any]]


class StepResult(NamedTuple):
    """One step of N environments: features float32 [N, D], native rewards [N], and how episodes ended, bool [N]."""

    observations: FloatArray
    rewards: FloatArray
    terminated: BoolArray
    truncated: BoolArray


class VectorEnvironment(Protocol):
    """N copies of one environment, stepped together. Never resets by itself. Not thread-safe.

    Observations are features (`domain.spaces.encode_observations`). The arrays returned belong to the environment and are
    valid until its next call. Any method raises EnvironmentFailed when the environment raises or returns NaN.
    """

    spec: EnvironmentSpec
    num_envs: int

    def reset(self, seeds: Sequence[int | None]) -> FloatArray:
        """Start a new episode in each member that has a seed, leave those with None; observations of all, [N, D].

        Equal seeds give equal starts. After a reset, a member's episode depends on its seed and its actions only.
        """
        ...

    def step(self, actions: ActionArray, active: BoolArray) -> StepResult:
        """Step the members where `active`; the others are not simulated: they keep their observation, reward 0, no end.

        `actions`: Discrete: int [N], 0 … n − 1; Box: float32 [N, A], in the environment's units, within its bounds.
        The observation of a member that ends is its last true one. Stepping an ended member is the caller's error.
        """
        ...

    def copy_members(self, sources: IntArray) -> FloatArray:
        """Member i takes over the state and step counter of member sources[i]; observations of all.

        Raises NotImplementedError unless `spec.cloneable`; a configuration that asks for it there is refused before.
        """
        ...

    def snapshot(self) -> EnvironmentState:
        """The state of all members as arrays that the caller owns."""
        ...

    def restore(self, state: EnvironmentState) -> FloatArray:
        """Take up a snapshot of an equal vector environment; observations of all."""
        ...

    def close(self) -> None:
        """Free what is held. Idempotent."""
        ...


class EnvironmentFactory(Protocol):
    """Makes environments by name. Picklable, since workers receive it. Thread-safe."""

    def names(self) -> Sequence[str]:
        """All that may be asked for, sorted. Imports and makes nothing, so `describe` may still refuse one of them."""
        ...

    def describe(self, env_name: str) -> EnvironmentSpec:
        """Raises UnknownEnvironment, UnsupportedEnvironment."""
        ...

    def make(self, env_name: str, num_envs: int, max_episode_steps: int) -> VectorEnvironment:
        """Raises UnknownEnvironment, UnsupportedEnvironment, EnvironmentFailed."""
        ...


SERVER_SECONDS = 10.0  # a server that has not said for so long that it lives has ended


class JobRepository(Protocol):
    """Keeps jobs, their checkpoints and events. Thread-safe. Returned objects are copies. Any method raises StorageFailure.

    A job that cannot be read is left out of every list; `get` raises CorruptData for it. Several servers may share one
    storage, where it is made for that; the ids of a job's events ascend in the order in which they can be seen.
    """

    def alone(self, *, queue: bool = False) -> AbstractContextManager[None]:
        """Keep other servers away from what this thread does in the block.

        A job that it reads there by `get` or `first_queued` is changed by no other server until the block ends;
        `first_queued` passes over the jobs that others hold so. `queue`: no other server counts, adds or resumes jobs
        meanwhile. Where the storage is shared, all that is written in the block, models included, is kept as a whole at
        its end, and not at all where an error leaves it. Not nested.
        """
        ...

    def beat(self, server: str) -> Collection[str]:
        """Say that this server lives; all that have said so within SERVER_SECONDS, by the clock of the storage."""
        ...

    def add(self, job: Job) -> None:
        """Raises JobAlreadyExists: there is one of that id, or one of that owner with that idempotency key."""
        ...

    def get(self, job_id: str) -> Job:
        """Raises JobNotFound, CorruptData."""
        ...

    def find(self, owner: str, idempotency_key: str) -> Job | None:
        """The job that this owner's request of that name made. Raises CorruptData."""
        ...

    def save(self, job: Job, *events: JobEvent, drop_checkpoint: bool = False) -> None:
        """Replace the job of that id, add events, remove its checkpoint if told so: all or nothing. Raises JobNotFound."""
        ...

    def save_progress(self, job: Job, *events: JobEvent) -> None:
        """As `save`, for what may be lost when the power goes: the next report renews it. Raises JobNotFound."""
        ...

    def list(self, limit: int | None = None, after: str | None = None, statuses: Collection[JobStatus] = ()) -> Sequence[Job]:
        """Jobs newest first (the order of `add`, reversed): those older than `after` and in `statuses`, if given.

        Raises JobNotFound for an unknown `after`.
        """
        ...

    def with_status(self, *statuses: JobStatus) -> Sequence[Job]:
        """Jobs in one of these states, oldest first."""
        ...

    def with_worker_of_no(self, servers: Collection[str]) -> Sequence[Job]:
        """Jobs that are running or stopping with a worker of none of these servers, oldest first."""
        ...

    def first_queued(self) -> Job | None:
        """The oldest job that waits."""
        ...

    def count(self, *statuses: JobStatus, owner: str | None = None) -> int:
        """How many jobs are in one of these states; those of one owner where one is named."""
        ...

    def count_by_status(self) -> Mapping[JobStatus, int]:
        """How many jobs are in each state; a state of none may be missing. Reads no job."""
        ...

    def probe(self) -> None:
        """Write something that changes nothing: returns where writing works."""
        ...

    def save_checkpoint(self, job: Job, checkpoint: Checkpoint, *events: JobEvent) -> None:
        """Replace the job and its checkpoint and add events, all or nothing. Raises JobNotFound.

        When a job has more than MOST_CHECKPOINT_EVENTS events of checkpoints, every second of them is removed: what remains
        spans the whole run.
        """
        ...

    def load_checkpoint(self, job_id: str) -> Checkpoint | None:
        """The last checkpoint; None where there is none (or no such job). Raises CorruptData."""
        ...

    def events(self, job_id: str, after: int = 0, limit: int = 1_000, kinds: Collection[EventKind] = ()) -> Sequence[JobEvent]:
        """Events of a job with an id above `after`, of these kinds if given, oldest first; none where there is no such job."""
        ...

    def last_event(self, job_id: str, kind: EventKind) -> JobEvent | None:
        """The newest event of a job of that kind."""
        ...

    def last_event_ids(self, job_ids: Collection[str]) -> Mapping[str, int]:
        """The id of each job's newest event; a job without events is missing."""
        ...


@dataclass(frozen=True)
class ModelSummary:
    """A version of a model without its arrays. `sha256` is that of `data`: equal runs have equal ones."""

    name: str
    version: int
    config: TrainingConfig
    job_id: str
    created_at: datetime
    timesteps: int
    evaluation: EvaluationSummary | None
    size_bytes: int
    sha256: str
    imported_at: datetime | None = None


class ModelRepository(Protocol):
    """Keeps models by name, in versions. Thread-safe. Any method raises StorageFailure.

    A version that cannot be listed is left out of every list.
    """

    def save(self, model: Model, behind: int = 0) -> int:
        """Keep the model as the newest version of its name, and return that version's number.

        A number names one model for as long as the name exists. Idempotent: what the same job has saved under this name
        already, to the same bits and as a version above `behind`, is not saved again; nor is what was imported so already.
        """
        ...

    def get(self, name: str, version: int | None = None) -> Model:
        """That version, or the newest. Raises ModelNotFound, CorruptData."""
        ...

    def list(self) -> Sequence[ModelSummary]:
        """The newest version of every model, by name."""
        ...

    def versions(self, name: str) -> Sequence[ModelSummary]:
        """All versions of a model, oldest first. Raises ModelNotFound."""
        ...

    def delete(self, name: str, version: int | None = None) -> None:
        """Remove that version, or all of them and the name. Raises ModelNotFound."""
        ...


class OtherServers(Protocol):
    """What other servers do with a shared storage."""

    def listen(self, on_job: Callable[[str], None], on_model: Callable[[str], None], on_gap: Callable[[], None]) -> None:
        """Have these called within a second, from a thread, from now on. Once.

        `on_job`: the state of that job was changed by another server, or it was added. `on_model`: a version of that name
        was saved or deleted by another. `on_gap`: news may have been missed, and anything may be different.
        """
        ...

    def close(self) -> None:
        """Call nobody any more. Idempotent."""
        ...


@dataclass(frozen=True)
class TrainingTask:
    """All that a worker needs for one job: picklable plain values."""

    job: Job
    environments: EnvironmentFactory
    checkpoint: Checkpoint | None = None
    checkpoint_seconds: float = 2.0


class JobExecutor(Protocol):
    """Runs training tasks beside the caller.

    Exactly one Ended or Failed is reported for each started task, last, unless the executor is closed before.
    """

    @property
    def capacity(self) -> int:
        """How many tasks run at once; where it changes with a cluster: as many as run, and those that could begin now."""
        ...

    @property
    def waiting_reason(self) -> str:
        """Why a job that waits does so, where this is not for the jobs before it; a sentence for people, or ""."""
        ...

    @property
    def alive(self) -> bool:
        """Whether tasks can be started and reports are heard: false after `close`."""
        ...

    def start(self, task: TrainingTask, listener: Callable[[Report], None]) -> None:
        """Begin a task. The listener is called from a thread of the executor, or before `start` returns."""
        ...

    def stop(self, job_id: str) -> None:
        """Ask a task to end; it reports Ended, or Failed with code `worker-unresponsive`, within 2 s.

        Asked again, or for an unknown task: no effect.
        """
        ...

    def kill(self, job_id: str) -> None:
        """End a task that gives no sign of life; it reports Failed with code `worker-unresponsive`. Unknown: no effect."""
        ...

    def close(self) -> None:
        """End all tasks without a report and free what is held. Idempotent."""
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time with an offset."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back and never jump."""
        ...
