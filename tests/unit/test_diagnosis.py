"""What the metrics of a run warn of: nothing while all is well, each sign by its own sentence, and what real runs show."""

import math

import pytest

from adapters.environments.factory import GymnasiumEnvironments
from domain.diagnosis import FEWEST, WINDOW, diagnose
from domain.presets import resolve
from domain.trainer import Trainer

HEALTHY = {
    "rollout/ep_rew_mean": 100.0,
    "group/frac_reward_zero_std": 0.1,
    "train/loss": 0.01,
    "train/approx_kl": 0.01,
    "train/clip_fraction": 0.2,
    "train/entropy": 0.5,
}
SIGNS = {
    "no-signal": {"group/frac_reward_zero_std": 0.97},
    "entropy-collapsed": {"train/entropy": 0.004},
    "kl-high": {"train/approx_kl": 0.3},
    "clip-high": {"train/clip_fraction": 0.8},
}


def codes(points: list[dict[str, float]], reward_threshold: float | None = None) -> list[str]:
    return [advice.code for advice in diagnose(points, reward_threshold)]


def test_healthy_metrics_warn_of_nothing() -> None:
    assert codes([HEALTHY] * WINDOW) == []


@pytest.mark.parametrize("code", SIGNS)
def test_sign_when_it_lasts_is_told_with_its_figure_and_when_it_is_new_or_past_is_not(code: str) -> None:
    bad = HEALTHY | SIGNS[code]
    [advice] = diagnose([bad] * WINDOW)
    assert advice.code == code
    assert advice.message.endswith(("help.", "help"))
    assert codes([bad] * (FEWEST - 1)) == []
    assert codes([HEALTHY] * (WINDOW - 1) + [bad]) == []
    assert codes([bad] * WINDOW + [HEALTHY] * WINDOW) == []


def test_signs_where_the_environment_is_solved_warn_of_nothing() -> None:
    solved = HEALTHY | SIGNS["no-signal"] | SIGNS["entropy-collapsed"] | {"rollout/ep_rew_mean": 480.0}
    assert codes([solved] * WINDOW, reward_threshold=475.0) == []
    assert codes([solved] * WINDOW, reward_threshold=481.0) == ["no-signal", "entropy-collapsed"]
    assert codes([solved] * WINDOW) == ["no-signal", "entropy-collapsed"]


def test_updates_that_train_nothing_are_told_of() -> None:
    untrained = {name: value for name, value in HEALTHY.items() if not name.startswith("train/")}
    assert codes([untrained] * WINDOW) == ["too-few-samples"]


def test_entropy_of_continuous_actions_below_zero_is_no_collapse() -> None:
    assert codes([HEALTHY | {"train/entropy": -3.0}] * WINDOW) == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"learning_rate": 0.05, "total_timesteps": 8_000}, "kl-high"),
        ({"env_name": "FrozenLake-v1", "n_steps": 4, "noise_correlation": 0.0, "total_timesteps": 4_000}, "no-signal"),
        ({"n_envs": 2, "num_generations": 2, "n_steps": 4, "total_timesteps": 400}, "too-few-samples"),
    ],
)
def test_run_that_cannot_learn_is_diagnosed(given: dict[str, object], code: str) -> None:
    environments = GymnasiumEnvironments()
    spec = environments.describe(str(given.get("env_name", "CartPole-v1")))
    points: list[dict[str, float]] = []
    seen: set[str] = set()
    with Trainer(environments, resolve(given, spec, seed=0, model_name="m")) as trainer:
        for metrics in trainer.run():
            assert all(map(math.isfinite, metrics.values()))
            points.append(metrics)
            seen |= set(codes(points))
    assert code in seen
