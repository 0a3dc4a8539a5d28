"""How far the numbers of a graph are from those of its policy, by onnx's own reference evaluator."""

from typing import Any

import numpy as np
from onnx import ModelProto
from onnx.reference import ReferenceEvaluator

from domain.arrays import ActionArray
from domain.policy import Policy
from domain.spaces import Discrete

MOST_OBSERVATIONS = 256
MOST_NUMBERS = 4_000_000
SPREADS = (1.0, 10.0, 1_000.0)
BOUND = 1e6  # what is further out stands for no bound at all in many environments


def compare(model: ModelProto, policy: Policy) -> dict[str, Any]:
    """JSON values: the number of observations, of equal actions (where they are discrete), the largest differences.

    `max_relative_difference` is |ours − theirs| / max(1, |ours|): values may be large.
    """
    observations = fixed_observations(policy)
    names = [output.name for output in model.graph.output]
    found = dict(zip(names, ReferenceEvaluator(model).run(None, {"observation": observations}), strict=True))
    ours = policy.predict(observations[:, None] if observations.ndim == 1 else observations)
    expected: dict[str, Any] = {"action": ours.actions, "action_probs": ours.action_probs, "value": ours.values}
    apart = {name: np.abs(found[name] - expected[name]) for name in names}
    relative = {name: apart[name] / np.maximum(1, np.abs(expected[name])) for name in names}
    report: dict[str, Any] = {
        "observations": len(observations),
        "max_abs_difference": {name: float(apart[name].max()) for name in names},
        "max_relative_difference": {name: float(relative[name].max()) for name in names},
        "evaluator": "onnx.reference",
    }
    return report if policy.environment.continuous else report | {"equal_actions": int(np.sum(apart["action"] == 0))}


def fixed_observations(policy: Policy) -> ActionArray:
    """The same ones each time: usual ones, bounds, and such as no environment gives; float32 [B, D], or int64 [B]."""
    space, normalizer = policy.environment.observation_space, policy.normalizer
    if isinstance(space, Discrete):
        return space.start + np.unique(np.linspace(0, space.n - 1, min(space.n, MOST_OBSERVATIONS)).astype(np.int64))
    quarter = max(1, min(MOST_OBSERVATIONS, MOST_NUMBERS // space.size) // 4)
    rng = np.random.default_rng(0)
    mean = np.zeros(space.size) if normalizer is None else normalizer.mean
    std = np.ones(space.size) if normalizer is None else np.sqrt(normalizer.var)
    low, high = np.clip([space.low, space.high], -BOUND, BOUND)
    corners = np.where(rng.random((quarter, space.size)) < 0.5, low, high)
    drawn = [mean + spread * std * rng.standard_normal((quarter, space.size)) for spread in SPREADS]
    return np.concatenate([np.stack([np.zeros(space.size), low, high]), corners, *drawn]).astype(np.float32)
