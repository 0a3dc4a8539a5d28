"""The jobs that are trained: every kind of environment, of rollout and of state that a checkpoint holds."""

from typing import Any

Fields = dict[str, Any]

# Budgets of some eight seconds on one core of a laptop.
JOBS: dict[str, Fields] = {
    "optimized-cartpole": {"total_timesteps": 400_000, "reward_function_type": "optimized_cartpole"},
    "simple-cartpole": {"total_timesteps": 280_000, "reward_function_type": "simple_cartpole"},
    "native-cartpole": {"total_timesteps": 480_000, "reward_function_type": "environment"},
    "reference-cartpole": {"total_timesteps": 280_000, "beta": 0.02, "ref_model_sync_steps": 10, "noise_correlation": 0.5},
    "pendulum": {"total_timesteps": 480_000, "env_name": "Pendulum-v1"},
    "acrobot": {"total_timesteps": 280_000, "env_name": "Acrobot-v1"},
    "mountain-car": {"total_timesteps": 500_000, "env_name": "MountainCar-v0"},
    "mountain-car-continuous": {"total_timesteps": 340_000, "env_name": "MountainCarContinuous-v0"},
    "frozen-lake": {"total_timesteps": 400_000, "env_name": "FrozenLake-v1"},
    "cliff-walking": {"total_timesteps": 400_000, "env_name": "CliffWalking-v1"},
    "taxi": {"total_timesteps": 130_000, "env_name": "Taxi-v4"},
    # Plain Gymnasium, see plain_cartpole.py; its state cannot be copied, so a checkpoint has it replayed.
    "plain-carried": {
        "total_timesteps": 200_000,
        "env_name": "PlainCartPole-v0",
        "n_steps": 64,
        "segment_start": "carried",
        "gae_lambda": 0.95,
    },
}


def jobs(scale: float) -> list[Fields]:
    """Bodies of POST /train, with budgets times `scale`."""
    return [
        fields | {"model_name": name, "seed": seed, "total_timesteps": round(fields["total_timesteps"] * scale)}
        for seed, (name, fields) in enumerate(JOBS.items())
    ]
