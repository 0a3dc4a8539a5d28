"""What the service answers."""

from dataclasses import asdict
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http import fields
from domain.config import TrainingConfig

Timestamp = Annotated[
    str,
    Meta(
        description="ISO 8601 with offset.", examples=["2025-07-28T20:00:00+00:00"], extra_json_schema={"format": "date-time"}
    ),
]


class ConfigResponse(Struct):
    """A training configuration, complete. As a body of POST /train it repeats the run."""

    env_name: fields.EnvName
    total_timesteps: fields.TotalTimesteps
    learning_rate: fields.LearningRate
    n_steps: fields.NSteps
    batch_size: fields.BatchSize
    n_epochs: fields.NEpochs
    reward_function_type: fields.RewardFunctionTypeField
    model_name: fields.ModelName
    seed: fields.Seed
    n_envs: fields.NEnvs
    num_generations: fields.NumGenerations
    segment_start: fields.SegmentStartField
    reset_probability: fields.ResetProbability
    max_episode_steps: fields.MaxEpisodeSteps
    gamma: fields.Gamma
    epsilon: fields.Epsilon
    epsilon_high: fields.EpsilonHigh
    beta: fields.Beta
    ref_model_sync_steps: fields.RefModelSyncSteps
    ent_coef: fields.EntCoef
    target_kl: fields.TargetKl
    max_grad_norm: fields.MaxGradNorm
    lr_schedule: fields.LrSchedule
    loss_type: fields.LossTypeField
    scale_rewards: fields.ScaleRewardsField
    importance_sampling_level: fields.ImportanceSamplingLevelField
    supervision: fields.SupervisionField
    norm_obs: fields.NormObs
    noise_correlation: fields.NoiseCorrelation
    ema_decay: fields.EmaDecay
    gae_lambda: fields.GaeLambda
    log_std_init: fields.LogStdInit
    hidden_sizes: fields.HiddenSizes
    activation: fields.ActivationField
    eval_freq: fields.EvalFreq
    n_eval_episodes: fields.NEvalEpisodes
    num_workers: fields.NumWorkers


def config_response(config: TrainingConfig) -> ConfigResponse:
    """Every field as resolved."""
    return ConfigResponse(**{**asdict(config), "hidden_sizes": list(config.hidden_sizes)})


class TrainResponse(Struct):
    """A job was taken in."""

    job_id: str
    message: str
    config: ConfigResponse


class StatusResponse(Struct):
    """A training job. `status` is final when it is completed, failed or stopped."""

    job_id: str
    status: str
    progress: Annotated[float, Meta(ge=0, le=1, description="Share of the budget that is used.")]
    current_timesteps: int
    total_timesteps: int
    start_time: Timestamp | None
    end_time: Timestamp | None
    error_message: str | None
    error_code: str | None
    metrics: Annotated[dict[str, float], Meta(description="Newest figures by name; returns are native ones.")]
    env_name: str
    model_name: str
    created_at: Timestamp
    config: Annotated[
        ConfigResponse | UnsetType,
        Meta(description="As a body of POST /train it repeats the run. Left out where many jobs are listed."),
    ] = UNSET
    waiting_reason: Annotated[
        str | UnsetType, Meta(description="Why a queued job waits, as far as it is for the workers. Otherwise absent.")
    ] = UNSET


class ProgressResponse(Struct):
    """The data of a `progress` event: a job's newest state."""

    status: str
    progress: float
    current_timesteps: int
    total_timesteps: int
    fps: Annotated[float, Meta(description="Environment steps per second.")]
    eta_seconds: Annotated[float | None, Meta(description="Time that is left at this speed; null unless it runs.")]


class ServerSentEvent(Struct):
    """One event of a stream, as it is parsed (WHATWG HTML, Server-sent events)."""

    event: Annotated[str, Meta(description="What happened.", examples=["metrics"])]
    data: Annotated[
        str, Meta(description="A JSON object.", examples=['{"timesteps": 192, "metrics": {"train/entropy": 0.69}}'])
    ]
    id: Annotated[str | UnsetType, Meta(description="Opaque; absent where nothing can go on behind it.", examples=["57"])] = (
        UNSET
    )


class EvaluationPoint(Struct):
    """An evaluation after so many steps; `best`: it was the best until then."""

    timesteps: int
    time: Timestamp
    mean_reward: float
    std_reward: float
    mean_length: float
    episodes: int
    seed: int
    best: bool


