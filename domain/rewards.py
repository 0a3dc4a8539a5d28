"""Reward functions by name. They shape what is learned from; returns are always reported in the native reward.

A registry, as Gymnasium has one of environments: the built-in functions are in it from the start, those of plug-ins join
them when the server and each of its workers start. What stands in a stored configuration is the name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.config import reward_name_error
from domain.errors import FieldError, InvalidConfiguration

RewardCallable = Callable[[Any, Any, Any], FloatArray]
"""(state, action, next_state) of B steps to rewards [B].

States are raw observations: of a Box space floats [B, D], flattened in C order; of a Discrete one integers [B]. Actions are
what the environment was given: integers [B] of a Discrete space, floats [B, A] of a Box. The arrays are the function's own.
"""

CARTPOLE = "CartPole-v1"
CARTPOLE_VERSIONS = frozenset({"CartPole-v0", CARTPOLE})
NATIVE = "environment"
BUILT_IN = "built-in"


@dataclass(frozen=True)
class RewardFunction:
    """A reward and what people should know of it.

    `function`: None = the environment's own reward. `env_names`: where it fits, None = everywhere. `bounds`: no reward is
    outside, None = nobody has said. `source`: "built-in", or the distribution that brought it.
    """

    name: str
    function: RewardCallable | None
    description: str = ""
    formula: str = ""
    env_names: tuple[str, ...] | None = None
    bounds: tuple[float, float] | None = None
    source: str = BUILT_IN

    def fits(self, env_name: str) -> bool:
        """Whether it may be used there."""
        return self.env_names is None or env_name in self.env_names


def optimized_cartpole(_state: FloatArray, _action: IntArray, next_state: FloatArray) -> FloatArray:
    """clip(1.5 + 3·exp(−8|θ|) + exp(−1.5x²) − 2·max(|x| − 2, 0), 0.1, 6)."""
    x, theta = next_state[:, 0], next_state[:, 2]
    reward = 1.5 + 3 * np.exp(-8 * np.abs(theta)) + np.exp(-1.5 * x**2) - 2 * np.maximum(np.abs(x) - 2, 0)
    return np.asarray(np.clip(reward, 0.1, 6.0))


def simple_cartpole(_state: FloatArray, _action: IntArray, next_state: FloatArray) -> FloatArray:
    """clip(1 − |θ| / 0.2095, 0.1, 1)."""
    return np.clip(1 - np.abs(next_state[:, 2]) / 0.2095, 0.1, 1.0)


_BUILT_IN = (
    RewardFunction(
        name="optimized_cartpole",
        function=optimized_cartpole,
        description="Pays for a pole that is upright and a cart that is near the middle; CartPole's default.",
        formula="clip(1.5 + 3·exp(−8|θ|) + exp(−1.5x²) − 2·max(|x| − 2, 0), 0.1, 6)",
        env_names=tuple(sorted(CARTPOLE_VERSIONS)),
        bounds=(0.1, 6.0),
    ),
    RewardFunction(
        name="simple_cartpole",
        function=simple_cartpole,
        description="Pays for a pole that is upright, wherever the cart is.",
        formula="clip(1 − |θ| / 0.2095, 0.1, 1)",
        env_names=tuple(sorted(CARTPOLE_VERSIONS)),
        bounds=(0.1, 1.0),
    ),
    RewardFunction(
        name=NATIVE,
        function=None,
        description="The environment's own reward, unchanged.",
        formula="r(s, a, s′)",
    ),
)
REWARD_FUNCTIONS: dict[str, RewardFunction] = {reward.name: reward for reward in _BUILT_IN}
"""All that can be named now, the built-in ones first."""


def register(reward: RewardFunction) -> None:
    """Make it known by its name. Again from the same source: it takes the place of the earlier one.

    Raises ValueError: no reward function can have that name, or another source has it already.
    """
    if error := reward_name_error(reward.name):
        raise ValueError(error)
    known = REWARD_FUNCTIONS.get(reward.name)
    if known is not None and known.source != reward.source:
        raise ValueError(f"the reward function {reward.name!r} of {reward.source} has the name of one that is {known.source}")
    REWARD_FUNCTIONS[reward.name] = reward


def rewards_for(env_name: str) -> tuple[str, ...]:
    """The reward functions that fit an environment, its default first: a plug-in's is used only where it is asked for."""
    return tuple(name for name, reward in REWARD_FUNCTIONS.items() if reward.fits(env_name))


def check_reward_fits(name: str, env_name: str) -> None:
    """Raise InvalidConfiguration unless there is a reward function of that name and it fits the environment."""
    allowed = ", ".join(rewards_for(env_name))
    if name not in REWARD_FUNCTIONS:
        message = (
            f"reward_function_type {name!r} is unknown here; allowed for {env_name}: {allowed}. "
            "One that a plug-in brings is known where the setting plugins names its distribution."
        )
    elif not REWARD_FUNCTIONS[name].fits(env_name):
        message = f"reward_function_type {name!r} does not fit {env_name}; allowed there: {allowed}."
    else:
        return
    raise InvalidConfiguration(FieldError("reward_function_type", message))
