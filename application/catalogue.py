"""What can be trained: environments with their spaces and presets, and reward functions."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from domain.errors import InvalidInput
from domain.ports import EnvironmentFactory
from domain.presets import resolve
from domain.pushable import Pushable
from domain.rewards import REWARD_FUNCTIONS, RewardFunction, rewards_for
from domain.spaces import EnvironmentSpec

NOT_DEFAULTS = {"seed", "model_name"}  # drawn and made for each job


@dataclass(frozen=True)
class ListedEnvironment:
    """One environment. `spec` is None where it cannot be trained here, and `reason` says why.

    `drawable`: its observations are those of bodies in motion that we know how to draw. `defaults`: the configuration of a job
    that names nothing but the environment.
    """

    env_name: str
    spec: EnvironmentSpec | None
    reason: str | None
    drawable: bool
    reward_functions: Sequence[str]
    defaults: Mapping[str, Any]


class ListEnvironments:
    """All environments that are registered and allowed, by name. Thread-safe.

    They are looked at once: that imports their packages and makes each, which takes a second where many are installed. What is
    installed later is seen at the next start.
    """

    def __init__(self, environments: EnvironmentFactory) -> None:
        self._environments = environments
        self._listed: Sequence[ListedEnvironment] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Sequence[ListedEnvironment]:
        with self._lock:
            if self._listed is None:
                self._listed = [self._look_at(name) for name in self._environments.names()]
            return self._listed

    def _look_at(self, name: str) -> ListedEnvironment:
        try:
            spec = self._environments.describe(name)
        except InvalidInput as error:
            return ListedEnvironment(name, None, str(error), drawable=False, reward_functions=(), defaults={})
        config = asdict(resolve({}, spec, seed=0, model_name="model"))
        return ListedEnvironment(
            env_name=name,
            spec=spec,
            reason=None,
            drawable=self._moves(spec),
            reward_functions=rewards_for(name),
            defaults={field: value for field, value in config.items() if field not in NOT_DEFAULTS},
        )

    def _moves(self, spec: EnvironmentSpec) -> bool:
        """Only ours do, which are cloneable; others are not made for the sake of this question."""
        if not spec.cloneable:
            return False
        vector = self._environments.make(spec.env_name, 1, 1)
        vector.close()
        return isinstance(vector, Pushable)


class ListRewardFunctions:
    """All reward functions, the built-in ones first."""

    def __call__(self) -> Sequence[RewardFunction]:
        return [*REWARD_FUNCTIONS.values()]
