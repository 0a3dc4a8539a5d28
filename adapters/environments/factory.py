"""Environments by name."""

from adapters.environments.cartpole import CARTPOLE_V0, CARTPOLE_V1, CartPoleVector
from adapters.environments.quiet import without_warnings
from domain.ports import VectorEnvironment
from domain.spaces import EnvironmentSpec

# Gymnasium is imported where it is needed first: a server starts, and a CartPole is trained, without it.
# ruff: noqa: PLC0415

CARTPOLES = (CARTPOLE_V1, CARTPOLE_V0)


class GymnasiumEnvironments:
    """Every environment that is registered with Gymnasium; CartPole in our own vectorised form.

    Picklable and thread-safe. Descriptions are remembered, since each costs the making of one environment.
    """

    def __init__(self) -> None:
        self._described = {spec.env_name: spec for spec in CARTPOLES}

    def __reduce__(self) -> tuple[type["GymnasiumEnvironments"], tuple[()]]:
        """Travel to a worker without the descriptions."""
        return type(self), ()

    def describe(self, env_name: str) -> EnvironmentSpec:
        known = self._described.get(env_name) if isinstance(env_name, str) else None
        if known is not None:
            return known
        with without_warnings():
            from adapters.environments import gymnasium_registry
        spec = gymnasium_registry.describe(env_name)
        self._described[env_name] = spec
        return spec

    def make(self, env_name: str, num_envs: int, max_episode_steps: int) -> VectorEnvironment:
        spec = self.describe(env_name)
        if spec in CARTPOLES:
            return CartPoleVector(num_envs, max_episode_steps, spec)
        with without_warnings():
            from adapters.environments.gymnasium_vector import GymnasiumVector
        return GymnasiumVector(spec, num_envs, max_episode_steps)
