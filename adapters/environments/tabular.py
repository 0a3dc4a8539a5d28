"""Gymnasium's toy-text environments on N members at once, from their own transition tables, cloneable.

FrozenLake, CliffWalking and Taxi are finite Markov decision processes: in state s action a leads to outcome k, which is
(next state, reward, end), with probability p_k. Gymnasium keeps them in a table `P`, and chooses k as the first with
p_1 + … + p_k > u, where u is one draw of the environment's own random generator. The same table, read once, and the
same draws give the same episodes.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from adapters.environments import gymnasium_registry
from adapters.environments.quiet import without_warnings
from domain.arrays import BoolArray, FloatArray, IntArray, check_shape
from domain.ports import EnvironmentState, StepResult
from domain.spaces import EnvironmentSpec

ENTRY_POINTS = {
    "gymnasium.envs.toy_text.frozen_lake:FrozenLakeEnv",
    "gymnasium.envs.toy_text.cliffwalking:CliffWalkingEnv",
    "gymnasium.envs.toy_text.taxi:TaxiEnv",
}
BLOCK = 128


def is_tabular(registered: EnvSpec) -> bool:
    """True where the table tells all: not for Taxi's fickle passenger, a new random map at each making, or wrappers."""
    kwargs = registered.kwargs
    random_map = kwargs.get("map_name", "4x4") is None and kwargs.get("desc") is None
    return (
        registered.entry_point in ENTRY_POINTS
        and not registered.additional_wrappers
        and not kwargs.get("fickle_passenger", False)
        and not random_map
    )


class Tables(NamedTuple):
    """A Markov decision process. Row s·A + a stands for action a in state s, column k for the outcome.

    `starts`: cumulative probabilities of the states at a reset, float64 [S].
    `cumulative`: those of the outcomes, float64 [K, S·A], infinite behind the last outcome of a row.
    `states` int64, `rewards` float64, `ends` bool: flat [S·A·(K + 1)]. Column K is a copy of column 0, since Gymnasium
    takes outcome 0 when rounding left the cumulative probabilities below the draw.
    """

    starts: NDArray[np.float64]
    cumulative: NDArray[np.float64]
    states: NDArray[np.int64]
    rewards: NDArray[np.float64]
    ends: NDArray[np.bool_]


def read_tables(env_name: str) -> Tables:
    """Make Gymnasium's environment once and copy its table. Raises UnknownEnvironment."""
    registered = gymnasium_registry.find(env_name)
    with without_warnings():
        environment: Any = gymnasium.make(registered, disable_env_checker=True)
        environment.close()
    table = environment.unwrapped.P
    rows = [table[state][action] for state in sorted(table) for action in sorted(table[state])]
    width = max(len(row) for row in rows)
    cumulative = np.full((width, len(rows)), np.inf)
    for index, row in enumerate(rows):
        if len(row) > 1:  # a single outcome needs no draw
            cumulative[: len(row), index] = np.cumsum([outcome[0] for outcome in row])
    padded = [[*row, *[row[0]] * (width + 1 - len(row))] for row in rows]
    _, states, rewards, ends = np.array(padded, dtype=np.float64).reshape(-1, 4).T
    return Tables(
        starts=np.cumsum(environment.unwrapped.initial_state_distrib),
        cumulative=cumulative,
        states=states.astype(np.int64),
        rewards=rewards.copy(),
        ends=ends.astype(np.bool_),
    )


