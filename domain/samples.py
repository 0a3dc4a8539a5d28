"""The samples of a rollout as an update reads them: features first, in one matrix, so that one call shuffles everything."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.objective import ObjectiveTerms

MIN_PARTIAL_BATCH = 16


@dataclass(frozen=True)
class Minibatch:
    """B samples: inputs [D + 1, B] with a last row of ones, encoded actions [R, B], the objective's terms, its limits [B]."""

    inputs: FloatArray
    actions: FloatArray
    terms: ObjectiveTerms
    limits: FloatArray

    @property
    def size(self) -> int:
        """B."""
        return len(self.limits)


class Samples:
    """All samples of a rollout, cut into minibatches of `batch_size` steps, or of whole trajectories where terms name them.

    A last minibatch of less than 16 is left out (where batches are smaller than that, any that is not full).
    """

    def __init__(self, whole: Minibatch, batch_size: int, rng: np.random.Generator) -> None:
        self._batch_size, self._rng = batch_size, rng
        self._smallest = min(MIN_PARTIAL_BATCH, batch_size)
        self._trajectories = whole.terms.trajectories
        self._num_inputs, self._num_actions = len(whole.inputs), len(whole.actions)
        terms = [whole.terms.old_log_prob, whole.terms.advantages, whole.terms.weights, whole.limits]
        if whole.terms.reference_log_prob is not None:
            terms.append(whole.terms.reference_log_prob)
        self._rows = np.concatenate([whole.inputs, whole.actions, terms])
        self._shuffled = np.empty_like(self._rows)
        starts, count = range(0, whole.size, batch_size), whole.size
        self._steps = [self._view(self._shuffled[:, i : i + batch_size]) for i in starts if count - i >= self._smallest]

    def minibatches(self) -> Iterator[Minibatch]:
        """One epoch in a new random order. A minibatch is valid until the next epoch."""
        if self._trajectories is not None:
            return (self._take(chosen) for chosen in self._whole_trajectories(self._trajectories))
        self._rows.take(self._rng.permutation(self._rows.shape[1]), 1, self._shuffled, "clip")
        return iter(self._steps)

    def _view(self, rows: FloatArray, trajectories: IntArray | None = None) -> Minibatch:
        inputs, rest = rows[: self._num_inputs], rows[self._num_inputs :]
        actions, (old_log_prob, advantages, weights, limits, *reference) = rest[: self._num_actions], rest[self._num_actions :]
        named = ObjectiveTerms(old_log_prob, advantages, weights, reference[0] if reference else None, trajectories)
        return Minibatch(inputs, actions, named, limits)

    def _take(self, chosen: IntArray) -> Minibatch:
        ids = None if self._trajectories is None else np.unique(self._trajectories[chosen], return_inverse=True)[1]
        return self._view(self._rows.take(chosen, axis=1), ids)

    def _whole_trajectories(self, trajectories: IntArray) -> Iterator[IntArray]:
        """Sample indices of trajectories in random order, cut behind the one that fills a minibatch."""
        order = self._rng.permutation(trajectories.max() + 1)
        chosen: list[IntArray] = []
        for trajectory in order:
            chosen.append(np.flatnonzero(trajectories == trajectory))
            if sum(map(len, chosen)) >= self._batch_size:
                yield np.concatenate(chosen)
                chosen = []
        if sum(map(len, chosen)) >= self._smallest:
            yield np.concatenate(chosen)
