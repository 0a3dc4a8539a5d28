"""The objective: its gradient through the whole chain, where the clip binds, and how samples are weighted."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.arrays import ActionArray, BoolArray, FloatArray, IntArray
from domain.config import Activation, ImportanceSamplingLevel, LossType
from domain.distributions import Categorical, DiagonalGaussian
from domain.network import MLP
from domain.objective import Objective, ObjectiveTerms, approx_kl, sample_weights
from tests.strategies import generators

H = 1e-6
LOSS_TYPES: tuple[LossType, ...] = ("grpo", "dapo", "dr_grpo")
loss_types = pytest.mark.parametrize("loss_type", LOSS_TYPES)
levels = pytest.mark.parametrize("level", ["token", "sequence"])
kinds = pytest.mark.parametrize("continuous", [False, True], ids=["categorical", "gaussian"])
activations = pytest.mark.parametrize("activation", ["tanh", "relu"])
FULL = Objective(epsilon=0.2, epsilon_high=0.3, ent_coef=0.05, beta=0.1)
SURROGATE = replace(FULL, ent_coef=0, beta=0)


@dataclass(frozen=True)
class Chain:
    """Parameters → MLP → distribution → objective, in float64. log σ [A] lies behind the network's parameters."""

    network: MLP
    parameters: FloatArray
    inputs: FloatArray
    actions: ActionArray
    continuous: bool

    def distribution(self, parameters: FloatArray) -> Categorical | DiagonalGaussian:
        output = self.network.forward(parameters, self.inputs)[-1]
        if self.continuous:
            return DiagonalGaussian(output, parameters[self.network.num_parameters :], self.actions)
        return Categorical(output, self.actions)

    def gradient(self, objective: Objective, terms: ObjectiveTerms) -> FloatArray:
        activations = self.network.forward(self.parameters, self.inputs)
        output_grad, log_std_grad = objective.gradient(self.distribution(self.parameters), terms)
        assert (log_std_grad is not None) == self.continuous
        gradient = self.network.backward(self.parameters, activations, output_grad)
        return gradient if log_std_grad is None else np.concatenate([gradient, log_std_grad])

    def log_prob_gradient(self, factor: FloatArray) -> FloatArray:
        """Central differences of the mean of factor · log π."""
        return self._differences(lambda parameters: float((factor * self.distribution(parameters).log_prob()).mean()))

    def loss_gradient(self, objective: Objective, terms: ObjectiveTerms) -> FloatArray:
        """Central differences of the loss."""
        return self._differences(lambda parameters: objective.loss(self.distribution(parameters), terms))

    def _differences(self, function: Callable[[FloatArray], float]) -> FloatArray:
        steps = H * np.eye(len(self.parameters))
        return np.array([(function(self.parameters + s) - function(self.parameters - s)) / (2 * H) for s in steps])

    def smooth(self) -> bool:
        """No hidden unit is near the kink of relu."""
        layers = self.network.layers(self.parameters)
        below, nearest = self.inputs, np.inf
        for layer in layers[:-1]:
            z = layer[:, :-1] @ below + layer[:, -1:]
            nearest = min(nearest, float(np.abs(z).min()))
            below = np.maximum(z, 0)
        return self.network.activation == "tanh" or nearest > 1e-3


def make_chain(rng: np.random.Generator, continuous: bool, activation: Activation, trajectories: IntArray) -> Chain:
    count = len(trajectories)
    network = MLP((2, 4, 3, 3), activation)
    parameters = 0.7 * rng.standard_normal(network.num_parameters + 3 * continuous)
    actions = rng.standard_normal((3, count)) if continuous else rng.integers(3, size=count)
    return Chain(network, parameters, rng.standard_normal((2, count)), actions, continuous)


def make_trajectories(rng: np.random.Generator) -> IntArray:
    """Samples of three trajectories of different length, mixed."""
    return rng.permutation(np.repeat([0, 1, 2], rng.integers(1, 6, size=3)))


def make_terms(
    rng: np.random.Generator, chain: Chain, trajectories: IntArray, loss_type: LossType, level: ImportanceSamplingLevel
) -> ObjectiveTerms:
    """Ratios on both sides of the clip, another reference policy."""
    log_prob = chain.distribution(chain.parameters).log_prob()
    weights = sample_weights(trajectories, loss_type, max_length=7)
    away = 0.4 * rng.standard_normal(3)[trajectories] + 0.2 * rng.standard_normal(len(log_prob))
    return ObjectiveTerms(
        old_log_prob=log_prob - away,
        advantages=weights * rng.standard_normal(len(log_prob)),
        weights=weights,
        reference_log_prob=log_prob + 0.5 * rng.standard_normal(len(log_prob)),
        trajectories=trajectories if level == "sequence" else None,
    )


def ratios(chain: Chain, terms: ObjectiveTerms) -> FloatArray:
    log_ratio = chain.distribution(chain.parameters).log_prob() - terms.old_log_prob
    if terms.trajectories is None:
        return np.exp(log_ratio)
    return np.exp([log_ratio[terms.trajectories == t].mean() for t in terms.trajectories])


