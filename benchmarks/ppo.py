"""One training by Stable-Baselines3's PPO. It and torch are imported only here, and only when a run begins."""

import functools
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import gymnasium
import numpy as np

from adapters.environments.factory import GymnasiumEnvironments
from benchmarks.judge import Clock, Course, final_scores
from benchmarks.tasks import Task
from domain.arrays import FloatArray
from domain.evaluation import DEFAULT_TIME_LIMIT
from domain.policy import Prediction
from domain.spaces import Discrete, EnvironmentSpec


class MissingRequirement(RuntimeError):
    """Stable-Baselines3 is not installed."""


def configuration(task: Task) -> dict[str, Any]:
    """All that decides how PPO learns the task, seed apart."""
    if task.ppo is None:
        raise ValueError(f"PPO is not measured on {task.env_name}")
    return {
        "env_name": task.env_name,
        "total_timesteps": task.budget,
        "reward_function_type": "environment",
        "source": task.ppo_source,
        **task.ppo,
    }


def check_installed() -> None:
    """Raises MissingRequirement."""
    for name in ("stable_baselines3", "torch"):
        if find_spec(name) is None:
            raise MissingRequirement(
                f"PPO is trained by Stable-Baselines3, but {name!r} is not installed here: "
                "make .venv-bench/installed installs both into .venv-bench."
            )


def train(task: Task, seed: int) -> dict[str, Any]:
    """Train and judge; the figures of one run. Raises MissingRequirement."""
    check_installed()
    library = import_module("stable_baselines3")
    import_module("torch").set_num_threads(1)
    _warm_up()
    environments = GymnasiumEnvironments()
    environment = environments.describe(task.env_name)
    clock = Clock()
    course = Course(task.budget, task.curve_episodes, environments, clock)

    class Visits(import_module("stable_baselines3.common.callbacks").BaseCallback):  # type: ignore[misc]
        """Visits the course before each rollout: the policy is then the one of the last update."""

        def _on_rollout_start(self) -> None:
            course.visit(self.model.num_timesteps, lambda: Player(self.model, environment))

        def _on_step(self) -> bool:
            return True

    settings = configuration(task)
    vector = _vector(settings, seed)
    try:
        model = library.PPO("MlpPolicy", vector, seed=seed, device="cpu", verbose=0, **_arguments(settings))
        model.learn(task.budget, callback=Visits())
        wall, cpu, player = clock.wall, clock.cpu, Player(model, environment)
        course.visit(model.num_timesteps, lambda: player)
        scores = final_scores(player, environments)
    finally:
        vector.close()
    return {
        **scores,
        "timesteps": int(model.num_timesteps),
        "wall_seconds": round(wall, 4),
        "cpu_seconds": round(cpu, 4),
        "curve": course.points,
    }


class Player:
    """A model of Stable-Baselines3 behind the judge's interface, its observation normaliser included."""

    def __init__(self, model: Any, environment: EnvironmentSpec) -> None:
        self.environment = environment
        self._model = model
        self._normalizer = model.get_vec_normalize_env()

    def predict_features(
        self, features: FloatArray, deterministic: bool = True, rng: np.random.Generator | None = None
    ) -> Prediction:
        del rng
        observations = decode(self.environment, features)
        if self._normalizer is not None:
            observations = self._normalizer.normalize_obs(observations)
        actions, _ = self._model.predict(observations, deterministic=deterministic)
        space = self.environment.action_space
        if isinstance(space, Discrete):
            return Prediction(actions - space.start, None, np.zeros(len(features), dtype=np.float32))
        return Prediction(actions.reshape(len(features), -1), None, np.zeros(len(features), dtype=np.float32))


def decode(environment: EnvironmentSpec, features: FloatArray) -> Any:
    """Features [B, D] as the environment itself shows them: an integer for a one-hot vector, an array in its shape."""
    space = environment.observation_space
    if isinstance(space, Discrete):
        return features.argmax(axis=1) + space.start
    return features.reshape(len(features), *space.shape)


@functools.cache
def _warm_up() -> None:
    """Let torch import and initialise what it leaves until a first training, which is no part of the figures."""
    ppo = import_module("stable_baselines3").PPO
    ppo("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8, n_epochs=1, device="cpu").learn(8)


def _vector(settings: dict[str, Any], seed: int) -> Any:
    env_name = settings["env_name"]
    limit = None if gymnasium.spec(env_name).max_episode_steps else DEFAULT_TIME_LIMIT
    vector = import_module("stable_baselines3.common.env_util").make_vec_env(
        lambda: gymnasium.make(env_name, max_episode_steps=limit), n_envs=settings["n_envs"], seed=seed
    )
    if not settings.get("normalize"):
        return vector
    return import_module("stable_baselines3.common.vec_env").VecNormalize(vector, gamma=settings.get("gamma", 0.99))


def _arguments(settings: dict[str, Any]) -> dict[str, Any]:
    """The zoo's words as PPO's arguments."""
    ours = {"env_name", "total_timesteps", "reward_function_type", "source", "n_envs", "normalize"}
    arguments = {name: _schedule(value) for name, value in settings.items() if name not in ours}
    if "policy_kwargs" in arguments:
        kwargs = dict(arguments["policy_kwargs"])
        if "activation_fn" in kwargs:
            kwargs["activation_fn"] = getattr(import_module("torch.nn"), kwargs["activation_fn"])
        arguments["policy_kwargs"] = kwargs
    return arguments


def _schedule(value: Any) -> Any:
    """`lin_x` as a function of the remaining share of the budget."""
    if not (isinstance(value, str) and value.startswith("lin_")):
        return value
    start = float(value.removeprefix("lin_"))
    return lambda remaining: start * remaining
