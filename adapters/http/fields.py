"""The fields of a training configuration: types, descriptions, and the bounds that the domain checks, read from it."""

from typing import Annotated

from msgspec import Meta

from domain.config import (
    INTEGER_BOUNDS,
    MAX_HIDDEN_LAYERS,
    MAX_HIDDEN_UNITS,
    NUMBER_BOUNDS,
    REWARD_NAME,
    Activation,
    ImportanceSamplingLevel,
    LearningRateSchedule,
    LossType,
    ScaleRewards,
    SegmentStart,
    Supervision,
)
from domain.model_name import MAX_LENGTH


def _bounded(name: str, description: str) -> Meta:
    """Documents the domain's bounds of a field."""
    bounds = INTEGER_BOUNDS.get(name) or NUMBER_BOUNDS[name]
    number = int if name in INTEGER_BOUNDS else float
    low = "exclusiveMinimum" if bounds.above else "minimum"
    return Meta(description=description, extra_json_schema={low: number(bounds.low), "maximum": number(bounds.high)})


_HIDDEN_SIZES = Meta(
    description="Units of each hidden layer; the default is [64, 64].",
    extra_json_schema={
        "minItems": 1,
        "maxItems": MAX_HIDDEN_LAYERS,
    },
)
_Units = Annotated[int, Meta(extra_json_schema={"minimum": 1, "maximum": MAX_HIDDEN_UNITS})]


EnvName = Annotated[
    str,
    Meta(
        description="A registered Gymnasium id with a Box or Discrete observation and a Discrete or Box action.",
        examples=["CartPole-v1"],
        extra_json_schema={"default": "CartPole-v1"},
    ),
]
TotalTimesteps = Annotated[
    int, _bounded("total_timesteps", "Budget of simulated environment steps over all environments; default 10000.")
]
LearningRate = Annotated[float, _bounded("learning_rate", "Adam's step size; default 3e-4, or the environment's preset.")]
NSteps = Annotated[
    int | None,
    _bounded(
        "n_steps",
        "Steps per environment between two updates; null = whole episodes. Default: 32 for CartPole-v1 with "
        "a shaped reward, elsewhere the environment's preset.",
    ),
]
BatchSize = Annotated[int, _bounded("batch_size", "Minibatch size in steps; default 64.")]
NEpochs = Annotated[int, _bounded("n_epochs", "Passes over each batch of samples; default 10.")]
RewardFunctionTypeField = Annotated[
    str,
    Meta(
        description="What is learned from: a name of GET /reward-functions. optimized_cartpole and simple_cartpole fit "
        "CartPole only, where the first is the default; environment is the native reward, the default elsewhere. "
        "Plug-ins add others.",
        extra_json_schema={"pattern": f"^{REWARD_NAME}$"},
        examples=["optimized_cartpole", "simple_cartpole", "environment"],
    ),
]
ModelName = Annotated[
    str,
    Meta(
        description="The name under which the model is kept: letters and digits of any script, '.', '_', '-', the first "
        "a letter or digit. Default grpo_model_<job_id>.",
        extra_json_schema={"minLength": 1, "maxLength": MAX_LENGTH},
        examples=["my_cartpole_model"],
    ),
]
Seed = Annotated[
    int, _bounded("seed", "Same seed, same machine, same library versions: the same weights, bit for bit. Drawn when absent.")
]
NEnvs = Annotated[int, _bounded("n_envs", "Parallel environments, a whole number of groups; default 8.")]
NumGenerations = Annotated[int, _bounded("num_generations", "G, the members of a group that are compared with one another.")]
GroupSize = Annotated[int, _bounded("num_generations", "Another name of num_generations; conflicting values are refused.")]
SegmentStartField = Annotated[
    SegmentStart,
    Meta(
        description="With n_steps, where a group starts a segment: branched = all copy one live member's state (needs an "
        "environment that can be copied, as classic control and the tabular ones can), fresh = one new start shared by the "
        "group, carried = each goes on."
    ),
]
ResetProbability = Annotated[
    float, _bounded("reset_probability", "How often a branched group takes a fresh start instead; default 0.25.")
]
MaxEpisodeSteps = Annotated[
    int, _bounded("max_episode_steps", "Time limit of an episode; default the environment's own, 1000 where it has none.")
]
Gamma = Annotated[float, _bounded("gamma", "Discount; default 0.99.")]
Epsilon = Annotated[float, _bounded("epsilon", "Clip bound of the ratio below 1; default 0.2.")]
ClipRange = Annotated[float, _bounded("epsilon", "Another name of epsilon; conflicting values are refused.")]
EpsilonHigh = Annotated[float | None, _bounded("epsilon_high", "Clip bound above 1; null or absent = epsilon.")]
Beta = Annotated[float, _bounded("beta", "Weight of the KL to the reference policy; 0, the default, holds none.")]
RefModelSyncSteps = Annotated[
    int | None,
    _bounded("ref_model_sync_steps", "Updates between two copies of the policy to the reference; null = the initial one."),
]
EntCoef = Annotated[float, _bounded("ent_coef", "Weight of the entropy bonus; default 0.")]
TargetKl = Annotated[
    float | None, _bounded("target_kl", "An update ends early when approx_kl exceeds 1.5 times this; null = never.")
]
MaxGradNorm = Annotated[float, _bounded("max_grad_norm", "Bound of the gradient's global norm; default 0.5.")]
LrSchedule = Annotated[LearningRateSchedule, Meta(description="linear falls to 5 % of learning_rate over the budget.")]
LossTypeField = Annotated[
    LossType, Meta(description="grpo = mean per trajectory, then over them; dapo = over all steps; dr_grpo = constant length.")
]
ScaleRewardsField = Annotated[ScaleRewards, Meta(description="Which standard deviation divides the centred returns.")]
ImportanceSamplingLevelField = Annotated[
    ImportanceSamplingLevel, Meta(description="One ratio per step (token), or per trajectory (sequence; needs loss_type grpo).")
]
SupervisionField = Annotated[Supervision, Meta(description="process = returns-to-go; outcome = one return per trajectory.")]
NormObs = Annotated[bool, Meta(description="Running observation normalisation; default true for Box observations.")]
NoiseCorrelation = Annotated[
    float, _bounded("noise_correlation", "Correlation of neighbouring steps' exploration noise; 0 = white.")
]
GaeLambda = Annotated[
    float | None,
    _bounded("gae_lambda", "Lambda of generalised advantage estimation over a ridge value; null = whole returns, no value."),
]
LogStdInit = Annotated[float, _bounded("log_std_init", "Initial log standard deviation of continuous actions; default 0.")]
EmaDecay = Annotated[
    float, _bounded("ema_decay", "The kept policy is a moving average of the parameters; 0 = the last parameters.")
]
HiddenSizes = Annotated[list[_Units], _HIDDEN_SIZES]
ActivationField = Annotated[Activation, Meta(description="Of the hidden layers; default tanh.")]
EvalFreq = Annotated[
    int,
    _bounded("eval_freq", "Steps between two evaluations during training, the best policy of which is kept; default 0 = none."),
]
NEvalEpisodes = Annotated[int, _bounded("n_eval_episodes", "Episodes of an evaluation; default 10.")]
NumWorkers = Annotated[
    int, _bounded("num_workers", "Samplers with a part of the environments each, beside one another on Ray; default 1.")
]
ModelVersion = Annotated[
    int, Meta(ge=1, le=2**53, description="A version of GET /models/{model_name}; null or absent: the newest, or all.")
]
