"""Inference: a bounded cache of policies in memory, and predictions from them."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.arrays import FloatArray
from domain.errors import FieldError, InvalidObservation
from domain.model_name import check_model_name
from domain.policy import Policy
from domain.ports import ModelRepository
from domain.spaces import Box, Discrete, Space

LARGEST = float(np.finfo(np.float32).max)
Nested = list[float | list[float]]
"""A list of numbers, or a list of such lists."""


class ModelCache:
    """The most recently used policies, at most `capacity`. Thread-safe."""

    def __init__(self, models: ModelRepository, capacity: int) -> None:
        self._models, self._capacity = models, capacity
        self._policies: OrderedDict[str, Policy] = OrderedDict()
        self._generation = 0
        self._lock = threading.Lock()

    def peek(self, name: str) -> Policy | None:
        """The policy if it is in memory; never waits for storage."""
        with self._lock:
            policy = self._policies.get(name)
            if policy is not None:
                self._policies.move_to_end(name)
            return policy

    def get(self, name: str) -> Policy:
        """The policy, loaded when it is not in memory. Raises ModelNotFound, CorruptData."""
        policy = self.peek(name)
        if policy is not None:
            return policy
        generation = self._generation
        policy = self._models.get(name).policy
        with self._lock:
            # What was read may have been replaced or deleted meanwhile: then it serves this caller only.
            if generation == self._generation:
                self._policies[name] = policy
                while len(self._policies) > self._capacity:
                    self._policies.popitem(last=False)
        return policy

    def forget(self, name: str) -> None:
        """Drop a policy that was replaced or deleted. Idempotent."""
        with self._lock:
            self._generation += 1
            self._policies.pop(name, None)

    def names(self) -> frozenset[str]:
        """The models in memory."""
        with self._lock:
            return frozenset(self._policies)


@dataclass(frozen=True)
class Inference:
    """The answer for one observation, or lists of answers for several."""

    action: int | Nested
    action_probs: Nested | None
    value: float | list[float]


class Predict:
    """Answer one observation or several with a kept model."""

    def __init__(self, cache: ModelCache) -> None:
        self._cache = cache
        self._rng = np.random.default_rng()

    def in_memory(self, model_name: str) -> bool:
        """Whether a prediction would not have to wait for storage."""
        return self._cache.peek(model_name) is not None

    def __call__(self, model_name: str, observation: Nested, deterministic: bool = True) -> Inference:
        """Raises InvalidModelName, ModelNotFound, CorruptData, InvalidObservation."""
        policy = self._cache.peek(model_name) or self._cache.get(check_model_name(model_name))
        space = policy.environment.observation_space
        single = not (len(observation) and isinstance(observation[0], list))
        rows: list[Any] = [observation] if single else observation
        batch = _as_batch(rows, space)
        prediction = policy.predict(batch, deterministic, self._rng)
        actions = prediction.actions.tolist()
        values = prediction.values.tolist()
        probabilities = None if prediction.action_probs is None else prediction.action_probs.tolist()
        if single:
            return Inference(actions[0], None if probabilities is None else probabilities[0], values[0])
        return Inference(actions, probabilities, values)


def _as_batch(rows: Sequence[Any], space: Space) -> FloatArray:
    """Rows of numbers as an array that the policy takes. Raises InvalidObservation that names the row and the value."""
    width = space.size if isinstance(space, Box) else 1
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            got = f"{len(row)} numbers" if isinstance(row, list) else "a bare number"
            raise _invalid(_place(index, rows), f"must be a list of {width} numbers, got {got}")
    try:
        batch = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise _invalid("observation", f"must hold numbers only, nested at most once: {error}") from None
    finite = np.abs(batch) <= LARGEST  # False for NaN too
    if not finite.all():
        index, column = np.argwhere(~finite)[0]
        value = batch[index, column]
        raise _invalid(f"{_place(index, rows)}[{column}]", f"must be a finite number within ±{LARGEST:.2g}, got {value:g}")
    if isinstance(space, Discrete):
        _check_discrete(batch[:, 0], space, rows)
    return batch


def _check_discrete(values: FloatArray, space: Discrete, rows: Sequence[object]) -> None:
    last = space.start + space.n - 1
    wrong = np.flatnonzero((values < space.start) | (values > last) | (values != np.floor(values)))
    if len(wrong):
        index = int(wrong[0])
        message = f"must be an integer from {space.start} to {last}, got {values[index]:g}"
        raise _invalid(f"{_place(index, rows)}[0]", message)


def _place(index: int, rows: Sequence[object]) -> str:
    return "observation" if len(rows) == 1 else f"observation[{index}]"


def _invalid(place: str, message: str) -> InvalidObservation:
    return InvalidObservation(FieldError("observation", f"{place} {message}."))
