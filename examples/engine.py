"""The engine without a server: the same training as a Python loop, for whoever wants to look inside or change it.

    OPENBLAS_NUM_THREADS=1 python -m examples.engine     # small products on many threads take many times as long

Expected output:

    steps     106  return    17.7  entropy  0.69
    steps   3,422  return    54.4  entropy  0.40
    …
    mean return of 100 episodes: 500.0 ± 0.0
"""

import os

from adapters.environments.factory import GymnasiumEnvironments
from domain.evaluation import evaluate
from domain.presets import resolve
from domain.trainer import Trainer

STEPS = int(os.environ.get("GRPO_STEPS", "20000"))

environments = GymnasiumEnvironments()
config = resolve({"total_timesteps": STEPS}, environments.describe("CartPole-v1"), seed=0, model_name="engine")

with Trainer(environments, config) as trainer:
    for update, metrics in enumerate(trainer.run()):  # whoever stops iterating stops the training
        if update % 20 == 0:
            shown = metrics.get("rollout/ep_rew_mean", float("nan"))  # absent until an episode has ended
            print(f"steps {trainer.timesteps:7,}  return {shown:7.1f}  entropy {metrics['train/entropy']:5.2f}")
    report = evaluate(trainer.policy, environments)

print(f"mean return of 100 episodes: {report.mean_reward:.1f} ± {report.std_reward:.1f}")
