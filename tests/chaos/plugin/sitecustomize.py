"""Run by every Python process that has this folder on its path: registers an environment that is plain Gymnasium.

It stands for all environments without a vectorised form of ours; those that Gymnasium brings need further packages.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy comes with Gymnasium, before the service could say so

import gymnasium
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

gymnasium.register("PlainCartPole-v0", CartPoleEnv, max_episode_steps=200)
