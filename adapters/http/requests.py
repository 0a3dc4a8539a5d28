"""What clients send. Decoding checks types only: the domain checks every bound and says what is wrong with all fields.

The bounds that the OpenAPI schema shows are read from the domain, so they cannot differ.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from domain.config import (
    INTEGER_BOUNDS,
    MAX_HIDDEN_LAYERS,
    MAX_HIDDEN_UNITS,
    NUMBER_BOUNDS,
    Activation,
    ImportanceSamplingLevel,
    LearningRateSchedule,
    LossType,
    RewardFunctionType,
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
        "items": {"type": "integer", "minimum": 1, "maximum": MAX_HIDDEN_UNITS},
    },
)


class TrainRequest(Struct, forbid_unknown_fields=True):
    """A training run. Every field is optional; what is left out gets a value that suits the environment.

    The answer's `config` shows every field as resolved.
    """

    env_name: Annotated[
        str | UnsetType,
        Meta(
            description="A registered Gymnasium id with a Box or Discrete observation and a Discrete or Box action.",
            examples=["CartPole-v1"],
            extra_json_schema={"default": "CartPole-v1"},
        ),
    ] = UNSET
    total_timesteps: Annotated[
        int | UnsetType,
        _bounded("total_timesteps", "Budget of simulated environment steps over all environments; default 10000."),
    ] = UNSET
    learning_rate: Annotated[
        float | UnsetType, _bounded("learning_rate", "Adam's step size; default 3e-4, or the environment's preset.")
    ] = UNSET
    n_steps: Annotated[
        int | UnsetType | None,
        _bounded(
            "n_steps",
            "Steps per environment between two updates; null = whole episodes. Default: 32 for CartPole-v1 with a shaped "
            "reward, elsewhere the environment's preset.",
        ),
    ] = UNSET
    batch_size: Annotated[int | UnsetType, _bounded("batch_size", "Minibatch size in steps; default 64.")] = UNSET
    n_epochs: Annotated[int | UnsetType, _bounded("n_epochs", "Passes over each batch of samples; default 10.")] = UNSET
    reward_function_type: Annotated[
        RewardFunctionType | UnsetType,
        Meta(
            description="What is learned from. The first two fit CartPole only, where optimized_cartpole is the default; "
            "environment is the native reward, the default elsewhere."
        ),
    ] = UNSET
    model_name: Annotated[
        str | UnsetType,
        Meta(
            description="The name under which the model is kept: letters and digits of any script, '.', '_', '-', the first "
            "a letter or digit. Default grpo_model_<job_id>.",
            extra_json_schema={"minLength": 1, "maxLength": MAX_LENGTH},
            examples=["my_cartpole_model"],
        ),
    ] = UNSET
    seed: Annotated[
        int | UnsetType,
        _bounded("seed", "Same seed, same machine, same library versions: the same weights, bit for bit. Drawn when absent."),
    ] = UNSET
    n_envs: Annotated[int | UnsetType, _bounded("n_envs", "Parallel environments, a whole number of groups; default 8.")] = (
        UNSET
    )
    num_generations: Annotated[
        int | UnsetType, _bounded("num_generations", "G, the members of a group that are compared with one another.")
    ] = UNSET
    group_size: Annotated[
        int | UnsetType, _bounded("num_generations", "Another name of num_generations; conflicting values are refused.")
    ] = UNSET
    segment_start: Annotated[
        SegmentStart | UnsetType,
        Meta(
            description="With n_steps, where a group starts a segment: branched = all copy one live member's state (needs an "
            "environment that can be copied: CartPole-v1), fresh = one new start shared by the group, carried = each goes on."
        ),
    ] = UNSET
    reset_probability: Annotated[
        float | UnsetType,
        _bounded("reset_probability", "How often a branched group takes a fresh start instead; default 0.25."),
    ] = UNSET
    max_episode_steps: Annotated[
        int | UnsetType,
        _bounded("max_episode_steps", "Time limit of an episode; default the environment's own, 1000 where it has none."),
    ] = UNSET
    gamma: Annotated[float | UnsetType, _bounded("gamma", "Discount; default 0.99.")] = UNSET
    epsilon: Annotated[float | UnsetType, _bounded("epsilon", "Clip bound of the ratio below 1; default 0.2.")] = UNSET
    clip_range: Annotated[
        float | UnsetType, _bounded("epsilon", "Another name of epsilon; conflicting values are refused.")
    ] = UNSET
    epsilon_high: Annotated[
        float | UnsetType | None, _bounded("epsilon_high", "Clip bound above 1; null or absent = epsilon.")
    ] = UNSET
    beta: Annotated[
        float | UnsetType, _bounded("beta", "Weight of the KL to the reference policy; 0, the default, holds none.")
    ] = UNSET
    ref_model_sync_steps: Annotated[
        int | UnsetType | None,
        _bounded("ref_model_sync_steps", "Updates between two copies of the policy to the reference; null = the initial one."),
    ] = UNSET
    ent_coef: Annotated[float | UnsetType, _bounded("ent_coef", "Weight of the entropy bonus; default 0.")] = UNSET
    target_kl: Annotated[
        float | UnsetType | None,
        _bounded("target_kl", "An update ends early when approx_kl exceeds 1.5 times this; null = never."),
    ] = UNSET
    max_grad_norm: Annotated[
        float | UnsetType, _bounded("max_grad_norm", "Bound of the gradient's global norm; default 0.5.")
    ] = UNSET
    lr_schedule: Annotated[
        LearningRateSchedule | UnsetType, Meta(description="linear falls to 5 % of learning_rate over the budget.")
    ] = UNSET
    loss_type: Annotated[
        LossType | UnsetType,
        Meta(description="grpo = mean per trajectory, then over them; dapo = over all steps; dr_grpo = constant length."),
    ] = UNSET
    scale_rewards: Annotated[
        ScaleRewards | UnsetType, Meta(description="Which standard deviation divides the centred returns.")
    ] = UNSET
    importance_sampling_level: Annotated[
        ImportanceSamplingLevel | UnsetType,
        Meta(description="One ratio per step (token), or per trajectory (sequence; needs loss_type grpo)."),
    ] = UNSET
    supervision: Annotated[
        Supervision | UnsetType, Meta(description="process = returns-to-go; outcome = one return per trajectory.")
    ] = UNSET
    norm_obs: Annotated[
        bool | UnsetType, Meta(description="Running observation normalisation; default true for Box observations.")
    ] = UNSET
    noise_correlation: Annotated[
        float | UnsetType,
        _bounded("noise_correlation", "Correlation of neighbouring exploration noise for continuous actions; 0 = white."),
    ] = UNSET
    ema_decay: Annotated[
        float | UnsetType,
        _bounded("ema_decay", "The kept policy is a moving average of the parameters; 0 = the last parameters."),
    ] = UNSET
    hidden_sizes: Annotated[list[int] | UnsetType, _HIDDEN_SIZES] = UNSET
    activation: Annotated[Activation | UnsetType, Meta(description="Of the hidden layers; default tanh.")] = UNSET


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


def given_fields(request: TrainRequest) -> dict[str, Any]:
    """The fields that the client sent."""
    values = {name: getattr(request, name) for name in request.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}
