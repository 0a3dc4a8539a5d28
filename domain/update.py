"""One policy update: several epochs of minibatches over a rollout's samples."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from domain.arrays import ActionArray, FloatArray, IntArray
from domain.config import TrainingConfig
from domain.distributions import MIN_LOG_STD, Categorical, DiagonalGaussian
from domain.network import MLP, Workspace
from domain.objective import Objective, ObjectiveTerms, Statistics, approx_kl, sample_weights
from domain.optimizer import AdamWorkspace, clip_by_global_norm_into
from domain.rollout import Interrupted

MIN_PARTIAL_BATCH = 16
KL_TOLERANCE = 1.5


@dataclass(frozen=True)
class Batch:
    """The S samples of a rollout: features [S, D], actions int [S] or float [S, A], advantages [S], trajectory ids [S].

    `reference`: flat parameters of the reference policy, None where no KL is held.
    """

    features: FloatArray
    actions: ActionArray
    advantages: FloatArray
    trajectories: IntArray
    reference: FloatArray | None = None


@dataclass(frozen=True)
class _Samples:
    """A batch as the objective reads it, features first: inputs [D + 1, S] with ones, else [S] (latent actions [A, S])."""

    inputs: FloatArray
    actions: ActionArray
    terms: ObjectiveTerms

    def take(self, chosen: IntArray) -> "_Samples":
        terms = self.terms
        return _Samples(
            self.inputs.take(chosen, axis=1),
            self.actions.take(chosen, axis=-1),
            ObjectiveTerms(
                terms.old_log_prob.take(chosen),
                terms.advantages.take(chosen),
                terms.weights.take(chosen),
                None if terms.reference_log_prob is None else terms.reference_log_prob.take(chosen),
                None if terms.trajectories is None else np.unique(terms.trajectories.take(chosen), return_inverse=True)[1],
            ),
        )

    def part(self, start: int, end: int) -> "_Samples":
        terms, reference = self.terms, self.terms.reference_log_prob
        return _Samples(
            self.inputs[:, start:end],
            self.actions[..., start:end],
            ObjectiveTerms(
                terms.old_log_prob[start:end],
                terms.advantages[start:end],
                terms.weights[start:end],
                None if reference is None else reference[start:end],
            ),
        )


class Updater:
    """Changes `parameters` in place (and `average`, where `ema_decay` is set)."""

    def __init__(
        self,
        config: TrainingConfig,
        network: MLP,
        parameters: FloatArray,
        average: FloatArray,
        adam: AdamWorkspace,
        rng: np.random.Generator,
    ) -> None:
        self._config, self._network, self._rng = config, network, rng
        self._parameters, self._average, self._adam = parameters, average, adam
        self._gradient = np.zeros_like(parameters)
        self._log_std = parameters[network.num_parameters :]
        self._log_std_grad = self._gradient[network.num_parameters :]
        self._objective = Objective(
            config.epsilon,
            config.epsilon if config.epsilon_high is None else config.epsilon_high,
            config.ent_coef,
            config.beta,
        )
        self._grad_norm = 0.0

    def update(self, batch: Batch, learning_rate: float, should_stop: Callable[[], bool]) -> dict[str, float]:
        """Run the epochs; the metrics of the last one. Raises Interrupted between two minibatches.

        A batch that is smaller than the smallest minibatch changes nothing.
        """
        samples = self._samples(batch)
        statistics: list[Statistics] = []
        for epoch in range(self._config.n_epochs):
            last = epoch == self._config.n_epochs - 1
            for minibatch in self._minibatches(samples):
                if should_stop():
                    raise Interrupted
                distribution, exceeded = self._step(minibatch, learning_rate)
                if last or exceeded:
                    statistics.append(self._objective.statistics(distribution, minibatch.terms))
                if exceeded:
                    return self._metrics(statistics)
        return self._metrics(statistics)

    @cached_property
    def _full(self) -> Workspace:
        """Buffers for a full minibatch, made when the first one comes: `batch_size` may exceed every batch, and memory."""
        return self._workspace(self._config.batch_size)

    def _workspace(self, batch_size: int) -> Workspace:
        return Workspace(self._network, self._parameters, self._gradient, batch_size)

    def _samples(self, batch: Batch) -> _Samples:
        """Take the old log-probabilities with one forward pass under the newest normaliser."""
        inputs = np.ones((batch.features.shape[1] + 1, len(batch.features)), dtype=np.float32)
        inputs[:-1] = batch.features.T
        actions = np.ascontiguousarray(batch.actions.T)
        sequence = self._config.importance_sampling_level == "sequence"
        max_length = self._config.n_steps or self._config.max_episode_steps
        weights = sample_weights(batch.trajectories, self._config.loss_type, max_length)
        terms = ObjectiveTerms(
            old_log_prob=self._log_prob(self._parameters, inputs, actions),
            advantages=(batch.advantages * weights).astype(np.float32),
            weights=weights.astype(np.float32),
            reference_log_prob=None if batch.reference is None else self._log_prob(batch.reference, inputs, actions),
            trajectories=batch.trajectories if sequence else None,
        )
        return _Samples(inputs, actions, terms)

    def _log_prob(self, parameters: FloatArray, inputs: FloatArray, actions: ActionArray) -> FloatArray:
        output = self._network.forward(parameters, inputs[:-1])[-1]
        return self._distribution(output, parameters[self._network.num_parameters :], actions).log_prob()

    def _distribution(self, output: FloatArray, log_std: FloatArray, actions: ActionArray) -> Categorical | DiagonalGaussian:
        return DiagonalGaussian(output, log_std, actions) if len(log_std) else Categorical(output, actions)

    def _minibatches(self, samples: _Samples) -> Iterator[_Samples]:
        """Shuffled minibatches: of steps, or of whole trajectories where the ratio is one per trajectory."""
        count, size = samples.inputs.shape[1], self._config.batch_size
        smallest = min(MIN_PARTIAL_BATCH, size)
        if samples.terms.trajectories is not None:
            yield from (samples.take(chosen) for chosen in self._whole_trajectories(samples.terms.trajectories))
            return
        shuffled = samples.take(self._rng.permutation(count))
        for start in range(0, count, size):
            end = min(start + size, count)
            if end - start >= smallest:
                yield shuffled.part(start, end)

    def _whole_trajectories(self, trajectories: IntArray) -> Iterator[IntArray]:
        """Sample indices of trajectories in random order, cut behind the one that fills a minibatch."""
        order = self._rng.permutation(trajectories.max() + 1)
        chosen: list[IntArray] = []
        for trajectory in order:
            chosen.append(np.flatnonzero(trajectories == trajectory))
            if sum(map(len, chosen)) >= self._config.batch_size:
                yield np.concatenate(chosen)
                chosen = []
        if sum(map(len, chosen)) >= min(MIN_PARTIAL_BATCH, self._config.batch_size):
            yield np.concatenate(chosen)

    def _step(self, samples: _Samples, learning_rate: float) -> tuple[Categorical | DiagonalGaussian, bool]:
        """One optimiser step, unless the policy is too far from the old one already (then True)."""
        count = samples.inputs.shape[1]
        workspace = self._full if count == self._config.batch_size else self._workspace(count)
        output = workspace.forward_into(samples.inputs)
        distribution = self._distribution(output, self._log_std, samples.actions)
        target = self._config.target_kl
        if target is not None and approx_kl(distribution.log_prob(), samples.terms.old_log_prob) > KL_TOLERANCE * target:
            return distribution, True
        output_grad, log_std_grad = self._objective.gradient(distribution, samples.terms)
        workspace.backward_into(output_grad)
        if log_std_grad is not None:
            self._log_std_grad[:] = log_std_grad
        self._grad_norm = clip_by_global_norm_into(self._gradient, self._config.max_grad_norm)
        self._adam.update_into(self._parameters, self._gradient, learning_rate)
        if len(self._log_std):
            np.maximum(self._log_std, MIN_LOG_STD, out=self._log_std)
        if self._config.ema_decay:
            self._average += (1 - self._config.ema_decay) * (self._parameters - self._average)
        return distribution, False

    def _metrics(self, statistics: list[Statistics]) -> dict[str, float]:
        if not statistics:
            return {}
        mean = {
            name: float(np.mean([getattr(s, name) for s in statistics]))
            for name in ("loss", "approx_kl", "clip_fraction", "entropy", "kl")
        }
        names = {"loss": "train/loss", "approx_kl": "train/approx_kl", "clip_fraction": "train/clip_fraction"}
        names |= {"entropy": "train/entropy"} | ({"kl": "kl"} if self._config.beta else {})
        metrics = {metric: mean[name] for name, metric in names.items()}
        return metrics | {"train/grad_norm": self._grad_norm}
