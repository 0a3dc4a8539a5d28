"""What clients send. Decoding checks types only: the domain checks every bound and says what is wrong with all fields."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http import fields


class TrainRequest(Struct, forbid_unknown_fields=True):
    """A training run. Every field is optional; what is left out gets a value that suits the environment.

    The answer's `config` shows every field as resolved.
    """

    env_name: fields.EnvName | UnsetType = UNSET
    total_timesteps: fields.TotalTimesteps | UnsetType = UNSET
    learning_rate: fields.LearningRate | UnsetType = UNSET
    n_steps: fields.NSteps | UnsetType = UNSET
    batch_size: fields.BatchSize | UnsetType = UNSET
    n_epochs: fields.NEpochs | UnsetType = UNSET
    reward_function_type: fields.RewardFunctionTypeField | UnsetType = UNSET
    model_name: fields.ModelName | UnsetType = UNSET
    seed: fields.Seed | UnsetType = UNSET
    n_envs: fields.NEnvs | UnsetType = UNSET
    num_generations: fields.NumGenerations | UnsetType = UNSET
    group_size: fields.GroupSize | UnsetType = UNSET
    segment_start: fields.SegmentStartField | UnsetType = UNSET
    reset_probability: fields.ResetProbability | UnsetType = UNSET
    max_episode_steps: fields.MaxEpisodeSteps | UnsetType = UNSET
    gamma: fields.Gamma | UnsetType = UNSET
    epsilon: fields.Epsilon | UnsetType = UNSET
    clip_range: fields.ClipRange | UnsetType = UNSET
    epsilon_high: fields.EpsilonHigh | UnsetType = UNSET
    beta: fields.Beta | UnsetType = UNSET
    ref_model_sync_steps: fields.RefModelSyncSteps | UnsetType = UNSET
    ent_coef: fields.EntCoef | UnsetType = UNSET
    target_kl: fields.TargetKl | UnsetType = UNSET
    max_grad_norm: fields.MaxGradNorm | UnsetType = UNSET
    lr_schedule: fields.LrSchedule | UnsetType = UNSET
    loss_type: fields.LossTypeField | UnsetType = UNSET
    scale_rewards: fields.ScaleRewardsField | UnsetType = UNSET
    importance_sampling_level: fields.ImportanceSamplingLevelField | UnsetType = UNSET
    supervision: fields.SupervisionField | UnsetType = UNSET
    norm_obs: fields.NormObs | UnsetType = UNSET
    noise_correlation: fields.NoiseCorrelation | UnsetType = UNSET
    ema_decay: fields.EmaDecay | UnsetType = UNSET
    gae_lambda: fields.GaeLambda | UnsetType = UNSET
    log_std_init: fields.LogStdInit | UnsetType = UNSET
    hidden_sizes: fields.HiddenSizes | UnsetType = UNSET
    activation: fields.ActivationField | UnsetType = UNSET
    eval_freq: fields.EvalFreq | UnsetType = UNSET
    n_eval_episodes: fields.NEvalEpisodes | UnsetType = UNSET
    num_workers: fields.NumWorkers | UnsetType = UNSET


class ResumeRequest(Struct, forbid_unknown_fields=True):
    """What may change when a job goes on."""

    total_timesteps: fields.TotalTimesteps | UnsetType = UNSET


class InferenceRequest(Struct, forbid_unknown_fields=True):
    """One observation, or a list of observations for a list of answers."""

    model_name: Annotated[str, Meta(description="A model of GET /models.", examples=["my_cartpole_model"])]
    observation: Annotated[
        list[float | list[float]],
        Meta(
            description="A Box observation flattened in C order, a Discrete one as [n]; or a list of such.",
            examples=[[0.1, 0.0, 0.05, 0.0]],
        ),
    ]
    deterministic: Annotated[bool, Meta(description="true: the most likely action (the mean for a Box); false: a sample.")] = (
        True
    )
    model_version: fields.ModelVersion | None = None


def given_fields(request: TrainRequest | ResumeRequest) -> dict[str, Any]:
    """The fields that the client sent."""
    values = {name: getattr(request, name) for name in request.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}
