"""Registers an environment that is plain Gymnasium, as an operator's module does (`env_modules`).

It stands for all environments without a vectorised form of ours; those that Gymnasium brings need further packages.
"""

import gymnasium
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

gymnasium.register("PlainCartPole-v0", CartPoleEnv, max_episode_steps=200)
