"""A policy as an ONNX graph: raw observations in; actions, action probabilities and values out.

observation  Box: float32 [batch, D], flattened in C order; Discrete: int64 [batch], values of the space
action       Discrete: int64 [batch], values of the space; Box: float32 [batch, A], the mean, scaled and clipped to the bounds
action_probs float32 [batch, n], of a Discrete action space only
value        float32 [batch], the expected discounted native return

The operators are those of `domain.policy.Policy.predict`, in its order, so that the numbers differ by rounding only. Opset and
IR version are old ones on purpose: any runtime of the last years reads them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

from domain.arrays import FloatArray
from domain.normalizer import CLIP, Normalizer
from domain.policy import Policy
from domain.spaces import Box, Discrete

OPSET = 17
IR_VERSION = 8
BATCH = "batch"


def build(policy: Policy, metadata: Mapping[str, str], producer: str, producer_version: str) -> ModelProto:
    """The graph with its metadata, checked by onnx."""
    graph = _Graph()
    space, actions = policy.environment.observation_space, policy.environment.action_space
    if isinstance(space, Discrete):
        observation = helper.make_tensor_value_info("observation", TensorProto.INT64, [BATCH])
        features = graph.one_hot("observation", space)
    else:
        observation = helper.make_tensor_value_info("observation", TensorProto.FLOAT, [BATCH, space.size])
        features = "observation"
    if policy.normalizer is not None:
        features = graph.normalized(features, policy.normalizer)
    hidden, output = graph.network(features, policy)
    outputs = graph.box_action(output, actions) if isinstance(actions, Box) else graph.discrete_action(output, actions)
    outputs.append(graph.value(hidden, policy.value_weights))
    model = helper.make_model(
        helper.make_graph(graph.nodes, "policy", [observation], outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name=producer,
        producer_version=producer_version,
    )
    helper.set_model_props(model, dict(metadata))
    checker.check_model(model, full_check=True)
    return model


class _Graph:
    """Nodes in their order, and the constants that they take."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def one_hot(self, observation: str, space: Discrete) -> str:
        """Features of integers from `start` on; what is outside the space has none."""
        index = self._node("Sub", "index", observation, self._constant("start", np.array(space.start, np.int64)))
        depth, values = np.array(space.n, np.int64), np.array([0, 1], np.float32)
        return self._node("OneHot", "features", index, self._constant("n", depth), self._constant("off_on", values))

    def normalized(self, features: str, normalizer: Normalizer) -> str:
        mean, inverse_std = normalizer.scale
        centred = self._node("Sub", "centred", features, self._constant("mean", mean))
        scaled = self._node("Mul", "scaled", centred, self._constant("inverse_std", inverse_std))
        low, high = (self._constant(name, np.array(bound, np.float32)) for name, bound in (("low", -CLIP), ("high", CLIP)))
        return self._node("Clip", "normalized", scaled, low, high)

    def network(self, features: str, policy: Policy) -> tuple[str, str]:
        """Names of the last hidden layer and of the output."""
        activation = "Tanh" if policy.network.activation == "tanh" else "Relu"
        *hidden_layers, output_layer = policy.network.layers(policy.parameters)
        below = features
        for number, layer in enumerate(hidden_layers):
            below = self._node(activation, f"hidden_{number}", self._affine(f"layer_{number}", below, layer))
        return below, self._affine("output", below, output_layer)

    def discrete_action(self, logits: str, space: Discrete) -> list[ValueInfoProto]:
        probabilities = self._node("Softmax", "action_probs", logits, axis=1)
        best = self._node("ArgMax", "best", logits, axis=1, keepdims=0)
        action = self._node("Add", "action", best, self._constant("first_action", np.array(space.start, np.int64)))
        return [
            helper.make_tensor_value_info(action, TensorProto.INT64, [BATCH]),
            helper.make_tensor_value_info(probabilities, TensorProto.FLOAT, [BATCH, space.n]),
        ]

    def box_action(self, mean: str, space: Box) -> list[ValueInfoProto]:
        """`domain.policy.scale_actions`."""
        low, high = np.array(space.low, np.float32), np.array(space.high, np.float32)
        bounded = np.isfinite(low) & np.isfinite(high)
        with np.errstate(invalid="ignore"):
            center = np.where(bounded, (low + high) / 2, np.float32(0))
            half_range = np.where(bounded, (high - low) / 2, np.float32(1))
        scaled = self._node("Mul", "scaled_action", mean, self._constant("half_range", half_range))
        placed = self._node("Add", "placed_action", scaled, self._constant("center", center))
        at_least = self._node("Max", "action_above_low", placed, self._constant("action_low", low))
        action = self._node("Min", "action", at_least, self._constant("action_high", high))
        return [helper.make_tensor_value_info(action, TensorProto.FLOAT, [BATCH, space.size])]

    def value(self, hidden: str, weights: FloatArray) -> ValueInfoProto:
        column = self._affine("value_column", hidden, weights[None])
        value = self._node("Squeeze", "value", column, self._constant("last_axis", np.array([1], np.int64)))
        return helper.make_tensor_value_info(value, TensorProto.FLOAT, [BATCH])

    def _affine(self, name: str, below: str, layer: FloatArray) -> str:
        """`layer`: [W | b], [n_out, n_in + 1]."""
        weights = self._constant(f"{name}_weights", np.ascontiguousarray(layer[:, :-1].T))
        bias = self._constant(f"{name}_bias", np.ascontiguousarray(layer[:, -1]))
        return self._node("Gemm", name, below, weights, bias)

    def _constant(self, name: str, array: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def _node(self, operator: str, result: str, *inputs: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [result], name=result, **attributes))
        return result
