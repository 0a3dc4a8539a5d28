"""Any Gymnasium environment with Box or Discrete spaces, N of it, through Gymnasium's vector API."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

from adapters.environments import gymnasium_registry
from adapters.environments.gymnasium_member import IDLE_BOX, IDLE_DISCRETE, Member
from adapters.environments.quiet import without_warnings
from domain.arrays import BoolArray, FloatArray, IntArray, check_shape
from domain.errors import EnvironmentFailed
from domain.ports import EnvironmentState, StepResult
from domain.spaces import Box, EnvironmentSpec, encode_observations

LONGEST_MESSAGE = 500


class GymnasiumVector:
    """N members in one process, stepped one after the other. Not cloneable.

    A snapshot is how the members came where they are: their seeds and their actions. To restore it is to play them
    again, which is exact wherever an episode depends on its seed and its actions only, as the port demands. Of
    Gymnasium's own environments BipedalWalker does not: its physics remember earlier episodes in the last digits.
    """

    def __init__(self, spec: EnvironmentSpec, num_envs: int, max_episode_steps: int) -> None:
        """Both at least 1. Call `reset` with a seed for every member before anything else.

        Raises UnknownEnvironment, EnvironmentFailed.
        """
        self.spec = spec
        self.num_envs = num_envs
        registered = gymnasium_registry.find(spec.env_name)
        with self._failures("at its start"), without_warnings():
            vector = gymnasium.make_vec(
                registered,
                num_envs,
                vectorization_mode="sync",
                vector_kwargs={"autoreset_mode": AutoresetMode.DISABLED, "copy": False},
                wrappers=[Member],
                max_episode_steps=max_episode_steps,
                disable_env_checker=True,
            )
        self._vector = cast("SyncVectorEnv[Any, Any]", vector)
        self._members = cast("list[Member]", self._vector.envs)
        self._action_space: Any = self._vector.single_action_space
        self._idle: NDArray[Any] = np.full(num_envs, IDLE_DISCRETE, dtype=np.int64)
        if isinstance(spec.action_space, Box):
            self._idle = np.full((num_envs, *spec.action_space.shape), IDLE_BOX, dtype=self._action_space.dtype)
        self._observations: FloatArray = np.zeros((num_envs, spec.observation_space.size), dtype=np.float32)
        self._nobody = np.zeros(num_envs, dtype=np.bool_)
        self._nobody.flags.writeable = False

    def reset(self, seeds: Sequence[int | None]) -> FloatArray:
        chosen = np.array([seed is not None for seed in seeds])
        if chosen.any():
            with self._failures("in reset"):
                observations, _ = self._vector.reset(seed=list(seeds), options={"reset_mask": chosen})
                self._observe(observations)
        return self._observations

    def step(self, actions: IntArray | FloatArray, active: BoolArray) -> StepResult:
        """Raises ValueError for NaN among the actions of active members of a Box."""
        native = self._native_actions(actions, active)
        with self._failures("in step"):
            observations, rewards, _, _, infos = self._vector.step(native)
            self._observe(observations)
        if not np.isfinite(rewards).all():
            raise EnvironmentFailed(f"{self.spec.env_name} gave a reward that is NaN or infinite.")
        terminated, truncated = infos.get("terminated", self._nobody), infos.get("truncated", self._nobody)
        return StepResult(self._observations, rewards, terminated, truncated)

    def copy_members(self, sources: IntArray) -> FloatArray:
        """Refused, as the port says of what is not cloneable: a Gymnasium environment has no way to copy its state."""
        raise NotImplementedError(f"{self.spec.env_name} is not cloneable")

    def snapshot(self) -> EnvironmentState:
        """`seeds`: int64 [N]; `lengths`: steps since the reset, int64 [N]; `actions`: theirs, member after member."""
        histories = [member.actions for member in self._members]
        actions = np.array([action for history in histories for action in history], dtype=self._idle.dtype)
        return {
            "seeds": np.array([member.seed for member in self._members], dtype=np.int64),
            "lengths": np.array([len(history) for history in histories], dtype=np.int64),
            "actions": actions.reshape(-1, *self._idle.shape[1:]),
        }

    def restore(self, state: EnvironmentState) -> FloatArray:
        """Play the episodes again. Raises ValueError when the snapshot is one of another number of members."""
        seeds, lengths, actions = state["seeds"], state["lengths"], state["actions"]
        check_shape("seeds", seeds, (self.num_envs,))
        self.reset(seeds.tolist())
        first = np.cumsum(lengths) - lengths
        with self._failures("in the replay of a snapshot"):
            for t in range(lengths.max()):
                playing = t < lengths
                row = self._idle.copy()
                row[playing] = actions[first[playing] + t]
                observations, *_ = self._vector.step(row)
                self._observe(observations)
        return self._observations

    def close(self) -> None:
        if self._vector.closed:
            return
        try:
            with self._failures("at its end"):
                self._vector.close()
        finally:
            self._vector.closed = True  # or its finalizer would try again

    def _native_actions(self, actions: IntArray | FloatArray, active: BoolArray) -> NDArray[Any]:
        """One action for each member: an idle one, or the given one in the environment's type and shape."""
        native = self._idle.copy()
        chosen = actions[active]
        if self.spec.continuous:
            if not np.isfinite(chosen).all():
                raise ValueError("actions must be finite")
            # Bounds of float64 rounded to float32 may lie outside them, and some environments check.
            low, high = self._action_space.low, self._action_space.high
            chosen = np.clip(chosen.astype(native.dtype).reshape(-1, *low.shape), low, high)
        native[active] = chosen
        return native

    def _observe(self, observations: NDArray[Any]) -> None:
        """Keep what the environment shows, as features."""
        self._observations = encode_observations(self.spec.observation_space, observations)
        if not np.isfinite(self._observations).all():
            raise EnvironmentFailed(f"{self.spec.env_name} gave an observation with NaN or infinity in it.")

    @contextmanager
    def _failures(self, when: str) -> Iterator[None]:
        """Turn whatever the environment raises into EnvironmentFailed."""
        try:
            yield
        except EnvironmentFailed:
            raise
        except Exception as error:
            message = f"{self.spec.env_name} failed {when}: {type(error).__name__}: {error}"
            raise EnvironmentFailed(message[:LONGEST_MESSAGE]) from error
