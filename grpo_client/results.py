"""What the server answers, typed. Fields that a newer server adds are ignored."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from msgspec import Struct, field

ENDED = frozenset({"completed", "failed", "stopped"})


class JobStatus(Struct, kw_only=True):
    """How far a job is. `metrics` are the newest figures by name; returns among them are the environment's own.

    `config` is the whole configuration; empty where many jobs were listed. `waiting_reason`: why a queued job waits.
    """

    job_id: str
    status: str
    progress: float
    current_timesteps: int
    total_timesteps: int
    env_name: str
    model_name: str
    created_at: datetime
    start_time: datetime | None = None
    end_time: datetime | None = None
    error_code: str | None = None
    error_message: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    waiting_reason: str | None = None

    @property
    def ended(self) -> bool:
        """Completed, failed or stopped: it will not change any more, unless it is resumed."""
        return self.status in ENDED

    def _repr_html_(self) -> str:
        """For notebooks."""
        figures = "".join(
            f"<tr><td>{escape(name)}</td><td style='text-align:right'>{value:.4g}</td></tr>"
            for name, value in self.metrics.items()
        )
        steps = f"{self.current_timesteps:,} of {self.total_timesteps:,} steps"
        reason = f"<p>{escape(self.error_message)}</p>" if self.error_message else ""
        return (
            f"<p><b>{escape(self.model_name)}</b> on {escape(self.env_name)}: {escape(self.status)} "
            f"<progress value='{self.progress}'></progress> {steps}</p>{reason}<table>{figures}</table>"
        )


class Evaluation(Struct, kw_only=True):
    """Returns of the deterministic policy in fresh episodes."""

    mean_reward: float
    std_reward: float
    mean_length: float
    episodes: int
    seed: int


class EvaluationPoint(Evaluation, kw_only=True):
    """An evaluation while training went on. `best`: better than all before it."""

    timesteps: int
    time: datetime
    best: bool = False


class Diagnosis(Struct):
    """Why a run learns nothing: a word for machines, a sentence for people."""

    code: str
    message: str


class Metrics(Struct, kw_only=True):
    """The history of a run by columns: each list in `metrics` is as long as `timesteps`."""

    job_id: str
    status: str
    timesteps: list[int]
    times: list[datetime]
    metrics: dict[str, list[float | None]]
    evaluations: list[EvaluationPoint] = field(default_factory=list)
    diagnosis: list[Diagnosis] = field(default_factory=list)


class Event(Struct, frozen=True):
    """One event of a stream. `id`: where the stream can be continued; None until the server has sent one."""

    kind: str
    data: dict[str, Any]
    id: str | None = None


class Prediction(Struct):
    """The answer for one observation; for several, lists of the same length."""

    action: Any
    action_probs: Any
    value: Any


class ModelInfo(Struct, kw_only=True):
    """The newest version of a model. `status`: "loaded" = in the server's memory, "saved" = in its storage only."""

    name: str
    status: str
    version: int
    env_name: str
    created_at: datetime
    size_bytes: int
    sha256: str
    job_id: str | None = None


class ModelVersion(Struct, kw_only=True):
    """One version of a model and where it comes from."""

    version: int
    env_name: str
    config: dict[str, Any]
    seed: int
    created_at: datetime
    timesteps: int
    size_bytes: int
    sha256: str
    job_id: str | None = None
    evaluation: Evaluation | None = None


class ModelVersions(Struct, kw_only=True):
    """All versions of a model, the oldest first."""

    name: str
    status: str
    versions: list[ModelVersion]


class Histogram(Struct):
    """`counts[i]` values lie between `edges[i]` and `edges[i + 1]`."""

    edges: list[float]
    counts: list[int]


class EvaluationReport(Struct, kw_only=True):
    """How good a model is. `ci95`: the 95 % confidence interval of the mean return; None for a single episode."""

    model_name: str
    model_version: int
    env_name: str
    episodes: int
    seed: int
    deterministic: bool
    mean_reward: float
    std_reward: float
    min_reward: float
    max_reward: float
    mean_length: float
    returns: list[float]
    lengths: list[int]
    histogram: Histogram
    ci95: tuple[float, float] | None = None


class Replay(Struct, kw_only=True, rename={"return_": "return"}):
    """One episode, step by step. Equal seeds give equal hashes."""

    model_name: str
    model_version: int
    env_name: str
    seed: int
    deterministic: bool
    length: int
    return_: float
    terminated: bool
    truncated: bool
    observations: list[Any]
    actions: list[Any]
    rewards: list[float]
    trajectory_sha256: str


class Space(Struct, kw_only=True):
    """What observations or actions may be: `type` "box" with `shape`, `low`, `high`, or "discrete" with `n`, `start`."""

    type: str
    shape: list[int] | None = None
    low: Any = None
    high: Any = None
    n: int | None = None
    start: int | None = None


class Environment(Struct, kw_only=True):
    """An environment and its defaults for training. If it is not `available`, `reason` says why."""

    env_name: str
    available: bool
    reason: str | None = None
    observation_space: Space | None = None
    action_space: Space | None = None
    max_episode_steps: int | None = None
    reward_threshold: float | None = None
    vectorised: bool = False
    drawable: bool = False
    reward_functions: list[str] = field(default_factory=list)
    defaults: dict[str, Any] | None = None


class RewardFunction(Struct, kw_only=True):
    """A reward to learn from. `env_names` null: fits every environment; `source`: "built-in", or what brings it."""

    name: str
    description: str
    formula: str | None = None
    env_names: list[str] | None = None
    bounds: tuple[float, float] | None = None
    source: str = "built-in"


class ImportedModel(Struct, kw_only=True):
    """A file became a version of a model."""

    name: str
    version: int
    env_name: str
    sha256: str
    size_bytes: int
    message: str = ""


class Health(Struct, kw_only=True):
    """The server is up."""

    status: str
    timestamp: datetime
    active_jobs: int
    loaded_models: int


class Readiness(Struct, kw_only=True):
    """The server can do its work. `checks`: "ok" for each."""

    status: str
    checks: Mapping[str, str]


class Started(Struct, kw_only=True):
    """A job was taken in, or goes on. `config` is complete: sent again, it repeats the run."""

    job_id: str
    config: dict[str, Any]


class Said(Struct, kw_only=True):
    """A sentence in answer to a command."""

    message: str


class Jobs(Struct, kw_only=True):
    """A page of jobs, the newest first."""

    jobs: list[JobStatus]
    has_more: bool = False


class ModelFile(bytes):
    """The bytes of an exported model. `parity` tells how well an ONNX graph agrees with the policy; else None."""

    sha256: str | None
    parity: dict[str, Any] | None


class Svg(bytes):
    """A picture; a notebook shows it."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return self.decode()
