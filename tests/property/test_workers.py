"""Several samplers: the result is a function of the seed and of their number, not of where and when each of them samples."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.config import TrainingConfig
from domain.errors import InvalidConfiguration
from domain.presets import resolve
from domain.sampler import Current, Sample, joined
from domain.samplers import SamplersHere, shares_of
from domain.trainer import Trainer
from tests.fakes import FakeEnvironments, TargetVector
from tests.property.test_resumption import configure


class Backwards(SamplersHere):
    """The last sampler comes first."""

    def sample(self, current: Current, budget: int, should_stop: Callable[[], bool]) -> Sequence[Sample]:
        shares = shares_of(budget, len(self._samplers))
        pairs = [*zip(self._samplers, shares, strict=True)]
        samples = [sampler.sample(current, share, should_stop) for sampler, share in reversed(pairs) if share]
        return samples[::-1]


def learned(config: TrainingConfig, samplers: type[SamplersHere] = SamplersHere) -> tuple[bytes, list[dict[str, float]], int]:
    with Trainer(FakeEnvironments(TargetVector), config, make_samplers=samplers) as trainer:
        metrics = [*trainer.run()]
        return trainer.policy.parameters.tobytes(), metrics, trainer.timesteps


@pytest.mark.parametrize("start", ["workers", "valued workers"])
def test_samples_when_made_in_another_order_then_the_same_bits_and_metrics_are_learned(start: str) -> None:
    config = configure(TargetVector, start)
    assert learned(config) == learned(config, Backwards)


@pytest.mark.parametrize("budget", [1, 2, 37, 640])
def test_budget_when_shared_then_is_used_exactly(budget: int) -> None:
    config = configure(TargetVector, "workers", total_timesteps=budget)
    assert learned(config)[2] == budget


def test_number_of_workers_when_it_is_another_then_another_policy_is_learned() -> None:
    base = {"n_steps": 8, "segment_start": "branched", "n_envs": 12, "num_generations": 2}
    found = [learned(configure(TargetVector, "workers", **(base | {"num_workers": number})))[0] for number in (1, 2, 3)]
    assert len(set(found)) == 3


@given(st.integers(1, 10_000), st.integers(1, 64))
def test_shares_then_are_the_budget_and_differ_by_one_at_most(budget: int, number: int) -> None:
    shares = shares_of(budget, number)
    assert (sum(shares), len(shares)) == (budget, number)
    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, reverse=True)


def test_samples_of_different_lengths_when_joined_then_are_padded_with_what_is_not_valid() -> None:
    config = configure(TargetVector, "workers")
    samplers = SamplersHere(FakeEnvironments(TargetVector), config, np.random.default_rng(0))
    with Trainer(FakeEnvironments(TargetVector), config) as trainer:
        current = Current(trainer._parameters, trainer._normalizer, None)
        samples = [
            sampler.sample(current, budget, lambda: False)
            for sampler, budget in zip(samplers._samplers, (3, 32, 9), strict=True)
        ]
    whole = joined(samples)
    assert whole.rollout.timesteps == sum(sample.rollout.timesteps for sample in samples) == 44
    assert whole.centred.shape == (8, 12)
    for index, sample in enumerate(samples):
        part = whole.centred[: len(sample.centred), 4 * index : 4 * index + 4]
        np.testing.assert_array_equal(part, sample.centred)
        groups = np.where(sample.rollout.valid, sample.centred, 0).reshape(len(sample.centred), -1, 2)
        np.testing.assert_allclose(groups.sum(axis=2), 0, atol=1e-6)  # centred in the group, where the group was sampled
    assert not whole.centred[~whole.rollout.valid].any()
    samplers.close()


@pytest.mark.parametrize(
    ("given_fields", "n_envs", "size"),
    [
        ({}, 12, 2),  # the preset of shaped CartPole has 6 environments in groups of 2, for each worker
        ({"n_envs": 8}, 8, 2),
        ({"num_generations": 4}, 8, 4),
        ({"reward_function_type": "environment", "n_steps": 64, "segment_start": "carried"}, 16, 8),
        ({"reward_function_type": "environment", "n_steps": 64, "segment_start": "carried", "n_envs": 8}, 8, 4),
    ],
)
def test_environments_of_a_preset_then_are_those_of_each_worker(given_fields: dict[str, Any], n_envs: int, size: int) -> None:
    environment = cartpole()
    config = resolve(given_fields | {"num_workers": 2}, environment, seed=0, model_name="m")
    assert (config.n_envs, config.num_generations) == (n_envs, size)


@pytest.mark.parametrize(("n_envs", "size"), [(9, 3), (6, 2), (8, 8)])
def test_environments_that_cannot_be_divided_then_are_refused(n_envs: int, size: int) -> None:
    with pytest.raises(InvalidConfiguration, match="n_envs must be a whole number of groups for each of num_workers 2"):
        resolve({"n_envs": n_envs, "num_generations": size, "num_workers": 2}, cartpole(), seed=0, model_name="m")


def cartpole() -> Any:
    from adapters.environments.factory import GymnasiumEnvironments  # noqa: PLC0415

    return GymnasiumEnvironments().describe("CartPole-v1")