class TabularVector:
    """N members of one Markov decision process. Observations are one-hot.

    Each member's draws are a stream of its own, given by its seed. A member that copies another one takes over its state
    and step counter and goes on with its own stream, so that copies of one state meet chances of their own unless their
    seeds and numbers of steps are equal.
    """

    def __init__(self, spec: EnvironmentSpec, num_envs: int, max_episode_steps: int) -> None:
        """Both at least 1. Call `reset` with a seed for every member before anything else. Raises UnknownEnvironment."""
        self.spec = spec
        self.num_envs = num_envs
        self._tables = read_tables(spec.env_name)
        self._outcomes = len(self._tables.cumulative)
        self._drawing = self._outcomes > 1
        self._known_actions = np.arange(spec.action_space.size)
        self._time_limit = np.array(max_episode_steps)

        self._states, self._steps, self._seeds = np.zeros((3, num_envs), dtype=np.int64)
        self._members = np.arange(num_envs)
        self._features = np.zeros((num_envs, spec.observation_space.size), dtype=np.float32)
        self._flat_features = self._features.reshape(-1)
        self._first_feature = self._members * spec.observation_space.size
        self._hot = self._first_feature.copy()
        self._flat_features[self._hot] = 1.0

        # Draws to come, a row for each member; where its next one stands; and how many draws came before the row.
        self._draws = np.zeros((num_envs, BLOCK))
        self._first_draw = self._members * BLOCK
        self._next_draw = self._first_draw.copy()
        self._drawn_before = np.zeros(num_envs, dtype=np.int64)
        self._steps_until_refill = BLOCK

        self._index, self._chosen = np.empty((2, num_envs), dtype=np.int64)
        self._draw, self._rewards = np.empty((2, num_envs))
        self._cumulative = np.empty((self._outcomes, num_envs))
        self._passed = np.empty((self._outcomes, num_envs), dtype=np.bool_)
        self._terminated, self._truncated = np.empty((2, num_envs), dtype=np.bool_)

    def reset(self, seeds: Sequence[int | None]) -> FloatArray:
        draws = {seed: np.random.default_rng(seed).random(BLOCK + 1) for seed in set(seeds) if seed is not None}
        for member, seed in enumerate(seeds):
            if seed is not None:
                first, self._draws[member] = draws[seed][0], draws[seed][1:]
                self._states[member] = np.argmax(self._tables.starts > first)
                self._seeds[member], self._steps[member] = seed, 0
                self._next_draw[member], self._drawn_before[member] = self._first_draw[member], 1
        return self._observe()

    def step(self, actions: IntArray | FloatArray, active: BoolArray) -> StepResult:
        """An action out of range counts as the nearest in range."""
        tables, index, chosen = self._tables, self._index, self._chosen
        asked: NDArray[Any] = actions
        np.multiply(self._states, len(self._known_actions), index)
        self._known_actions.take(asked, None, chosen, "clip")
        np.add(index, chosen, index)
        np.multiply(index, self._outcomes + 1, chosen)
        if self._drawing:
            self._draws.take(self._next_draw, None, self._draw, "clip")
            tables.cumulative.take(index, 1, self._cumulative, "clip")
            np.less_equal(self._cumulative, self._draw, self._passed)
            np.add.reduce(self._passed, axis=0, dtype=np.int64, out=index)
            np.add(chosen, index, chosen)
        tables.states.take(chosen, None, index, "clip")
        tables.rewards.take(chosen, None, self._rewards, "clip")
        tables.ends.take(chosen, None, self._terminated, "clip")
        np.add(self._steps, active, self._steps)
        np.greater_equal(self._steps, self._time_limit, self._truncated)
        if np.count_nonzero(active) == self.num_envs:
            self._states[:] = index
        else:
            np.copyto(self._states, index, where=active)
            np.copyto(self._rewards, 0.0, where=~active)
            np.logical_and(self._terminated, active, self._terminated)
            np.logical_and(self._truncated, active, self._truncated)
        if self._drawing:
            np.add(self._next_draw, active, self._next_draw)
            self._steps_until_refill -= 1
            if self._steps_until_refill == 0:
                self._refill()
        return StepResult(self._observe(), self._rewards, self._terminated, self._truncated)

    def copy_members(self, sources: IntArray) -> FloatArray:
        self._states[:] = self._states[sources]
        self._steps[:] = self._steps[sources]
        return self._observe()

    def snapshot(self) -> EnvironmentState:
        """All int64 [N]: `states`; `steps` since the reset; `seeds`; `draws` taken from the stream of each seed."""
        return {
            "states": self._states.copy(),
            "steps": self._steps.copy(),
            "seeds": self._seeds.copy(),
            "draws": self._drawn_before + self._next_draw - self._first_draw,
        }

    def restore(self, state: EnvironmentState) -> FloatArray:
        """Raises ValueError when the snapshot is one of another number of members."""
        for name in ("states", "steps", "seeds", "draws"):
            check_shape(name, state[name], (self.num_envs,))
        self._states[:], self._steps[:], self._seeds[:] = state["states"], state["steps"], state["seeds"]
        self._drawn_before[:] = state["draws"]
        for member in range(self.num_envs):
            self._fill(member)
        return self._observe()

    def close(self) -> None:
        """There is nothing to free."""

    def _refill(self) -> None:
        """New draws for every member that has none left."""
        used = self._next_draw - self._first_draw
        for member in np.flatnonzero(used == BLOCK):
            self._drawn_before[member] += BLOCK
            self._fill(member)
            used[member] = 0
        self._steps_until_refill = BLOCK - int(used.max())

    def _fill(self, member: int | np.intp) -> None:
        """The member's next draws, found again from its seed: a generator need not be kept."""
        generator = np.random.PCG64(int(self._seeds[member]))
        generator.advance(int(self._drawn_before[member]))
        self._draws[member] = np.random.Generator(generator).random(BLOCK)
        self._next_draw[member] = self._first_draw[member]

    def _observe(self) -> FloatArray:
        self._flat_features[self._hot] = 0.0
        np.add(self._first_feature, self._states, self._hot)
        self._flat_features[self._hot] = 1.0
        return self._features
