"""Inference: a cache of models in memory, bounded in bytes, and predictions from them."""

import math
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
from domain.predictor import Predictor
from domain.spaces import Box, Discrete, Space

LARGEST = float(np.finfo(np.float32).max)
LARGE_BATCH = 256
MOST_OBSERVATIONS = 100_000  # numbers of one, or observations
LAYOUTS = 3
OBJECTS_BYTES = 16 * 1024
Nested = list[float | list[float]]
"""A list of numbers, or a list of such lists."""


@dataclass(frozen=True)
class Inference:
    """The answer for one observation, or lists of answers for several."""

    action: int | Nested
    action_probs: Nested | None
    value: float | list[float]


class LoadedModel:
    """A policy in memory, ready to answer. Thread-safe.

    `size_bytes`, an estimate: the parameters as they are kept, laid out for one observation and for many, and the objects.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.size_bytes = LAYOUTS * policy.parameters.nbytes + OBJECTS_BYTES
        self._space = policy.environment.observation_space
        self._shape = (self._space.size,) if isinstance(self._space, Box) else ()
        self._predictor = Predictor(policy) if Predictor.fits(policy) else None
        self._rng = np.random.default_rng()

    def answer(self, observation: Nested, deterministic: bool) -> Inference:
        """Raises InvalidObservation."""
        if len(observation) > MOST_OBSERVATIONS:
            raise _invalid("observation", f"must be at most {MOST_OBSERVATIONS} observations, got {len(observation)}")
        answer = self._answer_one(observation) if deterministic else None
        return self._answer_any(observation, deterministic) if answer is None else answer

    def _answer_one(self, observation: Nested) -> Inference | None:
        """The short way for the usual request. None where it does not lead: the long way knows what is wrong, if anything."""
        if self._predictor is None:
            return None
        try:
            # The norm bounds every number, is NaN where one is, and refuses lists; numpy would warn of what overflows.
            if not math.hypot(*observation) <= LARGEST:  # type: ignore[arg-type]
                return None
            row = np.array(observation, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            return None
        if row.shape != self._shape:
            return None
        action, probabilities, value = self._predictor(row)
        return Inference(action, [*probabilities], value)

    def _answer_any(self, observation: Nested, deterministic: bool) -> Inference:
        single = not (len(observation) and isinstance(observation[0], list))
        rows: list[Any] = [observation] if single else observation
        prediction = self.policy.predict(_as_batch(rows, self._space), deterministic, self._rng)
        actions = prediction.actions.tolist()
        values = prediction.values.tolist()
        probabilities = None if prediction.action_probs is None else prediction.action_probs.tolist()
        if single:
            return Inference(actions[0], None if probabilities is None else probabilities[0], values[0])
        return Inference(actions, probabilities, values)


class ModelCache:
    """The most recently used models, within `capacity_bytes`. Thread-safe.

    A model that is larger than the cache is loaded for each request. `hits` counts how often a model was in memory when it
    was asked for, `misses` how often it had to be loaded.
    """

    def __init__(self, models: ModelRepository, capacity_bytes: int) -> None:
        self._models, self._capacity_bytes = models, capacity_bytes
        self._loaded: OrderedDict[tuple[str, int], LoadedModel] = OrderedDict()
        self._newest: dict[str, int] = {}
        self._generation = 0
        self.hits = self.misses = 0
        self._lock = threading.Lock()
        self.size_bytes = 0

    def peek(self, name: str, version: int | None = None) -> LoadedModel | None:
        """That version, or the newest, if it is in memory; never waits for storage."""
        with self._lock:
            key = (name, self._newest.get(name, 0) if version is None else version)
            model = self._loaded.get(key)
            if model is not None:
                self._loaded.move_to_end(key)
                self.hits += 1
            return model

    def get(self, name: str, version: int | None = None) -> LoadedModel:
        """The model, loaded when it is not in memory. Raises ModelNotFound, CorruptData."""
        model = self.peek(name, version)
        if model is not None:
            return model
        generation = self._generation
        kept = self._models.get(name, version)
        model = LoadedModel(kept.policy)
        with self._lock:
            self.misses += 1
            # What was read may have been replaced or deleted meanwhile: then it serves this caller only.
            if generation == self._generation and model.size_bytes <= self._capacity_bytes:
                self._take_in((name, kept.version), model, newest=version is None)
        return model

    def forget(self, name: str) -> None:
        """Drop all versions of a model that was replaced or deleted. Idempotent."""
        with self._lock:
            self._generation += 1
            self._newest.pop(name, None)
            for key in [key for key in self._loaded if key[0] == name]:
                self.size_bytes -= self._loaded.pop(key).size_bytes

    def forget_all(self) -> None:
        """Drop everything: any model may have been replaced or deleted."""
        for name in self.names():
            self.forget(name)

    def names(self) -> frozenset[str]:
        """The models in memory."""
        with self._lock:
            return frozenset(name for name, _ in self._loaded)

    def _take_in(self, key: tuple[str, int], model: LoadedModel, newest: bool) -> None:
        if newest:
            self._newest[key[0]] = key[1]
        if key not in self._loaded:
            self._loaded[key] = model
            self.size_bytes += model.size_bytes
        while self.size_bytes > self._capacity_bytes:
            (name, version), dropped = self._loaded.popitem(last=False)
            self.size_bytes -= dropped.size_bytes
            if self._newest.get(name) == version:
                del self._newest[name]


class Predict:
    """Answer one observation or several with a kept model. `answered` counts observations, not calls."""

    def __init__(self, cache: ModelCache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self.answered = 0

    def at_once(
        self, model_name: str, observation: Nested, deterministic: bool = True, version: int | None = None
    ) -> Inference | None:
        """The answer where it takes microseconds; None where storage would be waited for, or a large batch.

        Raises InvalidObservation.
        """
        model = self._cache.peek(model_name, version) if len(observation) <= LARGE_BATCH else None
        return None if model is None else self._counted(model.answer(observation, deterministic))

    def __call__(
        self, model_name: str, observation: Nested, deterministic: bool = True, version: int | None = None
    ) -> Inference:
        """By that version of the model, or by the newest.

        Raises InvalidModelName, ModelNotFound, CorruptData, InvalidObservation.
        """
        model = self._cache.peek(model_name, version) or self._cache.get(check_model_name(model_name), version)
        return self._counted(model.answer(observation, deterministic))

    def _counted(self, inference: Inference) -> Inference:
        number = len(inference.value) if isinstance(inference.value, list) else 1
        with self._lock:
            self.answered += number
        return inference


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
