"""Groups of trajectories from a vector environment.

Each rollout steps all members side by side. Where a group starts is what makes it a group:

fresh     every member of a group takes the same new start (whole episodes when there is no step limit)
branched  every member copies the state of one live member of its group; now and then the group starts fresh
carried   each member goes on where it was and is reset when its episode ends; all environments are one group

Outside `carried` a member that ends idles, uncounted, until the next rollout.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.actor import Actor
from domain.arrays import ActionArray, BoolArray, FloatArray, IntArray
from domain.config import TrainingConfig
from domain.ports import VectorEnvironment
from domain.recorder import Column

EPISODE_WINDOW = 100


class Interrupted(Exception):
    """A rollout or an update was asked to stop; what it had done is dropped."""


@dataclass(frozen=True)
class Rollout:
    """T steps of N members.

    observations, next_observations: features as the environment gave them, float32 [T, N, D]; the next observation of a
    step that ends an episode is its last true one. actions: int [T, N] or latent float32 [T, N, A].
    rewards: native [T, N]. valid: the member was simulated [T, N]. terminated, truncated: how its episode ended [T, N].
    """

    observations: FloatArray
    actions: ActionArray
    next_observations: FloatArray
    rewards: FloatArray
    valid: BoolArray
    terminated: BoolArray
    truncated: BoolArray

    @property
    def ended(self) -> BoolArray:
        """The episode ended with this step, [T, N]."""
        return self.terminated | self.truncated

    @property
    def timesteps(self) -> int:
        """How many environment steps were simulated."""
        return int(self.valid.sum())

    def trajectories(self) -> IntArray:
        """For each valid sample, in C order: which trajectory it belongs to, ids 0 … K − 1."""
        parts: IntArray = np.cumsum(self.ended, axis=0) - self.ended
        ids = parts * self.valid.shape[1] + np.arange(self.valid.shape[1])
        # What np.unique(…, return_inverse=True) gives, without its sorting.
        found = ids[self.valid]
        numbers = np.cumsum(np.bincount(found) > 0) - 1
        return np.asarray(numbers[found])


@dataclass
class Episodes:
    """Running native return and length of each member's episode, and those of the last 100 that ended."""

    returns: FloatArray
    lengths: IntArray
    ended: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=EPISODE_WINDOW))

    @classmethod
    def of(cls, num_envs: int) -> "Episodes":
        return cls(np.zeros(num_envs), np.zeros(num_envs, dtype=np.int64))

    def restart(self, members: BoolArray | int) -> None:
        """A new episode begins in these members."""
        self.returns[members] = 0
        self.lengths[members] = 0

    def copy_members(self, sources: IntArray) -> None:
        """Member i goes on with the episode of member sources[i]."""
        self.returns, self.lengths = self.returns[sources], self.lengths[sources]

    def step(self, rewards: FloatArray, active: BoolArray) -> None:
        self.returns += rewards
        self.lengths += active

    def end(self, members: IntArray) -> None:
        """The episodes of these members have ended."""
        self.ended.extend((float(self.returns[i]), int(self.lengths[i])) for i in members)


class Collector:
    """Takes rollouts from one vector environment and keeps what the next rollout goes on from."""

    def __init__(self, environment: VectorEnvironment, config: TrainingConfig, rng: np.random.Generator) -> None:
        self.episodes = Episodes.of(config.n_envs)
        self.under_way = 0
        self._environment, self._config, self._rng = environment, config, rng
        self._alive = np.zeros(config.n_envs, dtype=np.bool_)
        self._observations: FloatArray | None = None
        self._carried = config.n_steps is not None and config.segment_start == "carried"
        self._branched = config.n_steps is not None and config.segment_start == "branched"

    def collect(self, actor: Actor, budget: int, should_stop: Callable[[], bool]) -> Rollout:
        """One rollout of at most `budget` environment steps, all of them used if the rollout is not over before.

        Raises Interrupted, EnvironmentFailed.
        """
        observations = self._start()
        active = np.ones(self._config.n_envs, dtype=np.bool_)
        length = self._config.n_steps or self._config.max_episode_steps
        record, steps = [Column(length) for _ in fields(Rollout)], 0
        running = self._config.n_envs
        while steps < length and running and budget:
            if should_stop():
                raise Interrupted
            if running > budget:
                active = _first(active, budget)
                running = budget
            samples, actions = actor.act(observations)
            record[0].append(observations)
            observations, rewards, terminated, truncated = self._environment.step(actions, active)
            for column, row in zip(record[1:], (samples, observations, rewards, active, terminated, truncated), strict=True):
                column.append(row)
            steps += 1
            budget -= running
            self.under_way += running
            self.episodes.step(rewards, active)
            if np.count_nonzero(terminated) or np.count_nonzero(truncated):
                ended = terminated | truncated
                self.episodes.end(np.flatnonzero(ended))
                if self._carried:
                    observations = self._reset(ended)
                else:
                    active = active & ~ended
                    running = int(np.count_nonzero(active))
        self._observations, self._alive = observations, active
        return Rollout(*(column.array() for column in record))

    def state(self) -> dict[str, NDArray[Any]]:
        """What the next rollout goes on from, as arrays that the caller owns."""
        state = {
            "alive": self._alive.copy(),
            "episode_returns": self.episodes.returns.copy(),
            "episode_lengths": self.episodes.lengths.copy(),
            "ended_episodes": np.array(self.episodes.ended, dtype=np.float64).reshape(-1, 2),
        }
        if self._observations is not None and (self._carried or self._branched):
            state |= {f"environment/{name}": array for name, array in self._environment.snapshot().items()}
        return state

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Take up what `state` gave."""
        self.under_way = 0
        self._alive = state["alive"].copy()
        self.episodes = Episodes(state["episode_returns"].copy(), state["episode_lengths"].copy())
        self.episodes.ended.extend((float(r), int(n)) for r, n in state["ended_episodes"])
        prefix = "environment/"
        snapshot = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
        self._observations = self._environment.restore(snapshot) if snapshot else None

    def _start(self) -> FloatArray:
        config = self._config
        everyone = np.ones(config.n_envs, dtype=np.bool_)
        if self._carried:
            if self._observations is None:
                return self._reset(everyone)
            return self._observations
        if not self._branched:
            return self._reset(everyone, shared=True)
        fresh = np.zeros(config.n_envs, dtype=np.bool_)
        sources = np.arange(config.n_envs)
        for start in range(0, config.n_envs, config.num_generations):
            group = slice(start, start + config.num_generations)
            live = np.flatnonzero(self._alive[group])
            if not len(live) or self._rng.random() < config.reset_probability:
                fresh[group] = True
            else:
                sources[group] = start + live[self._rng.integers(len(live))]
        if fresh.all():
            return self._reset(fresh, shared=True)
        self.episodes.copy_members(sources)
        observations = self._environment.copy_members(sources)
        return self._reset(fresh, shared=True) if fresh.any() else observations

    def _reset(self, members: BoolArray, shared: bool = False) -> FloatArray:
        """New episodes for these members, each from its own seed or all of a group from a shared one."""
        count = self._config.num_groups if shared else self._config.n_envs
        seeds = self._rng.integers(2**31, size=count).repeat(self._config.n_envs // count)
        self.episodes.restart(members)
        return self._environment.reset([int(seed) if chosen else None for seed, chosen in zip(seeds, members, strict=True)])


def _first(active: BoolArray, count: int) -> BoolArray:
    """Only the first `count` of the active members."""
    return active & (np.cumsum(active) <= count)
