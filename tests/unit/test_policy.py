"""A trained policy: what it answers for observations of each kind of space."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings

from domain.arrays import FloatArray
from domain.network import MLP
from domain.policy import Policy, scale_actions
from domain.spaces import Box, Discrete, EnvironmentSpec, encode_observations
from tests.factories import ARM, CARTPOLE, LAKE, make_policy
from tests.strategies import arrays

everywhere = pytest.mark.parametrize("environment", [CARTPOLE, LAKE, ARM], ids=lambda environment: environment.env_name)


def observations_of(environment: EnvironmentSpec, count: int = 6) -> FloatArray:
    rng = np.random.default_rng(4)
    space = environment.observation_space
    if isinstance(space, Discrete):
        return rng.integers(space.start, space.start + space.n, size=(count, 1)).astype(np.float64)
    return rng.standard_normal((count, space.size))


def constant_policy(environment: EnvironmentSpec, output: list[float], log_std: list[float]) -> Policy:
    """Says the same whatever it sees."""
    network = MLP((environment.observation_space.size, 1, len(output)))
    parameters = np.zeros(network.num_parameters + len(log_std), dtype=np.float32)
    network.layers(parameters)[-1][:, -1] = output
    parameters[network.num_parameters :] = log_std
    return Policy(environment, network, parameters, None, np.array([0.0, 3.0], dtype=np.float32))


@everywhere
def test_prediction_then_follows_from_normalizer_network_and_read_out(environment: EnvironmentSpec) -> None:
    policy, observations = make_policy(environment), observations_of(environment)
    assert policy.normalizer is not None
    features = policy.normalizer.apply(encode_observations(environment.observation_space, observations))
    activations = policy.network.forward(policy.parameters, features.T)
    prediction = policy.predict(observations)
    np.testing.assert_allclose(
        prediction.values, policy.value_weights[:-1] @ activations[-2] + policy.value_weights[-1], rtol=1e-5, atol=1e-6
    )
    space, output = environment.action_space, activations[-1]
    if isinstance(space, Box):
        assert prediction.action_probs is None
        np.testing.assert_allclose(prediction.actions, scale_actions(space, output.T), rtol=1e-5, atol=1e-6)
    else:
        assert prediction.action_probs is not None
        np.testing.assert_allclose(prediction.action_probs, (np.exp(output) / np.exp(output).sum(axis=0)).T, rtol=1e-5)
        np.testing.assert_array_equal(prediction.actions, output.argmax(axis=0) + space.start)
    np.testing.assert_array_equal(policy(observations), prediction.actions)


@everywhere
def test_prediction_of_each_observation_alone_then_is_that_of_all_together(environment: EnvironmentSpec) -> None:
    policy, observations = make_policy(environment), observations_of(environment)
    together = policy.predict(observations)
    alone = [policy.predict(observation[None]) for observation in observations]
    np.testing.assert_allclose(together.actions, np.concatenate([p.actions for p in alone]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(together.values, np.concatenate([p.values for p in alone]), rtol=1e-5, atol=1e-6)


def test_actions_of_a_discrete_space_then_begin_where_the_space_does() -> None:
    policy = constant_policy(LAKE, [0.0, 0.0, 1.0, 0.0], [])
    assert policy.predict(np.array([[1.0], [16.0]])).actions.tolist() == [1, 1]
    assert policy.predict_features(np.zeros((1, 16), dtype=np.float32)).actions.tolist() == [2]
    assert policy.predict(np.array([[5.0]])).values.tolist() == [3.0]


@pytest.mark.parametrize("wrong", [0.0, 17.0, 1.5, np.nan])
def test_observation_when_outside_a_discrete_space_then_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="expected integers from 1 to 16"):
        make_policy(LAKE).predict(np.array([[wrong]]))


def test_discrete_observations_when_encoded_then_are_one_hot() -> None:
    features = encode_observations(Discrete(3, start=-1), np.array([[-1.0], [1.0]]))
    assert features.dtype == np.float32
    assert features.tolist() == [[1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("latent", "expected"),
    [
        ([0.0, 0.0], [3.0, 0.0]),
        ([1.0, 1.0], [5.0, 1.0]),
        ([-0.5, -7.0], [2.0, -7.0]),
        ([9.0, 9.0], [5.0, 2.0]),
        ([-9.0, -9.0], [1.0, -9.0]),
    ],
)
def test_latent_action_then_counts_in_half_ranges_and_is_clipped(latent: list[float], expected: list[float]) -> None:
    space = Box((2,), (1.0, -np.inf), (5.0, 2.0))  # the second coordinate has one bound only
    assert scale_actions(space, np.array([latent], dtype=np.float32)).tolist() == [expected]


@given(arrays((5, 2), 50))
def test_latent_action_then_never_leaves_the_space(latent: FloatArray) -> None:
    low, high = np.array([0.1, -0.3], dtype=np.float32), np.array([0.7, 1e-3], dtype=np.float32)
    actions = scale_actions(Box((2,), (0.1, -0.3), (0.7, 1e-3)), latent.astype(np.float32))
    assert actions.dtype == np.float32
    assert np.all((actions >= low) & (actions <= high))


@given(arrays((3,), 3))
@settings(max_examples=5)
def test_stochastic_actions_then_follow_the_probabilities(output: FloatArray) -> None:
    environment = EnvironmentSpec("Some-v0", Box((1,), (0.0,), (1.0,)), Discrete(3), None)
    policy = constant_policy(environment, output.tolist(), [])
    prediction = policy.predict(np.zeros((20_000, 1)), deterministic=False, rng=np.random.default_rng(1))
    assert prediction.action_probs is not None
    expected = prediction.action_probs[0]
    frequencies = np.bincount(prediction.actions, minlength=3) / 20_000
    assert np.all(np.abs(frequencies - expected) <= 4.5 * np.sqrt(expected * (1 - expected) / 20_000))


def test_stochastic_continuous_actions_then_have_the_spread_of_the_policy() -> None:
    policy = constant_policy(ARM, [0.25, -1.0], [-1.0, 0.0])
    actions = policy.predict(np.zeros((20_000, 6)), deterministic=False, rng=np.random.default_rng(1)).actions
    # the first coordinate is in units of 2 and clipped at ± 2, which are 2.04 and 3.4 deviations away; the second is free
    assert np.median(actions[:, 0]) == pytest.approx(0.5, abs=0.03)
    assert actions[:, 1].mean() == pytest.approx(-1.0, abs=0.032)
    assert actions[:, 1].std() == pytest.approx(1.0, abs=0.023)
    inner = np.diff(np.quantile(actions[:, 0], [0.25, 0.75]))
    assert inner == pytest.approx(2 * 2 * 0.6745 * np.exp(-1), rel=0.05)


def test_stochastic_actions_when_seeds_are_equal_then_are_equal() -> None:
    policy, observations = make_policy(ARM), observations_of(ARM)
    one, same, other = (
        policy.predict(observations, deterministic=False, rng=np.random.default_rng(seed)).actions for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@everywhere
def test_stochastic_action_without_a_generator_then_is_refused(environment: EnvironmentSpec) -> None:
    with pytest.raises(ValueError, match="a stochastic action needs a random generator"):
        make_policy(environment).predict(observations_of(environment), deterministic=False)


@everywhere
def test_policy_when_pickled_then_predicts_the_same(environment: EnvironmentSpec) -> None:
    policy, observations = make_policy(environment), observations_of(environment)
    before = policy.predict(observations)
    after = pickle.loads(pickle.dumps(policy)).predict(observations)
    np.testing.assert_array_equal(after.actions, before.actions)
    np.testing.assert_array_equal(after.values, before.values)


def test_policy_when_its_arrays_do_not_fit_the_network_then_is_refused() -> None:
    policy = make_policy(ARM)
    with pytest.raises(ValueError, match=r"\(6, 5, 3, 2\) does not join 4 features to 2 actions"):
        Policy(CARTPOLE, policy.network, policy.parameters, None, policy.value_weights)
    with pytest.raises(ValueError, match="parameters has shape"):
        Policy(ARM, policy.network, policy.parameters[:-1], None, policy.value_weights)
    with pytest.raises(ValueError, match=r"normalizer\.mean has shape \(4,\)"):
        Policy(ARM, policy.network, policy.parameters, make_policy(CARTPOLE).normalizer, policy.value_weights)
    with pytest.raises(ValueError, match=r"value_weights has shape \(3,\), expected \(4"):
        Policy(ARM, policy.network, policy.parameters, None, policy.value_weights[:-1])
