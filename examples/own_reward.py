"""A reward function of your own: the pendulum is not to stand upright but to spin, as fast as it can.

Trained right here, once with each reward:

    OPENBLAS_NUM_THREADS=1 python -m examples.own_reward     # small products on many threads take many times as long

or by a server, which imports this module and then knows the reward by its name (examples/plugin is one to be installed):

    GRPO_ENV_MODULES=examples.own_reward python run_api.py
    curl -s http://localhost:8000/train -H 'Content-Type: application/json' \
      -d '{"env_name": "Pendulum-v1", "reward_function_type": "spin"}'

Expected output:

    environment: mean return  -142.0, turns at +0.5 rad/s on average
    spin:        mean return -1617.5, turns at +7.2 rad/s on average
"""

import os

import numpy as np

from domain.arrays import FloatArray
from domain.rewards import RewardFunction, register

FASTEST = 8.0  # rad/s, where the environment clips


def spin(_states: FloatArray, _actions: FloatArray, next_states: FloatArray) -> FloatArray:
    """For B steps at once: states [B, 3] (cos θ, sin θ, θ̇), actions [B, 1], to rewards [B]."""
    return np.asarray(next_states[:, 2] / FASTEST)


register(
    RewardFunction(
        name="spin",
        function=spin,
        description="Pays for turning fast, anticlockwise.",
        formula="θ̇ / 8",
        env_names=("Pendulum-v1",),
        bounds=(-1.0, 1.0),
        source="examples.own_reward",
    )
)

if __name__ == "__main__":
    import gymnasium

    from adapters.environments.factory import GymnasiumEnvironments
    from domain.evaluation import evaluate
    from domain.policy import Policy
    from domain.presets import resolve
    from domain.trainer import Trainer

    def turning_speed(policy: Policy) -> float:
        """The mean of θ̇ over an episode."""
        pendulum, speeds, over = gymnasium.make("Pendulum-v1"), [], False
        observation, _ = pendulum.reset(seed=0)
        while not over:
            [action] = policy(observation[None])  # a batch of one
            observation, _, _, over, _ = pendulum.step(np.asarray(action))
            speeds.append(observation[2])
        pendulum.close()
        return float(np.mean(speeds))

    environments, steps = GymnasiumEnvironments(), int(os.environ.get("GRPO_STEPS", "100000"))
    spec = environments.describe("Pendulum-v1")
    for reward in ("environment", "spin"):
        given = {"total_timesteps": steps, "reward_function_type": reward}
        with Trainer(environments, resolve(given, spec, seed=0, model_name="own_reward")) as trainer:
            for _ in trainer.run():
                pass
            policy = trainer.policy
        returns = evaluate(policy, environments).mean_reward  # always in the environment's own reward
        print(f"{reward + ':':12} mean return {returns:7.1f}, turns at {turning_speed(policy):+.1f} rad/s on average")
