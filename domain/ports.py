"""The ports: what the domain and the use cases need from outside, as Protocols."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from domain.arrays import ActionArray, BoolArray, FloatArray, IntArray
from domain.checkpoint import Checkpoint, Model
from domain.job import Job, JobStatus
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

    def describe(self, env_name: str) -> EnvironmentSpec:
        """Raises UnknownEnvironment, UnsupportedEnvironment."""
        ...

    def make(self, env_name: str, num_envs: int, max_episode_steps: int) -> VectorEnvironment:
        """Raises UnknownEnvironment, UnsupportedEnvironment, EnvironmentFailed."""
        ...


class JobRepository(Protocol):
    """Keeps jobs and their checkpoints. Thread-safe. Returned objects are copies. Any method raises StorageFailure."""

    def add(self, job: Job) -> None:
        """Raises JobAlreadyExists."""
        ...

    def get(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        ...

    def save(self, job: Job) -> None:
        """Replace the job of that id. Raises JobNotFound."""
        ...

    def list(self) -> Sequence[Job]:
        """All jobs, newest first (the order of `add`, reversed)."""
        ...

    def with_status(self, *statuses: JobStatus) -> Sequence[Job]:
        """Jobs in one of these states, oldest first."""
        ...

    def count(self, *statuses: JobStatus) -> int:
        """How many jobs are in one of these states."""
        ...

    def count_by_status(self) -> Mapping[JobStatus, int]:
        """How many jobs are in each state; a state of none may be missing. Reads no job."""
        ...

    def probe(self) -> None:
        """Write something that changes nothing: returns where writing works."""
        ...

    def save_checkpoint(self, job: Job, checkpoint: Checkpoint) -> None:
        """Replace the job and its checkpoint, both or neither. Raises JobNotFound."""
        ...

    def load_checkpoint(self, job_id: str) -> Checkpoint | None:
        """The last checkpoint; None where there is none (or no such job). Raises CorruptData."""
        ...

    def delete_checkpoint(self, job_id: str) -> None:
        """Idempotent."""
        ...


@dataclass(frozen=True)
class ModelSummary:
    """A model without its arrays."""

    name: str
    env_name: str
    job_id: str
    created_at: datetime
    size_bytes: int


class ModelRepository(Protocol):
    """Keeps models by name. Thread-safe. Any method raises StorageFailure."""

    def save(self, model: Model) -> None:
        """Keep the model, in place of one of the same name."""
        ...

    def get(self, name: str) -> Model:
        """Raises ModelNotFound, CorruptData."""
        ...

    def list(self) -> Sequence[ModelSummary]:
        """All models, by name."""
        ...

    def delete(self, name: str) -> None:
        """Raises ModelNotFound."""
        ...


@dataclass(frozen=True)
class Progressed:
    """A running job's newest figures."""

    job_id: str
    timesteps: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Checkpointed:
    """A state from which the job can go on, with the figures that belong to it."""

    job_id: str
    checkpoint: Checkpoint
    metrics: dict[str, float]


@dataclass(frozen=True)
class Ended:
    """The job's training is over: its budget is used up, or it obeyed a stop. `checkpoint` is the final state."""

    job_id: str
    checkpoint: Checkpoint
    metrics: dict[str, float]
    stopped: bool


@dataclass(frozen=True)
class Failed:
    """The job's training could not go on."""

    job_id: str
    code: str
    message: str


Report = Progressed | Checkpointed | Ended | Failed


@dataclass(frozen=True)
class TrainingTask:
    """All that a worker needs for one job: picklable plain values."""

    job: Job
    environments: EnvironmentFactory
    checkpoint: Checkpoint | None = None


class JobExecutor(Protocol):
    """Runs training tasks beside the caller.

    Exactly one Ended or Failed is reported for each started task, last, unless the executor is closed before.
    """

    @property
    def capacity(self) -> int:
        """How many tasks run at once."""
        ...

    @property
    def alive(self) -> bool:
        """Whether tasks can be started and reports are heard: false after `close`."""
        ...

    def start(self, task: TrainingTask, listener: Callable[[Report], None]) -> None:
        """Begin a task. The listener is called from a thread of the executor, or before `start` returns."""
        ...

    def stop(self, job_id: str) -> None:
        """Ask a task to end; it reports Ended, or Failed with code `worker-unresponsive`, within 2 s. Unknown: no effect."""
        ...

    def close(self) -> None:
        """End all tasks without a report and free what is held. Idempotent."""
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time with an offset."""
        ...
