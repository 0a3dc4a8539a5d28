"""The distributions: normalised, bounded, and sampled by the actors as their log-probabilities say."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.actor import Actor, make_actor
from domain.arrays import FloatArray
from domain.distributions import Categorical, DiagonalGaussian, k3
from domain.network import MLP
from domain.spaces import Box, Discrete, EnvironmentSpec
from tests.factories import make_config
from tests.strategies import arrays, generators, logits, numbers

MEMBERS = 2_000


def log_probs(output: FloatArray) -> FloatArray:
    """Log π of every action, [A, B]."""
    count = output.shape[1]
    return np.array([Categorical(output, np.full(count, action)).log_prob() for action in range(len(output))])


def constant_actor(space: Discrete | Box, output: FloatArray, log_std: FloatArray, seed: int, **changes: Any) -> Actor:
    """An actor of 2,000 members whose network says `output` [A] whatever it sees."""
    network = MLP((1, 1, len(output)))
    parameters = np.zeros(network.num_parameters, dtype=np.float32)
    network.layers(parameters)[-1][:, -1] = output
    environment = EnvironmentSpec("Some-v0", Box((1,), (-1.0,), (1.0,)), space, None)
    config = make_config(n_envs=MEMBERS, num_generations=MEMBERS, **changes)
    everything = np.concatenate([parameters, log_std.astype(np.float32)])
    return make_actor(config, environment, network, everything, None, np.random.default_rng(seed))


@given(logits(1e4))
def test_probabilities_when_logits_are_finite_then_sum_to_one(output: FloatArray) -> None:
    assert_probabilities(output, 1e-12)


@given(logits(1e4, np.float32))
def test_probabilities_in_single_precision_when_logits_are_finite_then_sum_to_one(output: FloatArray) -> None:
    assert_probabilities(output, 1e-5)


def assert_probabilities(output: FloatArray, tolerance: float) -> None:
    probabilities, logs = Categorical.probabilities(output), log_probs(output)
    assert probabilities.dtype == logs.dtype == output.dtype
    assert np.all((probabilities >= 0) & (probabilities <= 1))
    assert np.all(np.isfinite(logs))
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, rtol=tolerance)
    np.testing.assert_allclose(np.exp(logs), probabilities, rtol=1e4 * tolerance, atol=tolerance)


def test_log_prob_of_two_actions_when_one_is_three_times_as_likely_then_is_the_log_of_the_quarters() -> None:
    output = np.array([[0.0], [math.log(3)]])
    np.testing.assert_allclose(log_probs(output), [[math.log(0.25)], [math.log(0.75)]])
    np.testing.assert_allclose(Categorical(output, np.array([0])).entropy(), [math.log(4) - 0.75 * math.log(3)])


@given(logits(50), numbers(1e3))
def test_probabilities_when_all_logits_are_shifted_then_stay(output: FloatArray, shift: float) -> None:
    np.testing.assert_allclose(Categorical.probabilities(output + shift), Categorical.probabilities(output), rtol=1e-9)


@given(logits(1e4))
def test_categorical_entropy_then_lies_between_zero_and_log_a(output: FloatArray) -> None:
    entropy = Categorical(output, np.zeros(output.shape[1], dtype=np.int64)).entropy()
    assert np.all(entropy >= 0)
    assert np.all(entropy <= math.log(len(output)) + 1e-12)


@given(st.integers(1, 9), numbers(1e4))
def test_categorical_entropy_when_logits_are_equal_then_is_log_a(count: int, logit: float) -> None:
    entropy = Categorical(np.full((count, 1), logit), np.array([0])).entropy()
    np.testing.assert_allclose(entropy, [math.log(count)], atol=1e-12)


def test_gaussian_log_prob_of_the_means_then_is_that_of_the_normal_distribution() -> None:
    mean, log_std = np.array([[1.0, 1.0], [2.0, 2.0]]), np.log([1.0, 2.0])
    distribution = DiagonalGaussian(mean, log_std, np.array([[1.0, 2.0], [2.0, 2.0]]))
    at_mean = -math.log(2 * math.pi) - math.log(2)
    np.testing.assert_allclose(distribution.log_prob(), [at_mean, at_mean - 0.5])
    np.testing.assert_allclose(distribution.entropy(), [1 + math.log(2 * math.pi) + math.log(2)] * 2)


@given(numbers(5), st.floats(-5, 3))
def test_gaussian_density_then_integrates_to_one_and_gives_the_entropy(mean: float, log_std: float) -> None:
    points = mean + math.exp(log_std) * np.linspace(-12, 12, 4_001)
    distribution = DiagonalGaussian(np.full((1, len(points)), mean), np.array([log_std]), points[None])
    logs = distribution.log_prob()
    assert np.trapezoid(np.exp(logs), points) == pytest.approx(1, rel=1e-9)
    assert -np.trapezoid(np.exp(logs) * logs, points) == pytest.approx(distribution.entropy()[0], rel=1e-9, abs=1e-9)


def test_gaussian_when_its_log_std_is_changed_behind_it_then_stays() -> None:
    log_std = np.zeros(1)
    distribution = DiagonalGaussian(np.zeros((1, 1)), log_std, np.zeros((1, 1)))
    before = distribution.log_prob(), distribution.entropy()
    log_std += 1
    assert (distribution.log_prob(), distribution.entropy()) == before


@given(arrays((4,), 30), arrays((4,), 30))
def test_k3_then_is_never_negative_and_zero_only_where_both_are_equal(log_prob: FloatArray, reference: FloatArray) -> None:
    estimate = k3(log_prob, reference)
    assert np.all(estimate >= 0)
    assert np.all(estimate[np.abs(log_prob - reference) > 1e-6] > 0)
    assert not k3(log_prob, log_prob.copy()).any()


def test_k3_then_is_e_to_the_difference_minus_one_minus_the_difference() -> None:
    np.testing.assert_allclose(k3(np.array([-1.0, -3.0]), np.array([-3.0, -1.0])), [math.exp(-2) + 1, math.exp(2) - 3])


@pytest.mark.parametrize("difference", [1e-3, -1e-3, 1e-5, -1e-7])
def test_k3_when_policies_are_nearly_equal_then_is_half_the_squared_difference(difference: float) -> None:
    estimate = k3(np.array([-difference]), np.array([0.0]))
    np.testing.assert_allclose(estimate, [difference**2 / 2 + difference**3 / 6], rtol=1e-6 + 1e-15 / abs(difference))


@given(logits(8), st.data())
def test_k3_when_averaged_over_the_policy_then_is_the_divergence(output: FloatArray, data: st.DataObject) -> None:
    ours, reference = log_probs(output), log_probs(data.draw(arrays(output.shape, 8)))
    divergence = (np.exp(ours) * (ours - reference)).sum(axis=0)
    np.testing.assert_allclose((np.exp(ours) * k3(ours, reference)).sum(axis=0), divergence, rtol=1e-9, atol=1e-9)


@given(st.integers(2, 3).flatmap(lambda count: arrays((count,), 2)), st.integers(0, 2**32 - 1))
@settings(max_examples=8)
def test_categorical_actor_when_it_acts_often_then_does_as_its_log_prob_says(output: FloatArray, seed: int) -> None:
    actor = constant_actor(Discrete(len(output)), output, np.zeros(0), seed)
    observations = np.zeros((MEMBERS, 1), dtype=np.float32)
    samples = np.array([actor.act(observations)[0] for _ in range(70)])  # more than one chunk of noise
    expected = np.exp(log_probs(output[:, None]).ravel())
    assert_frequencies(np.array([(samples == action).mean() for action in range(len(output))]), expected, samples.size)
    same = (expected**2).sum()  # pairs must not share samples, or their number says too little
    for apart in (1, 64):  # neighbours in time, and the same place in the next chunk of noise
        assert_frequencies((samples[0] == samples[apart]).mean(), same, MEMBERS)
    assert_frequencies((samples[:, ::2] == samples[:, 1::2]).mean(), same, samples.size // 2)  # neighbours in the batch


@pytest.mark.parametrize("output", [np.array([0.7, -0.6]), np.array([0.5, -0.5, 0.0, 1.0])], ids=["two", "four"])
@pytest.mark.parametrize("correlation", [0.3, 0.8, 0.95])
def test_categorical_actor_when_noise_is_held_then_does_as_its_log_prob_says_and_keeps_to_it(
    output: FloatArray, correlation: float
) -> None:
    actor = constant_actor(Discrete(len(output)), output, np.zeros(0), 11, noise_correlation=correlation)
    observations = np.zeros((MEMBERS, 1), dtype=np.float32)
    samples = np.array([actor.act(observations)[0] for _ in range(70)])  # more than one chunk of noise
    expected = np.exp(log_probs(output[:, None]).ravel())
    same = (expected**2).sum()
    for step in samples:  # each action by itself follows the policy, and members do not know of one another
        assert_frequencies(np.array([(step == action).mean() for action in range(len(output))]), expected, MEMBERS)
        assert_frequencies((step[::2] == step[1::2]).mean(), same, MEMBERS // 2)
    for apart in (1, 2, 5):  # at every step each member by itself holds its noise, so as many do as should
        held = correlation**apart
        agreement = (samples[apart:] == samples[:-apart]).mean(axis=1)
        assert_frequencies(agreement, held + (1 - held) * same, MEMBERS)
    one, other = samples[1:, ::2] == samples[:-1, ::2], samples[1:, 1::2] == samples[:-1, 1::2]
    alike = correlation + (1 - correlation) * same
    assert_frequencies((one & other).mean(axis=1), alike**2, MEMBERS // 2)


@pytest.mark.parametrize("actions", [2, 3])
def test_categorical_actor_when_noise_is_held_and_the_logits_change_then_follows_the_new_ones(actions: int) -> None:
    output, network = np.linspace(0, 2, actions), MLP((1, 1, actions))
    parameters = np.zeros(network.num_parameters, dtype=np.float32)
    first, last = network.layers(parameters)
    first[:, 0], last[:, 0] = 10, output  # logits are output·tanh(10·x)
    environment = EnvironmentSpec("Some-v0", Box((1,), (-1.0,), (1.0,)), Discrete(actions), None)
    config = make_config(n_envs=MEMBERS, num_generations=MEMBERS, noise_correlation=0.999)
    actor = make_actor(config, environment, network, parameters, None, np.random.default_rng(4))
    for sign in (1, -1, 1, -1):
        samples, _ = actor.act(np.full((MEMBERS, 1), sign, dtype=np.float32))
        expected = np.exp(log_probs(sign * output[:, None]).ravel())
        assert_frequencies(np.array([(samples == action).mean() for action in range(actions)]), expected, MEMBERS)


@pytest.mark.parametrize("actions", [2, 3])
@pytest.mark.parametrize("n_steps", [None, 5, 64, 100])
def test_categorical_actor_when_noise_is_white_then_is_the_gumbel_max_of_these_draws(actions: int, n_steps: int | None) -> None:
    output = np.linspace(-1, 1, actions)
    actor = constant_actor(Discrete(actions), output, np.zeros(0), 9, n_steps=n_steps, noise_correlation=0.0)
    observations, rng = np.zeros((MEMBERS, 1), dtype=np.float32), np.random.default_rng(9)
    chunk = min(n_steps or 64, 64)
    draws = np.concatenate([rng.standard_exponential((chunk, actions, MEMBERS), dtype=np.float32) for _ in range(2)])
    for draw in draws[: chunk + 3]:
        gumbel = output[:, None] - np.log(draw)
        assert (actor.act(observations)[0] == gumbel.argmax(axis=0)).mean() > 0.999  # all, but for rounding


def assert_frequencies(frequency: Any, expected: Any, count: int) -> None:
    """Within 4.5 standard errors."""
    assert np.all(np.abs(frequency - expected) <= 4.5 * np.sqrt(expected * (1 - expected) / count) + 1e-12)


@given(numbers(2), st.floats(-2, 1), st.sampled_from([0.0, 0.5, 0.9]), generators)
@settings(max_examples=6)
def test_gaussian_actor_when_it_acts_often_then_does_as_its_log_prob_says(
    mean: float, log_std: float, correlation: float, rng: np.random.Generator
) -> None:
    space, std = Box((1,), (-1.0,), (3.0,)), math.exp(log_std)
    output, seed = np.array([mean]), int(rng.integers(2**32))
    actor = constant_actor(space, output, np.array([log_std]), seed, noise_correlation=correlation)
    observations = np.zeros((MEMBERS, 1), dtype=np.float32)
    latent, actions = (np.array(column)[..., 0] for column in zip(*(actor.act(observations) for _ in range(40)), strict=True))
    np.testing.assert_allclose(actions, np.clip(1 + 2 * latent, -1, 3), rtol=1e-6, atol=1e-6)
    for step in (0, 39):  # at every step the marginal distribution, whatever came before
        for low, high in ((-9, -1), (-1, 0), (0, 0.5), (0.5, 9)):
            points = mean + std * np.linspace(low, high, 2_001)
            density = np.exp(DiagonalGaussian(np.full((1, 2_001), mean), np.array([log_std]), points[None]).log_prob())
            inside = ((latent[step] > points[0]) & (latent[step] <= points[-1])).mean()
            assert_frequencies(inside, np.trapezoid(density, points), MEMBERS)
    noise = (latent - mean) / std
    for apart in (1, 2, 5):
        products = noise[apart:] * noise[:-apart]
        spread = products.mean(axis=0).std() / math.sqrt(MEMBERS)  # members are independent, steps are not
        assert abs(products.mean() - correlation**apart) < 4.5 * spread
