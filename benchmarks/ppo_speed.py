"""Steps per second of Stable-Baselines3's PPO on CartPole-v1, on one thread, updates included; imports and a warm-up are not.

python -m benchmarks.ppo_speed N_ENVS N_STEPS BATCH_SIZE N_EPOCHS TOTAL_TIMESTEPS
Runs where Stable-Baselines3 is installed (`.venv-bench`), and prints one number.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
import time
from importlib import import_module


def main() -> None:
    n_envs, n_steps, batch_size, n_epochs, total = map(int, sys.argv[1:])
    import_module("torch").set_num_threads(1)
    ppo = import_module("stable_baselines3").PPO
    environments = import_module("stable_baselines3.common.env_util").make_vec_env("CartPole-v1", n_envs=n_envs, seed=0)
    sizes = {"n_steps": n_steps, "batch_size": batch_size, "n_epochs": n_epochs}
    model = ppo("MlpPolicy", environments, seed=0, device="cpu", verbose=0, **sizes)
    model.learn(2 * n_envs * n_steps)
    begun = time.perf_counter()
    model.learn(total, reset_num_timesteps=True)
    print(model.num_timesteps / (time.perf_counter() - begun))


if __name__ == "__main__":
    main()
