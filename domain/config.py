"""TrainingConfig: everything that decides a training run, with its bounds.

Names are Stable-Baselines3's and TRL's. A configuration is complete (nothing is left to defaults elsewhere): with the
code's version and the machine it determines the trained weights bit for bit.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from domain.errors import FieldError, InvalidConfiguration
from domain.model_name import model_name_error

LossType = Literal["grpo", "dapo", "dr_grpo"]
ScaleRewards = Literal["group", "batch", "none"]
ImportanceSamplingLevel = Literal["token", "sequence"]
Supervision = Literal["process", "outcome"]
Activation = Literal["tanh", "relu"]
LearningRateSchedule = Literal["constant", "linear"]
SegmentStart = Literal["branched", "fresh", "carried"]

CHOICES: dict[str, tuple[str, ...]] = {
    "loss_type": get_args(LossType),
    "scale_rewards": get_args(ScaleRewards),
    "importance_sampling_level": get_args(ImportanceSamplingLevel),
    "supervision": get_args(Supervision),
    "activation": get_args(Activation),
    "lr_schedule": get_args(LearningRateSchedule),
    "segment_start": get_args(SegmentStart),
}


@dataclass(frozen=True)
class Bounds:
    """A closed or half-open interval of numbers: `low` is excluded where `above` is set."""

    low: float
    high: float
    above: bool = False

    def allows(self, value: float) -> bool:
        return (value > self.low if self.above else value >= self.low) and value <= self.high

    def __str__(self) -> str:
        low, high = (str(bound) if isinstance(bound, int) else f"{bound:.15g}" for bound in (self.low, self.high))
        return f"{'above' if self.above else 'at least'} {low} and at most {high}"


INTEGER_BOUNDS: dict[str, Bounds] = {
    "total_timesteps": Bounds(1, 1_000_000_000),
    "n_steps": Bounds(1, 100_000),
    "batch_size": Bounds(1, 1_000_000),
    "n_epochs": Bounds(1, 1_000),
    "n_envs": Bounds(2, 4_096),
    "num_generations": Bounds(2, 4_096),
    "seed": Bounds(0, 2**63 - 1),
    "max_episode_steps": Bounds(1, 1_000_000),
    "ref_model_sync_steps": Bounds(1, 1_000_000),
    "eval_freq": Bounds(0, 1_000_000_000),
    "n_eval_episodes": Bounds(1, 100),
    "num_workers": Bounds(1, 64),
}
NUMBER_BOUNDS: dict[str, Bounds] = {
    "learning_rate": Bounds(0, 1, above=True),
    "gamma": Bounds(0, 1),
    "epsilon": Bounds(0, 1, above=True),
    "epsilon_high": Bounds(0, 10, above=True),
    "beta": Bounds(0, 100),
    "ent_coef": Bounds(0, 10),
    "max_grad_norm": Bounds(0, 1_000_000, above=True),
    "target_kl": Bounds(0, 100, above=True),
    "noise_correlation": Bounds(0, 0.999),
    "reset_probability": Bounds(0, 1),
    "ema_decay": Bounds(0, 0.9999),
    "gae_lambda": Bounds(0, 1),
    "log_std_init": Bounds(-5, 2),
}
OPTIONAL = frozenset({"n_steps", "epsilon_high", "gae_lambda", "target_kl", "ref_model_sync_steps"})
BOOLEANS = frozenset({"norm_obs"})
MAX_HIDDEN_LAYERS = 8
MAX_HIDDEN_UNITS = 4_096
REWARD_NAME = r"[A-Za-z][A-Za-z0-9_.\-]{0,127}"


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training run. Raises InvalidConfiguration that names every wrong field.

    Attributes:
        env_name: Gymnasium id.
        model_name: the name under which the policy is kept.
        total_timesteps: budget of simulated environment steps, over all environments.
        reward_function_type: the name of what is learned from; whether there is one of that name, `domain.rewards` knows,
            and a plug-in may be gone where the configuration is read again. Returns are reported in the native reward as well.
        seed: of every random number in the run.
        n_steps: segment groups: steps per environment between two updates; None: episode groups.
        segment_start: how the members of a group start a segment: `branched` = all copy one live member
            (or take one fresh start, with `reset_probability`), `fresh` = one fresh start shared by the group,
            `carried` = each goes on where it was, with automatic reset, and all environments are one group.
        n_envs: parallel environments, a whole number of groups of `num_generations`.
        batch_size, n_epochs: minibatch size in steps, passes over each batch.
        learning_rate, lr_schedule: Adam's step size; `linear` falls to 5 % of it over the budget.
        gamma: discount.
        epsilon, epsilon_high: lower and upper clip bound of the ratio; `epsilon_high` None = `epsilon`.
        beta: weight of the k3 KL to the reference policy: the initial one, or the current one copied every
            `ref_model_sync_steps` updates.
        ent_coef: weight of the entropy bonus.
        target_kl: an update ends early when approx_kl exceeds 1.5 × this; None = never.
        max_grad_norm: bound of the gradient's global norm.
        loss_type, scale_rewards, importance_sampling_level, supervision: see `domain.objective` and `domain.advantages`.
        norm_obs: running observation normalisation.
        gae_lambda: λ of generalised advantage estimation over a ridge value (`domain.ridge_value`), of whose advantages the
            group's mean is subtracted; None = no value: whole returns.
        noise_correlation: of the exploration noise of neighbouring steps: ρ of an AR(1) process for continuous actions, for
            discrete ones the probability that a member's noise stays as it was; 0 = white.
        log_std_init: initial log σ, for continuous actions.
        ema_decay: the policy that is kept is an exponential moving average of the parameters, one step per
            minibatch; 0 = the last parameters.
        max_episode_steps: time limit of an episode.
        eval_freq: steps between two evaluations during training, the best policy of which is kept beside the last; 0 = only
            when training is over. Evaluation uses no step of the budget and changes no bit of the training.
        n_eval_episodes: episodes of an evaluation.
        num_workers: samplers that have n_envs / num_workers environments each, whole groups of them, and random numbers of
            their own; on a Ray cluster they run beside one another.
        hidden_sizes, activation: the network.
    """

    env_name: str
    model_name: str
    total_timesteps: int
    reward_function_type: str
    seed: int
    max_episode_steps: int
    n_steps: int | None = None
    segment_start: SegmentStart = "carried"
    reset_probability: float = 0.25
    n_envs: int = 8
    num_generations: int = 8
    batch_size: int = 64
    n_epochs: int = 10
    learning_rate: float = 3e-4
    lr_schedule: LearningRateSchedule = "constant"
    gamma: float = 0.99
    epsilon: float = 0.2
    epsilon_high: float | None = None
    beta: float = 0.0
    ref_model_sync_steps: int | None = None
    ent_coef: float = 0.0
    target_kl: float | None = None
    max_grad_norm: float = 0.5
    loss_type: LossType = "dapo"
    scale_rewards: ScaleRewards = "batch"
    importance_sampling_level: ImportanceSamplingLevel = "token"
    supervision: Supervision = "process"
    norm_obs: bool = True
    noise_correlation: float = 0.0
    ema_decay: float = 0.0
    gae_lambda: float | None = None
    log_std_init: float = 0.0
    hidden_sizes: tuple[int, ...] = (64, 64)
    activation: Activation = "tanh"
    eval_freq: int = 0
    n_eval_episodes: int = 10
    num_workers: int = 1

    def __post_init__(self) -> None:
        errors = [*self._field_errors()]
        if not errors:
            errors = [*self._relation_errors()]
        if errors:
            raise InvalidConfiguration(*errors)

    @property
    def num_groups(self) -> int:
        """Groups of all environments."""
        return self.n_envs // self.num_generations

    def _field_errors(self) -> Iterator[FieldError]:
        if not isinstance(self.env_name, str) or not self.env_name:
            yield FieldError("env_name", f"env_name must be a Gymnasium id such as 'CartPole-v1', got {self.env_name!r}.")
        if error := model_name_error(self.model_name):
            yield FieldError("model_name", error)
        if error := reward_name_error(self.reward_function_type):
            yield FieldError("reward_function_type", error)
        for name in (field.name for field in fields(self)):
            if message := _value_error(name, getattr(self, name)):
                yield FieldError(name, message)

    def _relation_errors(self) -> Iterator[FieldError]:
        if self.n_envs % (self.num_generations * self.num_workers):
            workers = f" for each of num_workers {self.num_workers}" if self.num_workers > 1 else ""
            yield FieldError(
                "n_envs",
                f"n_envs must be a whole number of groups{workers}, got {self.n_envs} with num_generations "
                f"{self.num_generations}.",
            )
        if self.importance_sampling_level == "sequence" and self.loss_type != "grpo":
            yield FieldError(
                "importance_sampling_level",
                f'importance_sampling_level "sequence" needs loss_type "grpo", got {self.loss_type!r}.',
            )
        if self.gae_lambda is not None and self.supervision == "outcome":
            yield FieldError(
                "supervision",
                'supervision "outcome" gives every step the whole return, and gae_lambda weighs single steps; leave one out.',
            )
        carried = self.n_steps is not None and self.segment_start == "carried"
        if carried and self.num_generations * self.num_workers != self.n_envs:
            of_worker = "n_envs" if self.num_workers == 1 else "n_envs / num_workers"
            yield FieldError(
                "num_generations",
                f"num_generations must equal {of_worker} where segments are carried over (all environments of a worker are one "
                f"group), got {self.num_generations} and n_envs {self.n_envs}.",
            )
        if carried and self.supervision == "outcome":
            yield FieldError(
                "supervision",
                'supervision "outcome" compares whole trajectories of one start; with segments that are carried over there '
                'is none: leave n_steps out, or set segment_start to "fresh" or "branched".',
            )


