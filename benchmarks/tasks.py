"""What is learned: environment, budget, goal and, for Stable-Baselines3's PPO, its hyper-parameters."""

from dataclasses import dataclass
from typing import Any, Literal

Algorithm = Literal["ours", "ppo"]
ALGORITHMS: tuple[Algorithm, ...] = ("ours", "ppo")
Settings = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One row of the benchmark.

    `given`: all that our service is told; the rest are its defaults. `goal`: what the mean over seeds should reach, None = more
    than PPO. `solved`: the score at which one seed counts as solved, the goal unless named. `ppo`: PPO's hyper-parameters in
    the words of rl-baselines3-zoo, None = PPO is not measured. `curve_episodes`: how many make a
    point of the learning curve; more where returns differ much from start to start. `lowest_drawn`: what lies below is cut off
    in the drawing.
    """

    given: dict[str, Any]
    goal: float | None
    ppo: Settings | None
    seeds: int = 10
    solved: float | None = None
    ppo_source: Literal["zoo", "defaults", "guide"] = "zoo"
    curve_episodes: int = 20
    lowest_drawn: float | None = None

    @property
    def env_name(self) -> str:
        return str(self.given["env_name"])

    @property
    def budget(self) -> int:
        """Environment steps that a training may take."""
        return int(self.given["total_timesteps"])

    @property
    def threshold(self) -> float | None:
        """The score at which one seed counts as solved."""
        return self.goal if self.solved is None else self.solved

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        return ALGORITHMS if self.ppo is not None else ("ours",)


# From rl-baselines3-zoo, hyperparams/ppo.yml; what it does not name is Stable-Baselines3's default.
# `lin_x` falls linearly from x to 0; `normalize` is VecNormalize over observations and rewards with the same gamma.
_RELU_256: Settings = {
    "log_std_init": -2,
    "ortho_init": False,
    "activation_fn": "ReLU",
    "net_arch": {"pi": [256, 256], "vf": [256, 256]},
}
ZOO: dict[str, Settings] = {
    "CartPole-v1": {
        "n_envs": 8,
        "n_steps": 32,
        "batch_size": 256,
        "gae_lambda": 0.8,
        "gamma": 0.98,
        "n_epochs": 20,
        "ent_coef": 0.0,
        "learning_rate": "lin_0.001",
        "clip_range": "lin_0.2",
    },
    "Acrobot-v1": {
        "normalize": True,
        "n_envs": 16,
        "n_steps": 256,
        "gae_lambda": 0.94,
        "gamma": 0.99,
        "n_epochs": 4,
        "ent_coef": 0.0,
    },
    "Pendulum-v1": {
        "n_envs": 4,
        "n_steps": 1024,
        "gae_lambda": 0.95,
        "gamma": 0.9,
        "n_epochs": 10,
        "ent_coef": 0.0,
        "learning_rate": 1e-3,
        "clip_range": 0.2,
        "use_sde": True,
        "sde_sample_freq": 4,
    },
    "MountainCarContinuous-v0": {
        "normalize": True,
        "n_envs": 1,
        "batch_size": 256,
        "n_steps": 8,
        "gamma": 0.9999,
        "learning_rate": 7.77e-05,
        "ent_coef": 0.00429,
        "clip_range": 0.1,
        "n_epochs": 10,
        "gae_lambda": 0.9,
        "max_grad_norm": 5,
        "vf_coef": 0.19,
        "use_sde": True,
        "policy_kwargs": {"log_std_init": -3.29, "ortho_init": False},
    },
    "MountainCar-v0": {
        "normalize": True,
        "n_envs": 16,
        "n_steps": 16,
        "gae_lambda": 0.98,
        "gamma": 0.99,
        "n_epochs": 4,
        "ent_coef": 0.0,
    },
    "LunarLander-v3": {
        "n_envs": 16,
        "n_steps": 1024,
        "batch_size": 64,
        "gae_lambda": 0.98,
        "gamma": 0.999,
        "n_epochs": 4,
        "ent_coef": 0.01,
    },
    "HalfCheetah-v5": {
        "normalize": True,
        "n_envs": 1,
        "batch_size": 64,
        "n_steps": 512,
        "gamma": 0.98,
        "learning_rate": 2.0633e-05,
        "ent_coef": 0.000401762,
        "clip_range": 0.1,
        "n_epochs": 20,
        "gae_lambda": 0.92,
        "max_grad_norm": 0.8,
        "vf_coef": 0.58096,
        "policy_kwargs": _RELU_256,
    },
    "Hopper-v5": {
        "normalize": True,
        "n_envs": 1,
        "batch_size": 32,
        "n_steps": 512,
        "gamma": 0.999,
        "learning_rate": 9.80828e-05,
        "ent_coef": 0.00229519,
        "clip_range": 0.2,
        "n_epochs": 5,
        "gae_lambda": 0.99,
        "max_grad_norm": 0.7,
        "vf_coef": 0.835671,
        "policy_kwargs": _RELU_256,
    },
}
DEFAULTS: Settings = {"n_envs": 8}
QUICK_START: Settings = {"learning_rate": 3e-4, "n_steps": 32, "batch_size": 64, "n_epochs": 10}


def _task(env_name: str, steps: int, goal: float | None, **more: Any) -> Task:
    """A task of which ours is told the environment and the budget only."""
    told = {"env_name": env_name, "total_timesteps": steps}
    zoo = ZOO.get(env_name)
    return Task(told, goal, zoo or DEFAULTS, ppo_source="zoo" if zoo else "defaults", **more)


def _cartpole(steps: int, reward: str, ppo: Settings | None, seeds: int = 10, **given: Any) -> Task:
    told = {"env_name": "CartPole-v1", "total_timesteps": steps, "reward_function_type": reward, **given}
    return Task(told, 475, ppo, seeds, ppo_source="zoo" if ppo is ZOO["CartPole-v1"] else "guide")


TASKS: dict[str, Task] = {
    "quick-start": _cartpole(5_000, "optimized_cartpole", DEFAULTS | QUICK_START, 40, **QUICK_START),
    "native-cartpole": _cartpole(10_000, "environment", ZOO["CartPole-v1"], 40),
    "simple-cartpole": _cartpole(3_000, "simple_cartpole", None, 40),
    "acrobot": _task("Acrobot-v1", 100_000, -80),
    "pendulum": _task("Pendulum-v1", 100_000, -155, solved=-162, curve_episodes=100, lowest_drawn=-600),
    "mountain-car-continuous": _task("MountainCarContinuous-v0", 60_000, 92),
    "mountain-car": _task("MountainCar-v0", 200_000, -115),
    "lunar-lander": _task("LunarLander-v3", 200_000, 200),
    "frozen-lake": _task("FrozenLake-v1", 200_000, 0.70, curve_episodes=100),
    "taxi": _task("Taxi-v4", 200_000, 7.5),
    "cliff-walking": _task("CliffWalking-v1", 200_000, -13, lowest_drawn=-200),
    "half-cheetah": _task("HalfCheetah-v5", 300_000, None, seeds=3),
    "hopper": _task("Hopper-v5", 300_000, None, seeds=3),
}
