"""Builders of domain objects for tests; each keyword replaces one field."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from domain.checkpoint import Checkpoint, Model
from domain.config import TrainingConfig
from domain.job import Job
from domain.network import MLP
from domain.normalizer import Normalizer
from domain.policy import Policy
from domain.ports import ModelSummary
from domain.spaces import Box, Discrete, EnvironmentSpec

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
CARTPOLE = EnvironmentSpec(
    env_name="CartPole-v1",
    observation_space=Box((4,), (-4.8, -np.inf, -0.4, -np.inf), (4.8, np.inf, 0.4, np.inf)),
    action_space=Discrete(2),
    max_episode_steps=500,
    cloneable=True,
    reward_threshold=475.0,
)
LAKE = EnvironmentSpec("Lake-v1", Discrete(16, start=1), Discrete(4, start=-1), None)
ARM = EnvironmentSpec("Arm-v1", Box((2, 3), (-1.0,) * 6, (1.0,) * 6), Box((2,), (-2.0, -np.inf), (2.0, np.inf)), 100)


def make_config(**changes: Any) -> TrainingConfig:
    fields: dict[str, Any] = {
        "env_name": "CartPole-v1",
        "model_name": "model",
        "total_timesteps": 1_000,
        "reward_function_type": "environment",
        "seed": 7,
        "max_episode_steps": 500,
    }
    return TrainingConfig(**(fields | changes))


def make_job(job_id: str = "job", **changes: Any) -> Job:
    fields: dict[str, Any] = {"id": job_id, "config": make_config(), "created_at": NOON}
    return Job(**(fields | changes))


def make_policy(environment: EnvironmentSpec = CARTPOLE, seed: int = 0, *, normalized: bool = True) -> Policy:
    rng = np.random.default_rng(seed)
    network = MLP((environment.observation_space.size, 5, 3, environment.action_space.size))
    log_std = np.full(environment.action_space.size if environment.continuous else 0, -0.5, np.float32)
    size = environment.observation_space.size
    return Policy(
        environment=environment,
        network=network,
        parameters=np.concatenate([network.init(rng, output_gain=1.0), log_std]),
        normalizer=Normalizer(rng.normal(size=size), rng.uniform(0.5, 2, size), 100.0) if normalized else None,
        value_weights=rng.normal(size=4).astype(np.float32),
    )


def make_model(name: str = "model", **changes: Any) -> Model:
    fields: dict[str, Any] = {
        "name": name,
        "policy": make_policy(),
        "config": make_config(model_name=name),
        "job_id": "job",
        "created_at": NOON,
        "timesteps": 1_000,
    }
    return Model(**(fields | changes))


def kept(model: Model) -> ModelSummary:
    """What a repository knows of the model beside its bytes."""
    return ModelSummary(
        name=model.name,
        version=model.version,
        config=model.config,
        job_id=model.job_id,
        created_at=model.created_at,
        timesteps=model.timesteps,
        evaluation=model.evaluation,
        size_bytes=0,
        sha256="",
        imported_at=model.imported_at,
    )


def make_checkpoint(**changes: Any) -> Checkpoint:
    rng = np.random.default_rng(1)
    fields: dict[str, Any] = {
        "config": make_config(),
        "policy": make_policy(),
        "arrays": {
            "parameters": rng.normal(size=9).astype(np.float32),
            "alive": np.array([True, False]),
            "none": np.zeros((0, 2)),
        },
        "counters": {"timesteps": 640, "rng": np.random.PCG64(3).state, "normalizer_count": 640.0},
        "timesteps": 640,
    }
    return Checkpoint(**(fields | changes))


def assert_same_policy(one: Policy, other: Policy) -> None:
    assert (one.environment, one.network) == (other.environment, other.network)
    assert_same_array(one.parameters, other.parameters)
    assert_same_array(one.value_weights, other.value_weights)
    assert (one.normalizer is None) == (other.normalizer is None)
    if one.normalizer is not None and other.normalizer is not None:
        assert one.normalizer.count == other.normalizer.count
        assert_same_array(one.normalizer.mean, other.normalizer.mean)
        assert_same_array(one.normalizer.var, other.normalizer.var)


def assert_same_array(one: Any, other: Any) -> None:
    """Equal in type, shape and every bit."""
    assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def assert_same_checkpoint(one: Checkpoint, other: Checkpoint) -> None:
    assert (one.config, one.counters, one.timesteps) == (other.config, other.counters, other.timesteps)
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert_same_array(array, other.arrays[name])
    assert_same_policy(one.policy, other.policy)


def assert_same_model(one: Model, other: Model) -> None:
    assert_same_policy(one.policy, other.policy)
    assert (one.name, one.config, one.job_id, one.created_at, one.timesteps, one.evaluation) == (
        other.name,
        other.config,
        other.job_id,
        other.created_at,
        other.timesteps,
        other.evaluation,
    )
