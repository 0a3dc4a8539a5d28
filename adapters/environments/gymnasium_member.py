"""One environment of a vector as the port wants it: it can idle, and nothing but `reset` starts an episode."""

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

IDLE_DISCRETE = -1
IDLE_BOX = math.nan


class Member(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The outermost wrapper of one environment.

    An idle action (−1 for Discrete, NaN for Box) is not simulated: the last observation comes again, with reward 0. The
    end of an episode stands in the info, as "terminated" and "truncated", and nowhere else: a vector environment that
    hears of an end wants to reset. Other infos are dropped, since nobody reads them.

    `seed` and `actions` since the last reset tell the whole episode.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self.seed = 0
        self.actions: list[Any] = []
        self._observation: Any = None
        self._start = env.action_space.start if isinstance(env.action_space, spaces.Discrete) else None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """`seed` is needed, since an episode that was not seeded could not be replayed."""
        if seed is None:
            raise ValueError("a member is reset with a seed only")
        self.seed, self.actions = seed, []
        self._observation, _ = self.env.reset(seed=seed, options=options)
        return self._observation, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """`action`: int counting from 0, or an array of the Box."""
        if self._start is None:
            if math.isnan(action.item(0)):
                return self._observation, 0.0, False, False, {}
            native = np.array(action)  # a copy: an environment may write into its action, and the record must stay
        else:
            if action == IDLE_DISCRETE:
                return self._observation, 0.0, False, False, {}
            native = action + self._start
        self.actions.append(action)
        self._observation, reward, terminated, truncated, _ = self.env.step(native)
        ended = {"terminated": bool(terminated), "truncated": bool(truncated)} if terminated or truncated else {}
        return self._observation, float(reward), False, False, ended
