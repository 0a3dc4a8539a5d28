"""One policy update: several epochs of minibatches over a rollout's samples."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np

from domain.arrays import ActionArray, FloatArray, IntArray
from domain.config import TrainingConfig
from domain.distributions import MIN_LOG_STD
from domain.heads import encode_actions, make_head
from domain.network import MLP, Workspace
from domain.objective import Objective, ObjectiveTerms, SurrogateWorkspace, approx_kl, sample_weights
from domain.optimizer import AdamWorkspace, clip_by_global_norm_into
from domain.rollout import Interrupted
from domain.samples import Minibatch, Samples

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


class _Learner:
    """The loss and its gradient for minibatches of one size: network, distribution and objective in their own buffers."""

    def __init__(
        self, network: MLP, objective: Objective, parameters: FloatArray, gradient: FloatArray, batch_size: int
    ) -> None:
        self.batch_size = batch_size
        behind = slice(network.num_parameters, None)
        self._objective = objective
        self._network = Workspace(network, parameters, gradient, batch_size)
        self._head = make_head(network.sizes[-1], parameters[behind], gradient[behind], batch_size)
        self._surrogate = SurrogateWorkspace(objective, batch_size, parameters.dtype)

    def log_prob_into(self, inputs: FloatArray, actions: FloatArray) -> FloatArray:
        """Log π of encoded actions, [B], valid until the next call."""
        return self._head.log_prob_into(self._network.forward_into(inputs), actions)

    def entropy(self) -> FloatArray:
        """H of the newest forward pass, [B]."""
        return self._head.entropy()

    def gradient_into(self, log_prob: FloatArray, minibatch: Minibatch) -> None:
        """Write the loss's gradient at the newest forward pass, which gave `log_prob`, into the gradient vector."""
        terms = minibatch.terms
        if terms.trajectories is None:
            factor = self._surrogate.factor_into(log_prob, terms, minibatch.limits)
        else:
            factor = self._objective.factor(log_prob, terms)
        self._network.backward_into(self._head.gradient_into(factor, self._objective.entropy_factor(terms)))


