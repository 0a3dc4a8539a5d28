"""One prediction at a time against the policy itself; models in memory."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.inference import LARGE_BATCH, LoadedModel, ModelCache, Predict
from domain.errors import InvalidObservation
from domain.policy import Policy
from domain.predictor import MAX_ACTIONS, Predictor
from domain.spaces import Box, Discrete, EnvironmentSpec
from tests.factories import ARM, CARTPOLE, LAKE, make_policy
from tests.strategies import generators

SHIFTED = EnvironmentSpec("Shifted-v0", CARTPOLE.observation_space, Discrete(3, start=-1), None)
MANY = EnvironmentSpec("Many-v0", CARTPOLE.observation_space, Discrete(MAX_ACTIONS + 1), None)


@given(generators, st.sampled_from([CARTPOLE, SHIFTED]), st.booleans(), st.sampled_from([0.1, 1.0, 1e3, 1e30]))
def test_prediction_then_equals_the_policys(
    rng: np.random.Generator, environment: EnvironmentSpec, normalized: bool, scale: float
) -> None:
    policy = make_policy(environment, normalized=normalized)
    observation = scale * rng.standard_normal(4)
    with np.errstate(over="ignore", invalid="ignore"):
        action, probabilities, value = Predictor(policy)(observation)
        expected = policy.predict(observation[None])
    assert expected.action_probs is not None
    assert action == expected.actions[0]
    np.testing.assert_allclose(probabilities, expected.action_probs[0], rtol=1e-4, atol=1e-6)
    assert value == pytest.approx(float(expected.values[0]), rel=1e-4, abs=1e-4)
    assert sum(probabilities) == pytest.approx(1)


@pytest.mark.parametrize(
    ("environment", "fits"), [(CARTPOLE, True), (SHIFTED, True), (MANY, False), (LAKE, False), (ARM, False)]
)
def test_policy_then_fits_when_it_sees_a_box_and_has_few_actions(environment: EnvironmentSpec, fits: bool) -> None:
    assert Predictor.fits(make_policy(environment)) == fits


@pytest.mark.parametrize("environment", [CARTPOLE, SHIFTED, MANY, LAKE, ARM])
def test_single_answer_then_is_the_one_in_a_batch(environment: EnvironmentSpec) -> None:
    model = LoadedModel(make_policy(environment))
    space = environment.observation_space
    observation: list[Any] = [0.25] * space.size if isinstance(space, Box) else [space.start + 3]
    single, batch = model.answer(observation, True), model.answer([observation, observation], True)
    assert isinstance(batch.action, list)
    assert isinstance(batch.value, list)
    np.testing.assert_allclose(single.action, batch.action[0], rtol=1e-5)
    assert single.value == pytest.approx(batch.value[1], rel=1e-4)
    assert (single.action_probs is None) == (batch.action_probs is None)
    if single.action_probs is not None and batch.action_probs is not None:
        np.testing.assert_allclose(single.action_probs, batch.action_probs[0], rtol=1e-4)


@pytest.mark.parametrize(
    ("observation", "said"),
    [
        ([0.0] * 3, "list of 4 numbers, got 3"),
        ([], "list of 4 numbers, got 0"),
        ([0.0, 1e39, 0.0, 0.0], "got 1e+39"),
        ([0.0, float("nan"), 0.0, 0.0], "got nan"),
        ([0.0, float("-inf"), 0.0, 0.0], "got -inf"),
        ([10**400, 0, 0, 0], "numbers only"),
        ([0.0, [1.0], 0.0, 0.0], "numbers only"),
        ([[0.0] * 4, [0.0] * 3], "observation[1] must be"),
    ],
)
@pytest.mark.parametrize("deterministic", [True, False])
def test_observation_that_does_not_fit_then_is_refused_with_its_place(
    observation: list[Any], said: str, deterministic: bool
) -> None:
    with pytest.raises(InvalidObservation) as refused:
        LoadedModel(make_policy()).answer(observation, deterministic)
    assert said in str(refused.value)


@pytest.mark.parametrize("largest", [3.4e38, -3.4e38, 1e20])
def test_observation_when_numbers_are_very_large_then_is_answered(largest: float) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        answer = LoadedModel(make_policy()).answer([largest, 0.0, 0.0, 0.0], deterministic=True)
    assert answer.action in {0, 1}


class OneModel:
    """A model repository with a policy under every name that begins with a letter."""

    reads = 0

    def get(self, name: str, version: int | None = None) -> Any:
        self.reads += 1
        return type("Kept", (), {"policy": make_policy(), "version": version or 3})()


def test_answer_at_once_then_never_waits_for_storage() -> None:
    models: Any = OneModel()
    cache = ModelCache(models, capacity_bytes=100_000)
    predict = Predict(cache)
    observation: list[Any] = [0.0] * 4
    assert predict.at_once("model", observation) is None
    assert models.reads == 0
    answer = predict("model", observation)
    assert predict.at_once("model", observation) == answer
    assert predict.at_once("model", [observation] * LARGE_BATCH) is not None
    assert predict.at_once("model", [observation] * (LARGE_BATCH + 1)) is None
    assert models.reads == 1
    assert isinstance(cache.get("model").policy, Policy)
    assert predict.at_once("model", observation, version=3) == answer
    assert predict.at_once("model", observation, version=2) is None


def test_cache_when_full_drops_the_least_recently_used_and_keeps_within_its_bytes() -> None:
    models: Any = OneModel()
    size = ModelCache(models, 10**9).get("model").size_bytes
    cache = ModelCache(models, capacity_bytes=2 * size)
    for name in ("a", "b", "a", "c"):
        cache.get(name)
    assert (cache.names(), cache.size_bytes) == ({"a", "c"}, 2 * size)
    assert cache.peek("b") is None
    cache.get("a", 2)
    cache.get("a", 1)
    assert (cache.names(), cache.size_bytes) == ({"a"}, 2 * size)
    cache.forget("a")
    assert (cache.names(), cache.size_bytes) == (frozenset(), 0)


def test_cache_when_smaller_than_a_model_serves_it_all_the_same() -> None:
    models: Any = OneModel()
    cache = ModelCache(models, capacity_bytes=10)
    assert isinstance(cache.get("model").policy, Policy)
    assert (cache.names(), cache.size_bytes) == (frozenset(), 0)
