"""Why a run does not get better, read off its metrics: what a practitioner would see in the curves, in a sentence each.

Each rule looks at the means of the last updates, so that one odd update says nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WINDOW = 20
FEWEST = 5

NO_SIGNAL_SHARE = 0.9
HIGH_KL = 0.1
HIGH_CLIP_FRACTION = 0.6
LOW_ENTROPY = 0.02  # nats: one action has a probability of 99.7 %


@dataclass(frozen=True)
class Advice:
    """`code`: kebab-case, stable; `message`: what is seen, what it means, what helps."""

    code: str
    message: str


def diagnose(points: Iterable[Mapping[str, float]], reward_threshold: float | None = None) -> list[Advice]:
    """What the newest metrics warn of, the most serious first; nothing while there are fewer than FEWEST updates.

    `points`: metrics of updates, oldest first, of which the last WINDOW count. `reward_threshold`: the mean return from
    which on the environment counts as solved: equal rewards and a settled policy are a good sign there.
    """
    recent = [*points][-WINDOW:]
    reached = _mean(recent, "rollout/ep_rew_mean")
    solved = reward_threshold is not None and reached is not None and reached >= reward_threshold
    if len(recent) < FEWEST or solved:
        return []
    return [advice for rule in _RULES if (advice := rule(recent)) is not None]


def _no_signal(recent: Sequence[Mapping[str, float]]) -> Advice | None:
    share = _mean(recent, "group/frac_reward_zero_std")
    if share is None or share < NO_SIGNAL_SHARE:
        return None
    return Advice(
        "no-signal",
        f"In {share:.0%} of the groups all members got the same reward (group/frac_reward_zero_std), so there is nothing to "
        "learn from: more exploration (noise_correlation, ent_coef), longer rollouts (n_steps), larger groups "
        "(num_generations) or a denser reward help.",
    )


def _untrained(recent: Sequence[Mapping[str, float]]) -> Advice | None:
    if any("train/loss" in metrics for metrics in recent):
        return None
    return Advice(
        "too-few-samples",
        "The last updates changed nothing, because a rollout has fewer samples than the smallest minibatch: more n_steps or "
        "more n_envs help.",
    )


def _high_kl(recent: Sequence[Mapping[str, float]]) -> Advice | None:
    kl = _mean(recent, "train/approx_kl")
    if kl is None or kl < HIGH_KL:
        return None
    return Advice(
        "kl-high",
        f"An update moves the policy far from the one that gathered its samples (train/approx_kl {kl:.2g}, usually below "
        f"{HIGH_KL:g}), so that learning may be unstable: a smaller learning_rate, fewer n_epochs or a target_kl help.",
    )


def _high_clip(recent: Sequence[Mapping[str, float]]) -> Advice | None:
    share = _mean(recent, "train/clip_fraction")
    if share is None or share < HIGH_CLIP_FRACTION:
        return None
    return Advice(
        "clip-high",
        f"{share:.0%} of the samples are clipped (train/clip_fraction) and teach nothing any more: a smaller learning_rate, "
        "fewer n_epochs or a larger epsilon help.",
    )


def _low_entropy(recent: Sequence[Mapping[str, float]]) -> Advice | None:
    """Of discrete actions, whose entropy is never negative; that of continuous ones passes zero and goes on."""
    entropies = [metrics["train/entropy"] for metrics in recent if "train/entropy" in metrics]
    if not entropies or not all(0 <= entropy < LOW_ENTROPY for entropy in entropies):
        return None
    return Advice(
        "entropy-collapsed",
        f"The policy hardly varies its actions any more (train/entropy {entropies[-1]:.2g}) and finds nothing new: where the "
        "return is not good enough yet, a larger ent_coef, more noise_correlation or a smaller learning_rate help.",
    )


_RULES = (_no_signal, _untrained, _low_entropy, _high_kl, _high_clip)


def _mean(recent: Sequence[Mapping[str, float]], name: str) -> float | None:
    values = [metrics[name] for metrics in recent if name in metrics]
    return math.fsum(values) / len(values) if values else None