@dataclass
class _Observed:
    """What is reported of the last minibatches, each seen before its optimiser step."""

    log_probs: list[FloatArray] = field(default_factory=list)
    entropies: list[FloatArray] = field(default_factory=list)
    terms: list[ObjectiveTerms] = field(default_factory=list)

    def add(self, log_prob: FloatArray, entropy: FloatArray, terms: ObjectiveTerms) -> None:
        self.log_probs.append(log_prob.copy())
        self.entropies.append(entropy)
        self.terms.append(terms)

    def metrics(self, objective: Objective) -> dict[str, float]:
        if not self.terms:
            return {}
        log_prob, entropy = np.concatenate(self.log_probs), np.concatenate(self.entropies)
        statistics = asdict(objective.statistics(log_prob, entropy, ObjectiveTerms.joined(self.terms)))
        kl = statistics.pop("kl")
        return {f"train/{name}": value for name, value in statistics.items()} | ({"kl": kl} if objective.beta else {})


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
        self._objective = Objective(
            config.epsilon,
            config.epsilon if config.epsilon_high is None else config.epsilon_high,
            config.ent_coef,
            config.beta,
        )
        self._average_rate = np.array(1 - config.ema_decay, parameters.dtype)
        self._full: _Learner | None = None
        self._partial: _Learner | None = None

    def update(self, batch: Batch, learning_rate: float, should_stop: Callable[[], bool]) -> dict[str, float]:
        """Run the epochs; the metrics of the last one. Raises Interrupted between two minibatches.

        A batch that is smaller than the smallest minibatch changes nothing. `target_kl` ends the update before the
        minibatch that finds the policy too far from the old one.
        """
        samples, observed = self._samples(batch), _Observed()
        target, norm = self._config.target_kl, 0.0
        for epoch in range(self._config.n_epochs):
            last = epoch == self._config.n_epochs - 1
            for minibatch in samples.minibatches():
                if should_stop():
                    raise Interrupted
                learner, terms = self._learner(minibatch.size), minibatch.terms
                log_prob = learner.log_prob_into(minibatch.inputs, minibatch.actions)
                exceeded = target is not None and approx_kl(log_prob, terms.old_log_prob) > KL_TOLERANCE * target
                if last or exceeded:
                    observed.add(log_prob, learner.entropy(), terms)
                if exceeded:
                    return observed.metrics(self._objective) | {"train/grad_norm": norm}
                learner.gradient_into(log_prob, minibatch)
                norm = self._descend(learning_rate)
        return observed.metrics(self._objective) | ({"train/grad_norm": norm} if observed.terms else {})

    def _descend(self, learning_rate: float) -> float:
        """One optimiser step along the gradient vector, which is used up; the gradient's norm."""
        parameters, gradient = self._parameters, self._gradient
        norm = clip_by_global_norm_into(gradient, self._config.max_grad_norm)
        self._adam.update_into(parameters, gradient, learning_rate)
        if len(self._log_std):
            np.maximum(self._log_std, MIN_LOG_STD, out=self._log_std)
        if self._config.ema_decay:
            np.subtract(parameters, self._average, gradient)
            np.multiply(gradient, self._average_rate, gradient)
            np.add(self._average, gradient, self._average)
        return norm

    def _learner(self, batch_size: int) -> _Learner:
        """The buffers for a minibatch, made when first needed: `batch_size` may exceed every batch, and memory."""
        if batch_size == self._config.batch_size:
            self._full = self._full or self._make_learner(batch_size)
            return self._full
        if self._partial is None or self._partial.batch_size != batch_size:
            self._partial = self._make_learner(batch_size)
        return self._partial

    def _make_learner(self, batch_size: int) -> _Learner:
        return _Learner(self._network, self._objective, self._parameters, self._gradient, batch_size)

    def _samples(self, batch: Batch) -> Samples:
        """Encode the batch and take the old log-probabilities, under the newest normaliser."""
        inputs = np.ones((batch.features.shape[1] + 1, len(batch.features)), dtype=np.float32)
        inputs[:-1] = batch.features.T
        actions = encode_actions(batch.actions, self._network.sizes[-1])
        sequence = self._config.importance_sampling_level == "sequence"
        max_length = self._config.n_steps or self._config.max_episode_steps
        weights = sample_weights(batch.trajectories, self._config.loss_type, max_length)
        advantages = (batch.advantages * weights).astype(np.float32)
        terms = ObjectiveTerms(
            old_log_prob=self._log_prob(self._learner, inputs, actions),
            advantages=advantages,
            weights=weights.astype(np.float32),
            reference_log_prob=None if batch.reference is None else self._reference_log_prob(batch.reference, inputs, actions),
            trajectories=batch.trajectories if sequence else None,
        )
        whole = Minibatch(inputs, actions, terms, self._objective.limits(advantages))
        return Samples(whole, self._config.batch_size, self._rng)

    def _reference_log_prob(self, reference: FloatArray, inputs: FloatArray, actions: FloatArray) -> FloatArray:
        unused = np.empty_like(reference)
        return self._log_prob(lambda size: _Learner(self._network, self._objective, reference, unused, size), inputs, actions)

    def _log_prob(self, learner: Callable[[int], _Learner], inputs: FloatArray, actions: FloatArray) -> FloatArray:
        """Log π of all samples, [S], a minibatch at a time."""
        count, size = inputs.shape[1], self._config.batch_size
        parts = [slice(start, min(start + size, count)) for start in range(0, count, size)]
        result = np.empty(count, dtype=np.float32)
        for part in parts:
            result[part] = learner(part.stop - part.start).log_prob_into(inputs[:, part], actions[:, part])
        return result
