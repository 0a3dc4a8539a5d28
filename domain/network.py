"""A multilayer perceptron with a hand-written backward pass over one flat parameter vector.

Layer l is h_l = f(W_l h_{l−1} + b_l), the last layer is linear. The flat vector holds, layer after layer, the matrix
[W_l | b_l] of shape [n_out, n_in + 1] in C order: with a constant row of ones under each layer's input the bias is one
more column, so that forward, gradient and optimiser each need one operation a layer. Layout: features first, [n, B].
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray, check_shape
from domain.config import Activation


@dataclass(frozen=True)
class MLP:
    """The shape of a network: `sizes` = inputs, hidden layers, outputs. Holds no parameters."""

    sizes: tuple[int, ...]
    activation: Activation = "tanh"

    @property
    def num_parameters(self) -> int:
        """P, the length of the flat parameter vector."""
        return sum((n_in + 1) * n_out for n_in, n_out in self._pairs())

    def layers(self, parameters: FloatArray) -> list[FloatArray]:
        """Views of the flat vector as matrices [W | b], each [n_out, n_in + 1]. `parameters` may be longer than P."""
        views, start = [], 0
        for n_in, n_out in self._pairs():
            end = start + n_out * (n_in + 1)
            views.append(parameters[start:end].reshape(n_out, n_in + 1))
            start = end
        return views

    def init(self, rng: np.random.Generator, output_gain: float = 0.01) -> FloatArray:
        """Draw parameters, float32 [P]: orthogonal with gain √2 and `output_gain` at the output, biases 0.

        Source: Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks", 2014, arXiv:1312.6120; the gains are those of Stable-Baselines3.
        """
        parameters = np.zeros(self.num_parameters, dtype=np.float32)
        layers = self.layers(parameters)
        for layer in layers:
            gain = output_gain if layer is layers[-1] else math.sqrt(2)
            layer[:, :-1] = gain * _orthogonal(rng, layer.shape[0], layer.shape[1] - 1)
        return parameters

    def forward(self, parameters: FloatArray, inputs: FloatArray) -> list[FloatArray]:
        """Activations of every layer, the inputs first and the linear output last, each [n, B].

        `inputs`: [D, B]. Raises ValueError for another number of features.
        """
        check_shape("inputs", inputs, (self.sizes[0], None))
        activations = [inputs]
        layers = self.layers(parameters)
        for layer in layers:
            z = layer[:, :-1] @ activations[-1] + layer[:, -1:]
            activations.append(z if layer is layers[-1] else self._activate(z))
        return activations

    def backward(self, parameters: FloatArray, activations: Sequence[FloatArray], output_grad: FloatArray) -> FloatArray:
        """Gradient of a loss with respect to the parameters, [P].

        `activations`: as `forward` gave them; `output_grad`: ∂loss/∂output, [n_out, B].
        """
        check_shape("output_grad", output_grad, activations[-1].shape)
        gradient = np.empty(self.num_parameters, dtype=output_grad.dtype)
        delta = output_grad
        for index, (layer, grad) in reversed([*enumerate(zip(self.layers(parameters), self.layers(gradient), strict=True))]):
            grad[:, :-1] = delta @ activations[index].T
            grad[:, -1] = delta.sum(axis=1)
            if index:
                hidden = activations[index]
                slope = 1 - hidden * hidden if self.activation == "tanh" else (hidden > 0).astype(hidden.dtype)
                delta = (layer[:, :-1].T @ delta) * slope
        return gradient

    def _activate(self, z: FloatArray) -> FloatArray:
        return np.tanh(z) if self.activation == "tanh" else np.maximum(z, 0)

    def _pairs(self) -> list[tuple[int, int]]:
        return [*zip(self.sizes[:-1], self.sizes[1:], strict=True)]


class FrozenMLP:
    """A network with its parameters, for inference: rows in, rows out, weights laid out once. Immutable and thread-safe."""

    def __init__(self, network: MLP, parameters: FloatArray) -> None:
        self._relu = network.activation == "relu"
        matrices = network.layers(parameters)
        *self._hidden, self._output = [(np.ascontiguousarray(m[:, :-1].T), m[:, -1].copy()) for m in matrices]

    def __call__(self, inputs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Last hidden layer [B, H] and output [B, n_out] for inputs [B, D]; without the first axis where they have none."""
        hidden = inputs
        for weights, bias in self._hidden:
            hidden = hidden.dot(weights)
            np.add(hidden, bias, hidden)
            if self._relu:
                np.maximum(hidden, 0, out=hidden)
            else:
                np.tanh(hidden, hidden)
        weights, bias = self._output
        output = hidden.dot(weights)
        return hidden, np.add(output, bias, output)


