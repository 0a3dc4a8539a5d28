"""How groups start, who is simulated, what is recorded. Observations of these fakes tell the seed and step of a member."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.arrays import ActionArray, BoolArray, FloatArray
from domain.rollout import Collector, Episodes, Interrupted, Rollout
from domain.spaces import Box, Discrete, EnvironmentSpec
from tests.factories import make_config
from tests.fakes import FakeVector

Script = dict[tuple[int, int], int]
"""What ends: (step of the rollout, member) → 1."""


class ShowingVector(FakeVector):
    """Shows (seed, step); pays step + 1; ends a member with action 1."""

    SPEC = EnvironmentSpec("Showing-v0", Box((2,), (0.0,) * 2, (np.inf,) * 2), Discrete(2), None, cloneable=True)

    def observe(self) -> FloatArray:
        return np.column_stack([self._seeds % 1_000_003, self._time]).astype(np.float32)

    def reward(self, actions: ActionArray) -> FloatArray:
        return self._time + 1.0

    def ends(self, actions: ActionArray) -> BoolArray:
        return np.asarray(actions == 1)


class ScriptedActor:
    """Does 0, and 1 where the script says so."""

    def __init__(self, num_envs: int, script: Script) -> None:
        self.seen: list[NDArray[Any]] = []
        self._num_envs, self._script = num_envs, script

    def act(self, observations: FloatArray) -> tuple[ActionArray, ActionArray]:
        actions = np.array([self._script.get((len(self.seen), member), 0) for member in range(self._num_envs)])
        self.seen.append(observations.copy())
        return 10 * actions, actions


def never() -> bool:
    return False


def make(n_envs: int = 4, **changes: Any) -> tuple[Collector, ShowingVector, Callable[..., Rollout]]:
    """A collector, its environment, and a function that takes a rollout with a script."""
    fields = {"num_generations": n_envs, "max_episode_steps": 50, "segment_start": "fresh"}
    config = make_config(n_envs=n_envs, **(fields | changes))
    vector = ShowingVector(n_envs, config.max_episode_steps)
    collector = Collector(vector, config, np.random.default_rng(0))

    def collect(script: Script | None = None, budget: int = 1_000_000) -> Rollout:
        return collector.collect(ScriptedActor(n_envs, script or {}), budget, never)

    return collector, vector, collect


def steps_of(rollout: Rollout) -> Any:
    return rollout.observations[..., 1].tolist()


def test_rollout_of_episodes_then_lasts_until_all_have_ended_and_masks_who_has() -> None:
    collector, vector, collect = make(3, max_episode_steps=4)
    rollout = collect({(0, 1): 1, (2, 0): 1})
    assert rollout.valid.tolist() == [[True, True, True], [True, False, True], [True, False, True], [False, False, True]]
    assert rollout.terminated.tolist() == [[False, True, False], [False] * 3, [True, False, False], [False] * 3]
    assert rollout.truncated.tolist() == [[False] * 3] * 3 + [[False, False, True]]
    assert rollout.rewards.tolist() == [[1, 1, 1], [2, 0, 2], [3, 0, 3], [0, 0, 4]]
    assert rollout.timesteps == vector.simulated == collector.under_way == 8
    assert [*collector.episodes.ended] == [(1.0, 1), (6.0, 3), (10.0, 4)]


def test_rollout_then_records_what_the_actor_saw_and_the_true_last_observations() -> None:
    _, _, collect = make(2, n_steps=3, segment_start="carried")
    rollout = collect({(1, 0): 1})
    assert steps_of(rollout) == [[0, 0], [1, 1], [0, 2]]
    assert rollout.next_observations[..., 1].tolist() == [[1, 1], [2, 2], [1, 3]]
    assert rollout.actions.tolist() == [[0, 0], [10, 0], [0, 0]], "as the policy sees them"
    seeds = rollout.observations[..., 0]
    assert seeds[0, 0] == seeds[1, 0] == rollout.next_observations[1, 0, 0] != seeds[2, 0]
    assert len(set(seeds[:, 1])) == 1


def test_fresh_groups_then_share_one_start_within_and_none_between_them() -> None:
    _, _, collect = make(6, num_generations=3, n_steps=2)
    seeds = np.array([collect().observations[0, :, 0] for _ in range(3)])
    assert np.array_equal(seeds, seeds[:, [0, 0, 0, 3, 3, 3]])
    assert len(np.unique(seeds)) == 6


def test_fresh_segments_then_start_anew_each_time_and_keep_nobody() -> None:
    collector, _, collect = make(2, n_steps=3)
    assert [steps_of(collect()) for _ in range(2)] == [[[0, 0], [1, 1], [2, 2]]] * 2
    assert [*collector.episodes.ended] == []


def test_carried_segments_then_go_on_where_each_member_was() -> None:
    collector, _, collect = make(2, n_steps=2, segment_start="carried", max_episode_steps=3)
    first, second = collect({(1, 0): 1}), collect()
    assert steps_of(first) == [[0, 0], [1, 1]]
    assert steps_of(second) == [[0, 2], [1, 0]]
    assert first.valid.all()
    assert second.valid.all()
    starts = [*first.observations[0, :, 0].tolist(), second.observations[0, 0, 0], second.observations[1, 1, 0]]
    assert len(set(starts)) == 4, "each episode has a start of its own"
    assert [*collector.episodes.ended] == [(3.0, 2), (6.0, 3)]
    assert collector.episodes.lengths.tolist() == [2, 1]
    assert collector.episodes.returns.tolist() == [3.0, 1.0]


def test_branched_groups_then_copy_a_live_member_of_their_own_group() -> None:
    collector, _, collect = make(4, num_generations=2, n_steps=2, segment_start="branched", reset_probability=0.0)
    first = collect({(0, 0): 1, (1, 3): 1})  # members 1 and 2 live on
    second = collect()
    assert steps_of(second) == [[2, 2, 2, 2], [3, 3, 3, 3]]
    starts = second.observations[0, :, 0]
    assert starts.tolist() == first.observations[0, [1, 1, 2, 2], 0].tolist()
    assert starts[0] != starts[2]
    assert collector.episodes.returns.tolist() == [10.0] * 4, "1 + 2 + 3 + 4, the copied part included"
    assert collector.episodes.lengths.tolist() == [4] * 4
    assert sorted(collector.episodes.ended) == [(1.0, 1), (3.0, 2)]


def test_branched_group_when_nobody_is_alive_then_starts_fresh_while_the_other_goes_on() -> None:
    collector, _, collect = make(4, num_generations=2, n_steps=2, segment_start="branched", reset_probability=0.0)
    collect({(0, 0): 1, (1, 1): 1})
    second = collect()
    assert steps_of(second) == [[0, 0, 2, 2], [1, 1, 3, 3]]
    assert second.observations[0, 0, 0] == second.observations[0, 1, 0]
    assert collector.episodes.lengths.tolist() == [2, 2, 4, 4]


@pytest.mark.parametrize(("probability", "low", "high"), [(0.0, 0, 0), (0.25, 30, 70), (1.0, 200, 200)])
def test_branched_group_then_starts_fresh_as_often_as_asked(probability: float, low: int, high: int) -> None:
    _, _, collect = make(2, n_steps=1, segment_start="branched", reset_probability=probability, max_episode_steps=1_000)
    collect()
    fresh = sum(steps_of(collect()) == [[0, 0]] for _ in range(200))
    assert low <= fresh <= high  # 50 ± 3.3 standard errors


def test_branched_group_then_copies_each_live_member_about_equally_often() -> None:
    _, vector, collect = make(4, n_steps=1, segment_start="branched", reset_probability=0.0, max_episode_steps=10_000)
    counts = [0] * 4
    for _ in range(200):
        collect({(0, 2): 1})
        vector._seeds[:] = np.arange(4)  # marks
        marks = collect().observations[0, :, 0]
        assert len(set(marks)) == 1
        counts[int(marks[0])] += 1
    assert counts[2] == 0, "member 2 is over"
    assert min(counts[0], counts[1], counts[3]) > 44  # 67 - 3.5 standard errors


@pytest.mark.parametrize("start", ["fresh", "branched", "carried"])
def test_rollout_when_the_budget_ends_then_uses_all_of_it(start: str) -> None:
    _, vector, collect = make(4, n_steps=5, segment_start=start)
    rollout = collect(budget=10)
    assert rollout.valid.tolist() == [[True] * 4, [True] * 4, [True, True, False, False]]
    assert vector.simulated == 10
    assert rollout.rewards[2].tolist() == [3, 3, 0, 0]


def test_rollout_when_the_budget_is_smaller_than_the_members_then_steps_the_first_ones() -> None:
    _, _, collect = make(4)
    assert collect(budget=3).valid.tolist() == [[True, True, True, False]]


def test_rollout_when_members_idle_then_spends_nothing_on_them() -> None:
    _, _, collect = make(3)
    rollout = collect({(0, 0): 1, (0, 1): 1}, budget=6)
    assert rollout.valid.tolist() == [[True] * 3, *[[False, False, True]] * 3]


def test_rollout_when_stopped_then_simulates_nothing_more() -> None:
    collector, vector, _ = make(2, n_steps=9)
    answers = iter([False, False, True])
    with pytest.raises(Interrupted):
        collector.collect(ScriptedActor(2, {}), 100, lambda: next(answers))
    assert vector.simulated == collector.under_way == 4


def test_trajectories_then_are_numbered_by_member_and_episode() -> None:
    _, _, collect = make(2, n_steps=4, segment_start="carried")
    assert collect({(1, 0): 1}).trajectories().reshape(4, 2).tolist() == [[0, 1], [0, 1], [2, 1], [2, 1]]
    _, _, collect = make(3, max_episode_steps=3)
    assert collect({(0, 1): 1}).trajectories().tolist() == [0, 1, 2, 0, 2, 0, 2]


@given(st.data(), st.integers(2, 4), st.integers(1, 6), st.sampled_from(["fresh", "branched", "carried"]))
@settings(max_examples=50)
def test_trajectories_then_are_unbroken_pieces_of_one_episode(
    data: st.DataObject, n_envs: int, n_steps: int, start: str
) -> None:
    _, _, collect = make(n_envs, n_steps=n_steps, segment_start=start)
    places = st.tuples(st.integers(0, n_steps - 1), st.integers(0, n_envs - 1))
    rollout = collect(dict.fromkeys(data.draw(st.lists(places, max_size=6)), 1), data.draw(st.integers(1, 30)))
    ids = rollout.trajectories()
    assert sorted(set(ids)) == [*range(ids.max() + 1)]
    steps, members = np.nonzero(rollout.valid)
    for trajectory in range(ids.max() + 1):
        own = ids == trajectory
        assert len(set(members[own])) == 1
        assert np.array_equal(np.diff(steps[own]), np.ones(own.sum() - 1))
        assert not rollout.ended[rollout.valid][own][:-1].any()
    assert ids.max() + 1 == rollout.valid.any(axis=0).sum() + _starts_within(rollout)


def _starts_within(rollout: Rollout) -> int:
    """How many episodes began behind the first step."""
    return int((rollout.ended[:-1] & rollout.valid[1:]).sum())


@pytest.mark.parametrize("start", ["fresh", "branched", "carried"])
def test_state_when_restored_elsewhere_then_gives_the_same_next_rollout(start: str) -> None:
    collector, _, collect = make(3, n_steps=4, segment_start=start)
    collect({(1, 2): 1})
    state = collector.state()
    other, vector, collect_there = make(3, n_steps=4, segment_start=start)
    other._rng.bit_generator.state = collector._rng.bit_generator.state
    collect()  # the state must not notice
    other.restore(state)
    collector.restore(state)
    collector._rng.bit_generator.state = other._rng.bit_generator.state
    one, same = collect(), collect_there()
    for name in ("observations", "next_observations", "rewards", "valid", "terminated", "truncated", "actions"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert [*collector.episodes.ended] == [*other.episodes.ended]
    np.testing.assert_array_equal(collector.episodes.returns, other.episodes.returns)
    assert vector.simulated == 12


def test_episodes_then_keep_the_last_hundred() -> None:
    episodes = Episodes.of(1)
    for number in range(150):
        episodes.restart(0)
        episodes.step(np.array([float(number)]), np.array([True]))
        episodes.end(np.array([0]))
    assert [*episodes.ended] == [(float(number), 1) for number in range(50, 150)]