class AdviceResponse(Struct):
    """What the metrics warn of: a stable word, and a sentence for people."""

    code: str
    message: str


class MetricsResponse(Struct):
    """The learning curve of a job, column by column."""

    job_id: str
    status: str
    timesteps: Annotated[list[int], Meta(description="Ascending, one for each point.")]
    times: list[Timestamp]
    metrics: Annotated[
        dict[str, list[float | None]],
        Meta(description="For each name as many figures as there are points; null where an update had none."),
    ]
    evaluations: list[EvaluationPoint]
    diagnosis: Annotated[list[AdviceResponse], Meta(description="Why the run may be flat; empty when all is well.")]


class JobsResponse(Struct):
    """Jobs, newest first."""

    jobs: list[StatusResponse]
    has_more: Annotated[
        bool | UnsetType,
        Meta(
            description="There are older ones: ask again with `after` = the id of the last. Left out where no page was asked "
            "for and there are none."
        ),
    ] = UNSET


class StopResponse(Struct):
    """A job was asked to end."""

    message: str
    job_id: str


class ResumeResponse(Struct):
    """A job goes on as soon as a worker is free."""

    message: str
    job_id: str
    config: ConfigResponse


class InferenceResponse(Struct):
    """The answer for one observation; for a list of observations, lists of the same length."""

    action: Annotated[
        int | list[float | list[float]],
        Meta(description="Discrete: an integer; Box: a list of numbers within its bounds."),
    ]
    action_probs: Annotated[
        list[float | list[float]] | None, Meta(description="Probabilities of a Discrete policy; null for a Box.")
    ]
    value: Annotated[float | list[float], Meta(description="Expected discounted native return from the observation.")]


class ModelResponse(Struct):
    """The newest version of a kept model; `loaded` = in memory, `saved` = in storage only."""

    name: str
    status: str
    version: int
    env_name: str
    job_id: str
    created_at: Timestamp
    size_bytes: int
    sha256: str


class ModelsResponse(Struct):
    """All kept models by name."""

    models: list[ModelResponse]


class EvaluationResponse(Struct):
    """Native returns of the deterministic policy over fresh episodes, played when it had been trained so far."""

    mean_reward: float
    std_reward: float
    mean_length: float
    episodes: int
    seed: int


class ModelVersionResponse(Struct):
    """A version of a model and where it comes from."""

    version: int
    env_name: str
    config: ConfigResponse
    seed: int
    job_id: str
    created_at: Timestamp
    timesteps: Annotated[int, Meta(description="Environment steps that it was trained for.")]
    evaluation: Annotated[
        EvaluationResponse | None, Meta(description="null: training was stopped, or the episodes may take longer than it did.")
    ]
    size_bytes: int
    sha256: Annotated[str, Meta(description="Of the policy with its configuration; equal runs have equal ones.")]
    imported_at: Annotated[
        Timestamp | None,
        Meta(description="When it came from a file; null: trained here. Job, seed and times are those of its training."),
    ]


class ModelVersionsResponse(Struct):
    """All versions of a model, oldest first; inference takes the newest unless another is named."""

    name: str
    status: str
    versions: list[ModelVersionResponse]


class ImportResponse(Struct):
    """A model was taken in as a version under a name."""

    message: str
    name: str
    version: int
    env_name: str
    sha256: str
    size_bytes: int


class DeleteResponse(Struct):
    """A model was removed."""

    message: str


class HealthResponse(Struct):
    """The service is up. `active_jobs` are being trained now."""

    status: str
    timestamp: Timestamp
    active_jobs: int
    loaded_models: int


class LiveResponse(Struct):
    """The event loop answers."""

    status: str


class ReadyResponse(Struct):
    """The service can do its work. `checks` has an entry "ok" for each check."""

    status: str
    checks: dict[str, str]


class IndexResponse(Struct):
    """Where to go from here."""

    message: str
    version: str
    endpoints: dict[str, str]


class FieldProblem(Struct):
    """What is wrong with one field of the body."""

    field: str
    message: str


class Problem(Struct, omit_defaults=True):
    """RFC 9457 problem details. `detail` is a sentence for people, `code` a stable word for machines."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | UnsetType = UNSET