class Workspace:
    """Buffers for `MLP.forward` and `MLP.backward` at one batch size, without allocation; equal to them up to rounding.

    Activations carry a last row of ones, so the bias needs no operation of its own. `parameters` and `gradient` are flat
    vectors that the caller keeps; the workspace holds views of both. One thread at a time.
    """

    def __init__(self, network: MLP, parameters: FloatArray, gradient: FloatArray, batch_size: int) -> None:
        dtype = parameters.dtype
        self._relu = network.activation == "relu"
        self._zero, self._one = np.array(0, dtype), np.array(1, dtype)  # a ufunc takes them in half a Python number's time
        activations = [np.ones((n + 1, batch_size), dtype=dtype) for n in network.sizes[1:-1]]
        hidden = [activation[:-1] for activation in activations]
        layers, gradients = network.layers(parameters), network.layers(gradient)
        self._hidden_layers = [*zip(layers, hidden, activations, strict=False)]
        self._output_layer, self._last_hidden = layers[-1], activations[-1]
        self._output = np.empty((network.sizes[-1], batch_size), dtype=dtype)
        self._inputs: FloatArray | None = None
        self._input_gradient = gradients[0]
        # From the output down: what a layer's gradient and the error of the layer below it are made of.
        self._backward = [
            (layer[:, :-1].T, activation.T, gradient, below, np.empty_like(below), np.empty_like(below))
            for layer, activation, gradient, below in zip(layers[1:], activations, gradients[1:], hidden, strict=True)
        ][::-1]

    def forward_into(self, inputs: FloatArray) -> FloatArray:
        """Output [n_out, B] for inputs with a last row of ones, [D + 1, B]. Valid until the next call."""
        self._inputs = below = inputs
        for layer, hidden, activation in self._hidden_layers:
            layer.dot(below, hidden)
            if self._relu:
                np.maximum(hidden, self._zero, out=hidden)
            else:
                np.tanh(hidden, hidden)
            below = activation
        return self._output_layer.dot(below, self._output)

    @property
    def last_hidden(self) -> FloatArray:
        """The last hidden layer of the newest forward pass, with its row of ones, [H + 1, B]."""
        return self._last_hidden

    def backward_into(self, output_grad: FloatArray) -> None:
        """Write ∂loss/∂parameters of the newest forward pass into the gradient vector; `output_grad` [n_out, B]."""
        if self._inputs is None:
            raise RuntimeError("backward_into needs a forward pass before it")
        delta = output_grad
        for weights_t, activation_t, gradient, hidden, slope, below in self._backward:
            delta.dot(activation_t, gradient)
            weights_t.dot(delta, below)
            if self._relu:
                np.greater(hidden, self._zero, out=slope, casting="unsafe")
            else:
                np.multiply(hidden, hidden, slope)
                np.subtract(self._one, slope, slope)
            delta = np.multiply(below, slope, below)
        delta.dot(self._inputs.T, self._input_gradient)


def _orthogonal(rng: np.random.Generator, rows: int, columns: int) -> FloatArray:
    """A [rows, columns] matrix whose shorter side is orthonormal."""
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return q if rows >= columns else q.T