def clipped(chain: Chain, terms: ObjectiveTerms) -> BoolArray:
    """Where the clip binds, bool [B]; no ratio may be near one of its edges, where the loss has a kink."""
    ratio = ratios(chain, terms)
    assume(np.abs(np.subtract.outer(ratio, [0.8, 1.3])).min() > 1e-4)
    return np.where(terms.advantages > 0, ratio > 1.3, ratio < 0.8)


@loss_types
@levels
@kinds
@activations
@given(generators)
@settings(max_examples=12)
def test_gradient_through_the_whole_chain_then_equals_central_differences(
    loss_type: LossType, level: ImportanceSamplingLevel, continuous: bool, activation: Activation, rng: np.random.Generator
) -> None:
    trajectories = make_trajectories(rng)
    chain = make_chain(rng, continuous, activation, trajectories)
    terms = make_terms(rng, chain, trajectories, loss_type, level)
    clipped(chain, terms)
    assume(chain.smooth())
    gradient = chain.gradient(FULL, terms)
    np.testing.assert_allclose(gradient, chain.loss_gradient(FULL, terms), rtol=1e-6, atol=1e-8)


@levels
@kinds
@given(generators)
@settings(max_examples=20)
def test_gradient_when_the_ratio_is_one_then_is_that_of_reinforce(
    level: ImportanceSamplingLevel, continuous: bool, rng: np.random.Generator
) -> None:
    trajectories = make_trajectories(rng)
    chain = make_chain(rng, continuous, "tanh", trajectories)
    per_trajectory = rng.standard_normal(3)[trajectories]  # GSPO's advantages, one a trajectory
    advantages = per_trajectory if level == "sequence" else rng.standard_normal(len(trajectories))
    terms = ObjectiveTerms(
        old_log_prob=chain.distribution(chain.parameters).log_prob(),
        advantages=advantages,
        weights=np.ones(len(trajectories)),
        trajectories=trajectories if level == "sequence" else None,
    )
    gradient = chain.gradient(SURROGATE, terms)
    np.testing.assert_allclose(gradient, -chain.log_prob_gradient(advantages), rtol=1e-6, atol=1e-8)


@kinds
@given(generators)
@settings(max_examples=30)
def test_gradient_of_the_surrogate_then_counts_exactly_the_samples_that_are_not_clipped(
    continuous: bool, rng: np.random.Generator
) -> None:
    trajectories = make_trajectories(rng)
    chain = make_chain(rng, continuous, "tanh", trajectories)
    terms = make_terms(rng, chain, trajectories, "dapo", "token")
    bound = clipped(chain, terms)
    output_grad, log_std_grad = SURROGATE.gradient(chain.distribution(chain.parameters), terms)
    assert not output_grad[:, bound].any()
    assert output_grad[:, ~bound].any(axis=0).all()
    factor = np.where(bound, 0, ratios(chain, terms) * terms.advantages)
    np.testing.assert_allclose(chain.gradient(SURROGATE, terms), -chain.log_prob_gradient(factor), rtol=1e-6, atol=1e-8)
    if bound.all() and log_std_grad is not None:
        assert not log_std_grad.any()


@pytest.mark.parametrize(
    ("ratio", "advantage", "moves"),
    [
        (1.31, 2.0, False),  # likely enough
        (1.29, 2.0, True),
        (0.1, 2.0, True),  # a good action that has become rare
        (0.79, -2.0, False),  # rare enough
        (0.81, -2.0, True),
        (9.0, -2.0, True),  # a bad action that has become likely
        (1.0, 0.0, False),
    ],
)
def test_gradient_of_one_sample_then_is_exactly_zero_on_the_right_side_of_the_clip_only(
    ratio: float, advantage: float, moves: bool
) -> None:
    distribution = Categorical(np.array([[0.5], [-0.5]]), np.array([1]))
    terms = ObjectiveTerms(distribution.log_prob() - np.log(ratio), np.array([advantage]), np.ones(1))
    output_grad, _ = SURROGATE.gradient(distribution, terms)
    likely = 1 / (1 + np.exp(-1))
    expected = -ratio * advantage * likely * moves
    np.testing.assert_allclose(output_grad, [[-expected], [expected]], rtol=1e-12)
    assert output_grad.any() == moves
    statistics = SURROGATE.statistics(distribution.log_prob(), distribution.entropy(), terms)
    assert statistics.clip_fraction == (ratio < 0.8 or ratio > 1.3)


def test_gradient_when_the_ratio_overflows_where_the_clip_binds_then_is_zero() -> None:
    distribution = Categorical(np.zeros((2, 1), dtype=np.float32), np.array([0]))
    terms = ObjectiveTerms(np.array([-200], dtype=np.float32), np.ones(1, np.float32), np.ones(1, np.float32))
    with np.errstate(over="ignore"):
        output_grad, _ = SURROGATE.gradient(distribution, terms)
        assert SURROGATE.loss(distribution, terms) == pytest.approx(-1.3)
    assert output_grad.tolist() == [[0.0], [0.0]]


