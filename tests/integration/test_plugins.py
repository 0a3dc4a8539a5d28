"""The plug-in of examples/plugin, installed and trained with, in worker processes; and what is left when it is gone."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env
from litestar import Litestar
from litestar.testing import TestClient

from adapters.http.app import create_app
from bootstrap import plugins
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings
from domain.rewards import REWARD_FUNCTIONS
from tests.plugin import install, install_example

CORRIDOR = "Example/Corridor-v0"
PENDULUM = {"env_name": "Pendulum-v1", "reward_function_type": "pendulum_upright", "model_name": "upright", "seed": 1}
BROKEN = '''
def late(state, action, next_state):
    """Fails from the second batch on."""
    late.calls = getattr(late, "calls", 0) + 1
    return next_state[:, 0] if late.calls == 1 else next_state
'''


def forget() -> None:
    for name in [name for name, reward in REWARD_FUNCTIONS.items() if reward.source != "built-in"]:
        del REWARD_FUNCTIONS[name]
    gymnasium.registry.pop(CORRIDOR, None)
    plugins._register_environments.cache_clear()
    for module in ("grpo_example", "broken_rewards"):
        sys.modules.pop(module, None)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions, which workers see as well."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    install_example(folder)
    yield folder
    forget()


def service(tmp_path: Path, **settings: Any) -> TestClient[Litestar]:
    container = build(Settings(data_dir=str(tmp_path / "data"), max_concurrent_jobs=1, **settings))
    app = create_app(container.use_cases, VERSION, on_startup=container.start, on_shutdown=container.close)
    return TestClient(app, raise_server_exceptions=False)


def trained(client: TestClient[Litestar], **fields: Any) -> dict[str, Any]:
    answer = client.post("/train", json=fields)
    assert answer.status_code == 200, answer.text
    job = f"/training/{answer.json()['job_id']}"
    assert "event: done" in client.get(f"{job}/events").text  # the stream ends with the job
    return dict(client.get(f"{job}/status").json())


@pytest.mark.usefixtures("site")
def test_plugin_then_brings_a_reward_and_an_environment_that_workers_train_with(tmp_path: Path) -> None:
    with service(tmp_path, plugins="grpo-example-plugin", env_allow="gymnasium,Example/*") as client:
        whole = {"n_steps": None, "n_envs": 8, "num_generations": 4, "total_timesteps": 3_200}
        status = trained(client, **PENDULUM | whole)
        assert status["status"] == "completed", status
        assert 0 <= status["metrics"]["rollout/reward_mean"] <= 1  # the plug-in's; Pendulum's own is never above 0
        assert status["metrics"]["rollout/ep_rew_mean"] < -1
        corridor = trained(client, env_name=CORRIDOR, model_name="corridor", total_timesteps=4_000, seed=0)
        assert corridor["status"] == "completed", corridor
        assert corridor["metrics"]["rollout/ep_rew_mean"] > 0.2  # at random −1
        refused = client.post("/train", json=PENDULUM | {"env_name": "CartPole-v1"})
        assert refused.status_code == 422
        assert "does not fit CartPole-v1" in refused.json()["detail"]
    check_env(gymnasium.make(CORRIDOR).unwrapped, skip_render_check=True)


@pytest.mark.usefixtures("site")
def test_model_of_a_plugin_that_is_gone_then_is_still_there_and_its_reward_is_unknown(tmp_path: Path) -> None:
    with service(tmp_path, plugins="*", executor="inline") as client:
        assert trained(client, **PENDULUM, total_timesteps=2_048)["status"] == "completed"
    forget()
    with service(tmp_path, executor="inline") as client:
        [version] = client.get("/models/upright").json()["versions"]
        assert version["config"]["reward_function_type"] == "pendulum_upright"
        answer = client.post("/inference", json={"model_name": "upright", "observation": [1.0, 0.0, 0.0]})
        assert answer.status_code == 200
        refused = client.post("/train", json=PENDULUM)
        assert refused.status_code == 422
        assert "'pendulum_upright' is unknown here; allowed for Pendulum-v1: environment." in refused.json()["detail"]


def test_reward_that_fails_in_a_worker_then_fails_its_job_with_its_name(tmp_path: Path, site: Path) -> None:
    install(site, "broken", {"grpo.reward_functions": {"late": "broken_rewards:late"}}, "broken_rewards", BROKEN)
    with service(tmp_path, plugins="broken", executor="inline") as client:
        status = trained(client, env_name="CartPole-v1", reward_function_type="late", total_timesteps=2_000)
    assert (status["status"], status["error_code"]) == ("failed", "reward-failed")
    assert status["error_message"].startswith("The reward function 'late' (broken) gave an array of shape (")
