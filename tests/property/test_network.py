"""The perceptron: its plain form by hand, its buffers against the plain form, its first parameters."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.config import Activation
from domain.network import MLP, FrozenMLP, Workspace
from tests.strategies import generators, networks

precisions = st.sampled_from([(np.float32, 2e-5), (np.float64, 1e-12)])
batch_sizes = st.sampled_from([1, 2, 16, 33])


def with_ones(inputs: np.ndarray) -> np.ndarray:
    return np.concatenate([inputs, np.ones((1, inputs.shape[1]), inputs.dtype)])


@pytest.mark.parametrize(
    ("activation", "hidden", "output"), [("tanh", [math.tanh(0.75), math.tanh(-2.0)], None), ("relu", [0.75, 0.0], 1.75)]
)
def test_forward_of_a_tiny_network_then_is_what_one_computes_by_hand(
    activation: Activation, hidden: list[float], output: float | None
) -> None:
    network = MLP((2, 2, 1), activation)
    # [W | b]: two hidden units of two inputs, one output of two units
    parameters = np.array([0.5, 0.25, 0.0, -1.0, 0.0, -1.0, 3.0, 2.0, -0.5])
    activations = network.forward(parameters, np.array([[1.0], [1.0]]))
    assert network.num_parameters == 9
    np.testing.assert_allclose(activations[1].ravel(), hidden)
    np.testing.assert_allclose(activations[2], [[3 * hidden[0] + 2 * hidden[1] - 0.5 if output is None else output]])


@given(networks(), generators, precisions, batch_sizes)
def test_workspace_then_equals_the_plain_passes(
    network: MLP, rng: np.random.Generator, precision: tuple[type, float], batch_size: int
) -> None:
    dtype: Any
    dtype, tolerance = precision
    behind = 2  # log σ, which lies behind the network's parameters
    parameters = rng.standard_normal(network.num_parameters + behind).astype(dtype)
    gradient = np.full_like(parameters, 7)
    workspace = Workspace(network, parameters, gradient, batch_size)
    for _ in range(2):  # buffers that are used again
        inputs = rng.standard_normal((network.sizes[0], batch_size)).astype(dtype)
        output_grad = rng.standard_normal((network.sizes[-1], batch_size)).astype(dtype)
        activations = network.forward(parameters, inputs)
        output = workspace.forward_into(with_ones(inputs))
        workspace.backward_into(output_grad)
        assert output.dtype == gradient.dtype == dtype
        np.testing.assert_allclose(output, activations[-1], rtol=tolerance, atol=tolerance * 10)
        np.testing.assert_allclose(workspace.last_hidden, with_ones(activations[-2]), rtol=tolerance, atol=tolerance * 10)
        expected = network.backward(parameters, activations, output_grad)
        largest = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(gradient[:-behind], expected, rtol=tolerance, atol=tolerance * 10 * largest)
        assert gradient[-behind:].tolist() == [7, 7]
        parameters += rng.standard_normal(len(parameters)).astype(dtype)  # the workspace sees the caller's vector


@given(networks(), generators, batch_sizes)
def test_backward_then_equals_central_differences(network: MLP, rng: np.random.Generator, batch_size: int) -> None:
    parameters = rng.standard_normal(network.num_parameters)
    inputs = rng.standard_normal((network.sizes[0], batch_size))
    output_grad = rng.standard_normal((network.sizes[-1], batch_size))
    gradient = network.backward(parameters, network.forward(parameters, inputs), output_grad)
    direction = rng.standard_normal(network.num_parameters)
    h = 1e-6 * direction
    if network.activation == "relu":  # no kink between the two points
        ways = [np.concatenate([a.ravel() > 0 for a in network.forward(parameters + s, inputs)[1:-1]]) for s in (-h, h)]
        if not np.array_equal(ways[0], ways[1]):
            return
    above, below = (float((network.forward(parameters + s, inputs)[-1] * output_grad).sum()) for s in (h, -h))
    assert gradient @ direction == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-5)


@given(networks(), generators)
def test_first_parameters_then_are_orthogonal_with_their_gains_and_biases_zero(network: MLP, rng: np.random.Generator) -> None:
    parameters = network.init(rng, output_gain=0.01)
    assert parameters.dtype == np.float32
    *hidden, output = network.layers(parameters)
    for layer, gain in [*((layer, math.sqrt(2)) for layer in hidden), (output, 0.01)]:
        weights, bias = layer[:, :-1].astype(np.float64), layer[:, -1]
        assert not bias.any()
        product = weights @ weights.T if len(weights) <= weights.shape[1] else weights.T @ weights
        np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-6 * gain**2)


def test_first_parameters_when_seeds_are_equal_then_are_equal() -> None:
    network = MLP((4, 8, 2))
    one, same, other = (network.init(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.tobytes() == same.tobytes() != other.tobytes()


def test_first_parameters_then_prefer_no_direction() -> None:
    # the sign of a column of Q is that of R's diagonal: without it, LAPACK's first entries would mostly be negative
    draws = np.array([MLP((3, 3, 3)).init(np.random.default_rng(seed))[0] for seed in range(400)])
    assert abs(draws.mean()) < 4 * math.sqrt(2 / 3 / 400)  # four standard errors


@given(networks(), generators, batch_sizes)
def test_frozen_network_then_gives_the_last_two_layers_samples_first(
    network: MLP, rng: np.random.Generator, batch_size: int
) -> None:
    parameters = rng.standard_normal(network.num_parameters + 1).astype(np.float32)
    inputs = rng.standard_normal((batch_size, network.sizes[0])).astype(np.float32)
    before = inputs.copy()
    hidden, output = FrozenMLP(network, parameters)(inputs)
    activations = network.forward(parameters, inputs.T)
    np.testing.assert_allclose(hidden, activations[-2].T, rtol=2e-5, atol=2e-4)
    np.testing.assert_allclose(output, activations[-1].T, rtol=2e-5, atol=2e-4)
    np.testing.assert_array_equal(inputs, before)


def test_layers_when_written_then_change_the_flat_vector() -> None:
    network, parameters = MLP((2, 3, 1)), np.zeros(13)
    network.layers(parameters)[1][0, -1] = 4.0
    assert parameters.tolist() == [0.0] * 12 + [4.0]


def test_network_when_shapes_differ_then_refuses() -> None:
    network = MLP((2, 3, 1))
    parameters = np.zeros(network.num_parameters)
    with pytest.raises(ValueError, match=r"inputs has shape \(3, 4\), expected \(2, any\)"):
        network.forward(parameters, np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"output_grad has shape \(2, 4\), expected \(1, 4\)"):
        network.backward(parameters, network.forward(parameters, np.zeros((2, 4))), np.zeros((2, 4)))
    with pytest.raises(RuntimeError, match="forward pass before"):
        Workspace(network, parameters, np.zeros_like(parameters), 4).backward_into(np.zeros((1, 4)))
