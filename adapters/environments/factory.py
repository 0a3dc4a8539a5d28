"""Environments by name."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from adapters.environments.acrobot import ACROBOT_V1, AcrobotVector
from adapters.environments.cartpole import CARTPOLE_V0, CARTPOLE_V1, CartPoleVector
from adapters.environments.mountain_car import (
    MOUNTAIN_CAR_CONTINUOUS_V0,
    MOUNTAIN_CAR_V0,
    MountainCarContinuousVector,
    MountainCarVector,
)
from adapters.environments.pendulum import PENDULUM_V1, PendulumVector
from adapters.environments.quiet import without_warnings
from domain.access_errors import EnvironmentNotAllowed
from domain.errors import FieldError, UnsupportedEnvironment
from domain.ports import VectorEnvironment
from domain.spaces import EnvironmentSpec

# Gymnasium is imported where it is needed first: a server starts, and our own environments are trained, without it.
# ruff: noqa: PLC0415

OwnVector = Callable[[int, int, EnvironmentSpec], VectorEnvironment]

OWN_VECTORS: dict[EnvironmentSpec, OwnVector] = {
    CARTPOLE_V1: CartPoleVector,
    CARTPOLE_V0: CartPoleVector,
    ACROBOT_V1: AcrobotVector,
    MOUNTAIN_CAR_V0: MountainCarVector,
    MOUNTAIN_CAR_CONTINUOUS_V0: MountainCarContinuousVector,
    PENDULUM_V1: PendulumVector,
}


ALL = "*"
GYMNASIUM = "gymnasium"


class GymnasiumEnvironments:
    """The environments that are registered with Gymnasium and allowed here.

    Those of OWN_VECTORS and the toy-text ones come in our own vectorised forms, which are cloneable. The others are
    stepped in processes of their own where their steps are slow enough to pay for it: the numbers are the same.

    Picklable and thread-safe. Descriptions and step times are remembered: each costs the making of an environment.
    """

    def __init__(self, allow: Iterable[str] = (ALL,), foreign_apart: bool = False) -> None:
        """`allow`: ids or patterns of them (fnmatch); the word `gymnasium` stands for those whose code comes with Gymnasium.

        `foreign_apart`: step what does not come with Gymnasium in a process of its own, always: it might hang this one, or end
        it. A copy in a worker does not, since a worker is such a process.
        """
        self._allow = tuple(allow)
        self._foreign_apart = foreign_apart
        self._described = {spec.env_name: spec for spec in OWN_VECTORS if self._allows(spec.env_name, of_gymnasium=True)}
        self._step_seconds: dict[str, float] = {}

    def __reduce__(self) -> tuple[type["GymnasiumEnvironments"], tuple[tuple[str, ...]]]:
        """Travel to a worker without what is remembered."""
        return type(self), (self._allow,)

    def names(self) -> Sequence[str]:
        with without_warnings():
            import gymnasium

            from adapters.environments.gymnasium_registry import LONGEST_ID, is_of_gymnasium
        return sorted(
            name
            for name, registered in gymnasium.registry.copy().items()
            if ":" not in name and len(name) <= LONGEST_ID and self._allows(name, of_gymnasium=is_of_gymnasium(registered))
        )

    def describe(self, env_name: str) -> EnvironmentSpec:
        known = self._described.get(env_name) if isinstance(env_name, str) else None
        if known is not None:
            return known
        with without_warnings():
            from adapters.environments import gymnasium_registry, tabular
        of_gymnasium = gymnasium_registry.is_of_gymnasium(gymnasium_registry.find(env_name))
        if not self._allows(env_name, of_gymnasium=of_gymnasium):
            raise self._not_allowed(env_name)
        spec = gymnasium_registry.describe(env_name)
        if tabular.is_tabular(gymnasium_registry.find(env_name)):
            spec = replace(spec, cloneable=True)
        self._described[env_name] = spec
        return spec

    def make(self, env_name: str, num_envs: int, max_episode_steps: int) -> VectorEnvironment:
        spec = self.describe(env_name)
        own = OWN_VECTORS.get(spec)
        if own is not None:
            return own(num_envs, max_episode_steps, spec)
        with without_warnings():
            from adapters.environments.gymnasium_registry import find, is_of_gymnasium
            from adapters.environments.gymnasium_vector import GymnasiumVector
            from adapters.environments.tabular import TabularVector
        if spec.cloneable:
            return TabularVector(spec, num_envs, max_episode_steps)
        apart = self._foreign_apart and not is_of_gymnasium(find(env_name))
        processes = 1 if apart else self._processes(env_name, num_envs)
        if apart or processes > 1:
            from adapters.environments.process_vector import ProcessVector, can_travel

            if not can_travel(env_name):
                what = "cannot be told to another process, and its code is not run in this one."
                raise UnsupportedEnvironment(FieldError("env_name", f"env_name {env_name!r} {what}"))
            return ProcessVector(spec, num_envs, max_episode_steps, processes)
        return GymnasiumVector(spec, num_envs, max_episode_steps)

    def _allows(self, env_name: str, *, of_gymnasium: bool) -> bool:
        return any(of_gymnasium if allowed == GYMNASIUM else fnmatchcase(env_name, allowed) for allowed in self._allow)

    def _not_allowed(self, env_name: str) -> EnvironmentNotAllowed:
        allowed = ", ".join("Gymnasium's own" if allowed == GYMNASIUM else allowed for allowed in self._allow)
        return EnvironmentNotAllowed(
            FieldError("env_name", f"env_name {env_name!r} is not allowed on this server; allowed are: {allowed}.")
        )

    def _processes(self, env_name: str, num_envs: int) -> int:
        """How many processes to step it in, 1 = this one."""
        from adapters.environments import process_vector

        if env_name not in self._step_seconds:
            portable = process_vector.can_travel(env_name)
            self._step_seconds[env_name] = process_vector.step_seconds(env_name) if portable else 0.0
        return process_vector.processes_that_pay(num_envs, self._step_seconds[env_name])
