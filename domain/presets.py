"""Which configuration a user gets who names little: the best one known for the task, from measurements (docs/grpo.md)."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from domain.config import INTEGER_BOUNDS, TrainingConfig
from domain.errors import FieldError, InvalidConfiguration
from domain.rewards import CARTPOLE_VERSIONS, check_reward_fits, rewards_for
from domain.spaces import Discrete, EnvironmentSpec

DEFAULT_ENV_NAME = "CartPole-v1"
DEFAULT_TOTAL_TIMESTEPS = 10_000
DEFAULT_MAX_EPISODE_STEPS = 1_000
ALIASES = {"group_size": "num_generations", "clip_range": "epsilon"}

Preset = dict[str, Any]

SHAPED_CARTPOLE: Preset = {
    "n_steps": 32,
    "segment_start": "branched",
    "n_envs": 6,
    "num_generations": 2,
    "reset_probability": 0.1,
    "epsilon": 0.4,
    "ema_decay": 0.98,
}
SIMPLE_CARTPOLE: Preset = SHAPED_CARTPOLE | {"n_steps": 16, "n_envs": 8, "n_epochs": 20}
NATIVE_CARTPOLE: Preset = {"ent_coef": 0.01, "ema_decay": 0.99}
PENDULUM: Preset = {
    "n_steps": 64,
    "segment_start": "fresh",
    "n_envs": 32,
    "num_generations": 4,
    "gamma": 0.98,
    "gae_lambda": 0.95,
    "learning_rate": 1e-3,
    "lr_schedule": "linear",
    "batch_size": 128,
}
MOUNTAIN_CAR_CONTINUOUS: Preset = {"noise_correlation": 0.9, "learning_rate": 1e-3, "lr_schedule": "linear"}
MOUNTAIN_CAR: Preset = {"noise_correlation": 0.85, "learning_rate": 6e-4, "lr_schedule": "linear"}
WITH_VALUE: Preset = {
    "n_steps": 256,
    "segment_start": "carried",
    "gae_lambda": 0.95,
    "learning_rate": 1e-3,
    "lr_schedule": "linear",
    "batch_size": 256,
    "ema_decay": 0.99,
}
ACROBOT: Preset = WITH_VALUE | {"batch_size": 64, "noise_correlation": 0.5}
LUNAR_LANDER: Preset = WITH_VALUE | {"gae_lambda": 0.98, "gamma": 0.995}
HALF_CHEETAH: Preset = WITH_VALUE | {
    "n_steps": 128,
    "gae_lambda": 0.92,
    "gamma": 0.98,
    "batch_size": 64,
    "log_std_init": -2.0,
}
HOPPER: Preset = WITH_VALUE | {"learning_rate": 5e-4, "target_kl": 0.02, "log_std_init": -0.5}
DISCRETE_OBSERVATIONS: Preset = WITH_VALUE | {
    "norm_obs": False,
    "n_steps": 128,
    "learning_rate": 3e-3,
    "batch_size": 64,
    "noise_correlation": 0.5,
}
FROZEN_LAKE: Preset = DISCRETE_OBSERVATIONS | {"noise_correlation": 0.0}
TAXI: Preset = DISCRETE_OBSERVATIONS | {
    "n_envs": 32,
    "gae_lambda": 0.9,
    "learning_rate": 1e-2,
    "batch_size": 256,
    "ent_coef": 0.03,
    "noise_correlation": 0.0,
}
CARTPOLES: dict[str, Preset] = {
    "optimized_cartpole": SHAPED_CARTPOLE,
    "simple_cartpole": SIMPLE_CARTPOLE,
    "environment": NATIVE_CARTPOLE,
}
ENVIRONMENTS: dict[str, Preset] = {
    "Acrobot-v1": ACROBOT,
    "FrozenLake-v1": FROZEN_LAKE,
    "HalfCheetah-v5": HALF_CHEETAH,
    "Hopper-v5": HOPPER,
    "LunarLander-v3": LUNAR_LANDER,
    "MountainCar-v0": MOUNTAIN_CAR,
    "MountainCarContinuous-v0": MOUNTAIN_CAR_CONTINUOUS,
    "Pendulum-v1": PENDULUM,
    "Taxi-v4": TAXI,
}
FEWEST_EPISODES = 40
NOISE = 0.5


def resolve(given: Mapping[str, Any], environment: EnvironmentSpec, *, seed: int, model_name: str) -> TrainingConfig:
    """A complete configuration: what is given, and for the rest the preset that suits the environment.

    `given`: fields of TrainingConfig or their aliases; `n_steps` None asks for episode groups. `seed` and `model_name` are
    used where none is given. Raises InvalidConfiguration.
    """
    chosen = _without_aliases(given)
    _check_known(chosen)
    reward = chosen.setdefault("reward_function_type", rewards_for(environment.env_name)[0])
    check_reward_fits(reward, environment.env_name)
    preset = _preset(environment, chosen)
    if chosen.get("supervision") == "outcome" and "gae_lambda" in preset:
        # Whole trajectories of one start are asked for: nobody named the segments and the value that forbid them.
        preset = {name: value for name, value in preset.items() if name not in {"n_steps", "segment_start", "gae_lambda"}}
    defaults: Preset = {
        "env_name": environment.env_name,
        "model_name": model_name,
        "seed": seed,
        "total_timesteps": DEFAULT_TOTAL_TIMESTEPS,
        "max_episode_steps": environment.max_episode_steps or DEFAULT_MAX_EPISODE_STEPS,
    }
    merged: Preset = defaults | preset | chosen
    if merged.get("n_steps") is None:
        merged["segment_start"] = "fresh"
    merged |= _group_sizes(merged, chosen)
    if isinstance(merged.get("hidden_sizes"), list):
        merged["hidden_sizes"] = tuple(merged["hidden_sizes"])
    config = TrainingConfig(**merged)
    if config.n_steps is not None and config.segment_start == "branched" and not environment.cloneable:
        raise InvalidConfiguration(
            FieldError(
                "segment_start",
                f'segment_start "branched" needs an environment whose state can be copied, and {environment.env_name} is '
                'none; allowed here: "fresh", "carried".',
            )
        )
    return config


def _preset(environment: EnvironmentSpec, chosen: Preset) -> Preset:
    """The preset of the environment, or of its kind."""
    if environment.env_name in CARTPOLE_VERSIONS:
        return CARTPOLES.get(chosen["reward_function_type"], SHAPED_CARTPOLE)
    if environment.env_name in ENVIRONMENTS:
        return ENVIRONMENTS[environment.env_name]
    if isinstance(environment.observation_space, Discrete):
        return DISCRETE_OBSERVATIONS
    return _by_properties(environment, chosen)


def _by_properties(environment: EnvironmentSpec, chosen: Preset) -> Preset:
    """What suits an environment that nobody has tuned for.

    Where most steps have a reward of their own, or the budget holds too few whole episodes to compare: segments with a value,
    which learn from every step. Otherwise whole episodes, with exploration that persists until it meets a reward.
    """
    horizon = chosen.get("max_episode_steps") or environment.max_episode_steps or DEFAULT_MAX_EPISODE_STEPS
    budget = chosen.get("total_timesteps", DEFAULT_TOTAL_TIMESTEPS)
    numbers = isinstance(budget, int) and isinstance(horizon, int)  # what is none is refused later
    if environment.dense_reward or (numbers and budget < FEWEST_EPISODES * horizon):
        return WITH_VALUE | ({"log_std_init": -0.5} if environment.continuous else {})
    return {"noise_correlation": NOISE}


def _group_sizes(merged: Preset, chosen: Preset) -> Preset:
    """n_envs and num_generations such that one follows from the other where only one is given.

    A preset's environments are those of one worker; environments that are given are divided among the workers.
    """
    workers = merged.get("num_workers", 1)
    if not isinstance(workers, int) or not INTEGER_BOUNDS["num_workers"].allows(workers):  # which is refused later
        return {}
    one_group = merged.get("n_steps") is not None and merged.get("segment_start") == "carried"
    n_envs, size = merged.get("n_envs", 8), merged.get("num_generations", 8)
    if not isinstance(n_envs, int) or not isinstance(size, int) or n_envs < 1 or size < 1:
        return {}
    if "n_envs" in chosen:
        if n_envs % workers:
            return {}
        n_envs //= workers
    if "num_generations" not in chosen and (one_group or n_envs % size):
        size = n_envs
    elif "n_envs" not in chosen:
        n_envs = size if one_group else max(n_envs // size, 1) * size
    return {"n_envs": n_envs * workers, "num_generations": size}


def _without_aliases(given: Mapping[str, Any]) -> Preset:
    chosen = dict(given)
    for alias, name in ALIASES.items():
        if alias not in chosen:
            continue
        value = chosen.pop(alias)
        if chosen.setdefault(name, value) != value:
            raise InvalidConfiguration(
                FieldError(alias, f"{alias} is another name of {name}; they conflict: {value!r} and {chosen[name]!r}.")
            )
    return chosen


def _check_known(chosen: Preset) -> None:
    known = {field.name for field in fields(TrainingConfig)}
    errors = [
        FieldError(name, f"{name!r} is no field of a training configuration; known: {', '.join(sorted(known))}.")
        for name in chosen
        if name not in known
    ]
    if errors:
        raise InvalidConfiguration(*errors)
