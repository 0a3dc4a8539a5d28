"""A run that is stopped anywhere and taken up from its checkpoint ends with the bits of the undisturbed run."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from adapters.storage.codec import decode_checkpoint, encode_checkpoint
from domain.checkpoint import Checkpoint
from domain.config import TrainingConfig
from domain.trainer import Metrics, Trainer
from tests.factories import assert_same_checkpoint, make_config
from tests.fakes import FakeEnvironments, FakeVector, IdentityVector, TargetVector

STARTS: dict[str, dict[str, Any]] = {
    "branched": {"n_steps": 8, "segment_start": "branched", "n_envs": 12, "num_generations": 4, "reset_probability": 0.5},
    "fresh": {"n_steps": 6, "n_envs": 16, "segment_start": "fresh", "num_generations": 2, "supervision": "outcome"},
    "carried": {"n_steps": 11, "segment_start": "carried"},
    "episodes": {"segment_start": "fresh", "num_generations": 4},
    "sequence": {"segment_start": "fresh", "loss_type": "grpo", "importance_sampling_level": "sequence"},
    "valued": {"n_steps": 11, "segment_start": "carried", "gae_lambda": 0.9},
    "workers": {"n_steps": 8, "segment_start": "branched", "n_envs": 12, "num_generations": 2, "num_workers": 3},
    "valued workers": {
        "n_steps": 11,
        "segment_start": "carried",
        "gae_lambda": 0.9,
        "num_workers": 2,
        "n_envs": 8,
        "num_generations": 4,
    },
}
EVERYTHING = {
    "total_timesteps": 240,
    "max_episode_steps": 14,
    "batch_size": 24,
    "n_epochs": 2,
    "hidden_sizes": (4,),
    "learning_rate": 0.02,
    "lr_schedule": "linear",
    "beta": 0.1,
    "ref_model_sync_steps": 2,
    "ema_decay": 0.9,
    "ent_coef": 0.01,
    "noise_correlation": 0.5,
}
TARGET_KL = {IdentityVector: 0.0005, TargetVector: 0.005}
starts = pytest.mark.parametrize("start", STARTS)
kinds = pytest.mark.parametrize("kind", [IdentityVector, TargetVector], ids=["discrete", "box"])


class Finished(NamedTuple):
    """How a run ended: its last checkpoint, its metrics, and how often it asked whether to stop."""

    checkpoint: Checkpoint
    metrics: list[Metrics]
    polls: int


class Stop:
    """Says no `polls` times, then yes. Sees to it that nothing is simulated any more."""

    def __init__(self, polls: int, environments: FakeEnvironments) -> None:
        self.polls, self._left, self._environments = 0, polls, environments
        self.simulated: int | None = None

    def __call__(self) -> bool:
        self.polls += 1
        if self.polls <= self._left:
            return False
        if self.simulated is None:
            self.simulated = self._environments.simulated
        return True


def configure(kind: type[FakeVector], start: str, **changes: Any) -> TrainingConfig:
    fields = {"env_name": kind.SPEC.env_name, "target_kl": TARGET_KL[kind]} | EVERYTHING | STARTS[start]
    return make_config(**(fields | changes))


def train(environments: FakeEnvironments, config: TrainingConfig, checkpoint: Checkpoint | None = None) -> Finished:
    stop = Stop(1_000_000, environments)
    with Trainer(environments, config, checkpoint) as trainer:
        metrics = [*trainer.run(stop)]
        return Finished(trainer.checkpoint(), metrics, stop.polls)


@starts
@kinds
def test_run_of_these_tests_then_uses_what_it_should(kind: type[FakeVector], start: str) -> None:
    # otherwise the tests below would prove little
    finished = train(FakeEnvironments(kind), configure(kind, start))
    updates, steps = len(finished.metrics), finished.checkpoint.counters["adam_step"]
    unbounded = train(FakeEnvironments(kind), configure(kind, start, target_kl=None))
    assert updates >= 3
    assert updates < steps < unbounded.checkpoint.counters["adam_step"], "target_kl ends some updates early"
    assert finished.checkpoint.policy.value_weights.any()
    carries_on = any("environment/" in name for name in finished.checkpoint.arrays)
    assert carries_on == (start in ("branched", "carried", "valued", "workers", "valued workers"))
    assert ("ridge_gram" in finished.checkpoint.arrays) == (start in ("valued", "valued workers"))


@starts
@kinds
def test_run_when_repeated_with_the_same_seed_then_gives_the_same_bits(kind: type[FakeVector], start: str) -> None:
    one, same = (train(FakeEnvironments(kind), configure(kind, start)) for _ in range(2))
    other = train(FakeEnvironments(kind), configure(kind, start, seed=8))
    assert_same_checkpoint(one.checkpoint, same.checkpoint)
    assert one.metrics == same.metrics
    assert other.checkpoint.policy.parameters.tobytes() != one.checkpoint.policy.parameters.tobytes()


@starts
@kinds
def test_run_when_stopped_anywhere_and_resumed_then_ends_with_the_same_bits(kind: type[FakeVector], start: str) -> None:
    config = configure(kind, start)
    undisturbed = train(FakeEnvironments(kind), config)
    total = len(undisturbed.metrics)
    for polls in range(undisturbed.polls):
        environments = FakeEnvironments(kind)
        stop = Stop(polls, environments)
        with Trainer(environments, config) as trainer:
            before = [*trainer.run(stop)]
            checkpoint = trainer.checkpoint()
            assert stop.polls >= polls + 1
            assert environments.simulated == stop.simulated
            assert not trainer.done
            assert trainer.timesteps == trainer.simulated_timesteps == checkpoint.timesteps < 240
            assert len(before) < total
        resumed = train(FakeEnvironments(kind), config, checkpoint)
        assert_same_checkpoint(resumed.checkpoint, undisturbed.checkpoint)
        assert before + resumed.metrics == undisturbed.metrics


@starts
@kinds
def test_trainer_when_stopped_anywhere_and_run_on_then_ends_with_the_same_bits(kind: type[FakeVector], start: str) -> None:
    config = configure(kind, start)
    undisturbed = train(FakeEnvironments(kind), config)
    for polls in range(3, undisturbed.polls, 13):
        environments = FakeEnvironments(kind)
        with Trainer(environments, config) as trainer:
            while not trainer.done:  # stopped again and again, with two updates of respite
                updates = trainer.run(Stop(polls + 100, environments))
                for _ in zip(range(2), updates, strict=False):
                    pass
                [*trainer.run(Stop(polls % 37, environments))]
            assert_same_checkpoint(trainer.checkpoint(), undisturbed.checkpoint)


@starts
@kinds
def test_run_when_resumed_from_bytes_after_each_update_then_ends_with_the_same_bits(kind: type[FakeVector], start: str) -> None:
    config = configure(kind, start)
    undisturbed = train(FakeEnvironments(kind), config)
    checkpoint: Checkpoint | None = None
    for _ in undisturbed.metrics:
        with Trainer(FakeEnvironments(kind), config, checkpoint) as trainer:
            next(trainer.run())
            checkpoint = decode_checkpoint(encode_checkpoint(trainer.checkpoint()))
            assert_same_checkpoint(checkpoint, trainer.checkpoint())
    assert checkpoint is not None
    assert_same_checkpoint(checkpoint, undisturbed.checkpoint)


@starts
@kinds
def test_checkpoint_when_training_goes_on_then_stays_as_it_was(kind: type[FakeVector], start: str) -> None:
    with Trainer(FakeEnvironments(kind), configure(kind, start)) as trainer:
        updates = trainer.run()
        next(updates)
        checkpoint = trainer.checkpoint()
        before = encode_checkpoint(checkpoint)
        assert list(updates)
        assert encode_checkpoint(checkpoint) == before != encode_checkpoint(trainer.checkpoint())


@kinds
def test_run_when_its_budget_is_raised_then_equals_a_run_with_the_larger_budget(kind: type[FakeVector]) -> None:
    # 3 and 6 whole rollouts of 8 × 11 steps; no decay, since its end would be another
    short = configure(kind, "carried", total_timesteps=264, lr_schedule="constant")
    longer = replace(short, total_timesteps=528)
    half = train(FakeEnvironments(kind), short)
    assert half.checkpoint.timesteps == 264
    resumed = train(FakeEnvironments(kind), longer, half.checkpoint)
    whole = train(FakeEnvironments(kind), longer)
    assert_same_checkpoint(resumed.checkpoint, whole.checkpoint)
    assert half.metrics + resumed.metrics == whole.metrics


def test_run_when_an_update_is_stopped_then_keeps_the_policy_of_the_last_whole_one() -> None:
    config = configure(IdentityVector, "fresh", n_epochs=50, target_kl=None)
    environments = FakeEnvironments()
    with Trainer(environments, config) as trainer:
        before = trainer.policy.parameters.tobytes()
        stopped: Callable[[], bool] = Stop(1 + 6 + 20, environments)  # within the first update
        assert [*trainer.run(stopped)] == []
        assert trainer.policy.parameters.tobytes() == before
        assert trainer.checkpoint().counters["adam_step"] == 0
        assert trainer.simulated_timesteps == 0
        assert np.array_equal(trainer.checkpoint().arrays["parameters"], np.frombuffer(before, dtype=np.float32))
