"""Gymnasium's registry in the words of the domain: which environments there are, and with what spaces.

Nothing here imports a module that a name asks for: a name is looked up among the ids that are registered already.
"""

import difflib
import math
from collections import Counter
from typing import Any

import gymnasium
import numpy as np
from gymnasium import error, spaces
from gymnasium.envs.registration import EnvSpec

from adapters.environments.quiet import without_warnings
from domain.errors import FieldError, UnknownEnvironment, UnsupportedEnvironment
from domain.spaces import Box, Discrete, EnvironmentSpec, Space

LONGEST_ID = 128
LOOKED_AT_STEPS = 64
SHOWN_CHARACTERS = 200
LONGEST_REASON = 500


def find(env_name: str) -> EnvSpec:
    """The registered environment of exactly this id. Raises UnknownEnvironment."""
    if not isinstance(env_name, str):
        raise _unknown(f"env_name must be the id of a registered Gymnasium environment, not {_shown(env_name)}.")
    if ":" in env_name:
        raise _unknown(
            f"env_name {_shown(env_name)} would import a Python module, which a name must not do; "
            "allowed are ids of environments that are registered already, without a module in front."
        )
    if len(env_name) > LONGEST_ID:
        raise _unknown(f"env_name {_shown(env_name)} has {len(env_name)} characters; at most {LONGEST_ID} are allowed.")
    try:
        return gymnasium.spec(env_name)
    except error.DeprecatedEnv as deprecated:
        raise _unknown(f"env_name {_shown(env_name)} is out of date: {deprecated}") from deprecated
    except error.Error as unregistered:
        raise _unknown(
            f"env_name {_shown(env_name)} is not the id of a registered Gymnasium environment. {_suggestion(env_name)}"
        ) from unregistered


def describe(env_name: str) -> EnvironmentSpec:
    """Make the environment once and look at it. Raises UnknownEnvironment, UnsupportedEnvironment."""
    registered = find(env_name)
    try:
        with without_warnings():
            environment = gymnasium.make(registered, disable_env_checker=True)
            dense_reward = is_of_gymnasium(registered) and _dense_reward(environment)
            environment.close()
    except (error.DependencyNotInstalled, ImportError) as missing:
        raise _unsupported(env_name, f"needs something that is not installed here: {missing}") from missing
    except Exception as failure:
        raise _unsupported(env_name, f"cannot be made: {type(failure).__name__}: {failure}") from failure
    return EnvironmentSpec(
        env_name=env_name,
        observation_space=_observation_space(env_name, environment.observation_space),
        action_space=_action_space(env_name, environment.action_space),
        max_episode_steps=registered.max_episode_steps,
        reward_threshold=_finite(registered.reward_threshold),
        dense_reward=dense_reward,
    )


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)


def is_of_gymnasium(registered: EnvSpec) -> bool:
    """Whether it is one of Gymnasium's own, whose code comes with it.

    Only these are stepped while they are described: another's step might hang or end the process, which is the server's.
    """
    return isinstance(registered.entry_point, str) and registered.entry_point.startswith("gymnasium.envs.")


def _dense_reward(environment: gymnasium.Env[Any, Any]) -> bool:
    """Whether some random steps mostly see a reward that differs from the commonest; an environment that fails has none."""
    rewards: list[float] = []
    try:
        environment.action_space.seed(0)
        environment.reset(seed=0)
        for _ in range(LOOKED_AT_STEPS):
            _, reward, terminated, truncated, _ = environment.step(environment.action_space.sample())
            rewards.append(float(reward))
            if terminated or truncated:
                environment.reset()
    except Exception:  # noqa: BLE001 - training will meet the failure, and say so
        return False
    return 2 * max(Counter(rewards).values()) < len(rewards)


def _observation_space(env_name: str, space: spaces.Space[object]) -> Space:
    if isinstance(space, spaces.Discrete):
        return _discrete(space)
    if isinstance(space, spaces.Box) and space.low.size:
        return _box(space)
    raise _unsupported(env_name, f"has the observation space {_shown(space)}; allowed are Box and Discrete.")


def _action_space(env_name: str, space: spaces.Space[object]) -> Space:
    if isinstance(space, spaces.Discrete):
        return _discrete(space)
    if isinstance(space, spaces.Box) and space.low.size and np.issubdtype(space.dtype, np.floating):
        return _box(space)
    raise _unsupported(
        env_name, f"has the action space {_shown(space)}; allowed are Discrete and Box of floating-point numbers."
    )


def _discrete(space: spaces.Discrete) -> Discrete:
    return Discrete(n=int(space.n), start=int(space.start))


def _box(space: spaces.Box) -> Box:
    low, high = (bound.astype(np.float64).ravel().tolist() for bound in (space.low, space.high))
    return Box(shape=space.shape, low=tuple(low), high=tuple(high))


def _suggestion(env_name: str) -> str:
    """Registered ids that look like the name, whatever its case."""
    ids = {env_id.lower(): env_id for env_id in gymnasium.registry}
    similar = [repr(ids[match]) for match in difflib.get_close_matches(env_name.lower(), ids, n=3, cutoff=0.75)]
    if similar:
        return f"Did you mean {' or '.join(similar)}?"
    return "For example 'CartPole-v1', 'Pendulum-v1' and 'FrozenLake-v1' are."


def _shown(value: object) -> str:
    """The value as it stands in a sentence: escaped, and shortened where it is long."""
    text = repr(value[: SHOWN_CHARACTERS + 1] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _unknown(message: str) -> UnknownEnvironment:
    return UnknownEnvironment(FieldError("env_name", message))


def _unsupported(env_name: str, what: str) -> UnsupportedEnvironment:
    return UnsupportedEnvironment(FieldError("env_name", f"env_name {env_name!r} {what[:LONGEST_REASON]}"))