def test_gradient_when_an_advantage_is_nan_then_shows_it() -> None:
    distribution = Categorical(np.zeros((2, 1)), np.array([0]))
    terms = ObjectiveTerms(distribution.log_prob(), np.array([np.nan]), np.ones(1))
    assert np.isnan(SURROGATE.gradient(distribution, terms)[0]).all()


def test_loss_of_two_samples_then_is_what_one_computes_by_hand() -> None:
    distribution = Categorical(np.zeros((2, 2)), np.array([0, 1]))  # log π = −log 2, H = log 2
    half = np.log(0.5)
    terms = ObjectiveTerms(
        old_log_prob=half - np.log([2.0, 0.25]),  # ratios 2 and 0.25
        advantages=np.array([3.0, -4.0]),
        weights=np.ones(2),
        reference_log_prob=half + np.log([2.0, 1.0]),  # k3 = 2 − log 2 − 1 and 0
    )
    surrogate = -(1.3 * 3.0 + 0.8 * -4.0) / 2  # both are clipped
    expected = surrogate - 0.05 * np.log(2) + 0.1 * (1 - np.log(2)) / 2
    statistics = FULL.statistics(distribution.log_prob(), distribution.entropy(), terms)
    assert FULL.loss(distribution, terms) == statistics.loss == pytest.approx(expected, rel=1e-12)
    assert statistics.entropy == pytest.approx(np.log(2))
    assert statistics.kl == pytest.approx((1 - np.log(2)) / 2)
    assert statistics.clip_fraction == 1.0
    # (ρ − 1) − log ρ for 2 and 1/4: (1 − log 2 − 3/4 + 2·log 2) / 2
    assert statistics.approx_kl == pytest.approx((0.25 + np.log(2)) / 2)


def test_approx_kl_when_policies_are_equal_then_is_zero() -> None:
    assert approx_kl(np.array([-1.0, -2.0]), np.array([-1.0, -2.0])) == 0.0


@given(generators)
def test_weights_then_make_the_mean_over_samples_what_the_loss_type_names(rng: np.random.Generator) -> None:
    trajectories = make_trajectories(rng)
    losses = rng.standard_normal(len(trajectories))
    parts = [losses[trajectories == trajectory] for trajectory in range(3)]
    expected = {
        "grpo": np.mean([part.mean() for part in parts]),
        "dapo": losses.mean(),
        "dr_grpo": np.mean([part.sum() / 7 for part in parts]),
    }
    means = {name: (sample_weights(trajectories, name, 7) * losses).mean() for name in LOSS_TYPES}
    assert means == pytest.approx(expected)


@levels
@kinds
@given(generators, st.integers(1, 4))
@settings(max_examples=10)
def test_loss_types_when_trajectories_are_equally_long_then_agree(
    level: ImportanceSamplingLevel, continuous: bool, rng: np.random.Generator, length: int
) -> None:
    trajectories = rng.permutation(np.repeat([0, 1, 2], length))
    for loss_type in LOSS_TYPES:
        np.testing.assert_allclose(sample_weights(trajectories, loss_type, length), 1, rtol=1e-15)
    chain = make_chain(rng, continuous, "tanh", trajectories)
    state = rng.bit_generator.state
    losses, gradients = [], []
    for loss_type in LOSS_TYPES:
        rng.bit_generator.state = state
        weights = sample_weights(trajectories, loss_type, length)
        terms = make_terms(rng, chain, trajectories, "dapo", level)
        terms = replace(terms, advantages=terms.advantages * weights, weights=weights)
        losses.append(FULL.loss(chain.distribution(chain.parameters), terms))
        gradients.append(chain.gradient(FULL, terms))
    np.testing.assert_allclose(losses, losses[0], rtol=1e-12)
    np.testing.assert_allclose(gradients, [gradients[0]] * 3, rtol=1e-9, atol=1e-15)


def test_dr_grpo_when_trajectories_are_shorter_than_its_constant_length_then_weighs_them_less() -> None:
    trajectories = np.array([0, 0, 1])
    assert sample_weights(trajectories, "dr_grpo", 10).tolist() == [3 / 20] * 3
    assert sample_weights(trajectories, "grpo", 10).tolist() == [3 / 4, 3 / 4, 3 / 2]


def test_gradient_when_shapes_differ_then_is_refused() -> None:
    distribution = Categorical(np.zeros((2, 2)), np.array([0, 1]))
    with pytest.raises(ValueError, match=r"shapes differ: log_prob \(2,\), old_log_prob \(2,\), advantages \(3,\)"):
        SURROGATE.gradient(distribution, ObjectiveTerms(np.zeros(2), np.zeros(3), np.ones(2)))