def reward_name_error(name: object) -> str | None:
    """The sentence that says why no reward function can have that name, or None."""
    if isinstance(name, str) and re.fullmatch(REWARD_NAME, name):
        return None
    return (
        "reward_function_type must be the name of a reward function: 1 to 128 letters and digits of ASCII, '_', '.' or '-', "
        f"the first a letter, got {name!r}."
    )


def _value_error(name: str, value: Any) -> str | None:
    """The sentence that says why `value` is not allowed for the field `name`, or None."""
    if name == "hidden_sizes":
        return _hidden_sizes_error(value)
    allowed = _allowed(name, value)
    if allowed is None or (value is None and name in OPTIONAL):
        return None
    return f"{name} must be {allowed}{' or null' if name in OPTIONAL else ''}, got {value!r}."


def _allowed(name: str, value: Any) -> str | None:
    """What the field may be, or None where the value is allowed."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in CHOICES:
        return None if value in CHOICES[name] else f"one of {', '.join(CHOICES[name])}"
    if name in BOOLEANS:
        return None if isinstance(value, bool) else "true or false"
    if name in INTEGER_BOUNDS:
        fits = number and isinstance(value, int) and INTEGER_BOUNDS[name].allows(value)
        return None if fits else f"an integer, {INTEGER_BOUNDS[name]}"
    if name in NUMBER_BOUNDS:
        fits = number and NUMBER_BOUNDS[name].allows(value)
        return None if fits else f"a number, {NUMBER_BOUNDS[name]}"
    return None


def _hidden_sizes_error(value: Any) -> str | None:
    units = isinstance(value, tuple) and all(
        isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= MAX_HIDDEN_UNITS for n in value
    )
    if units and 1 <= len(value) <= MAX_HIDDEN_LAYERS:
        return None
    shown = list(value) if isinstance(value, tuple) else value
    return f"hidden_sizes must be 1 to {MAX_HIDDEN_LAYERS} integers, each from 1 to {MAX_HIDDEN_UNITS}, got {shown!r}."
