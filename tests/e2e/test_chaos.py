"""The short form of `make chaos`: the service is killed while it trains, and nothing of the models shows it."""

from pathlib import Path

import pytest

from tests.chaos.blows import SIGTERM
from tests.chaos.jobs import jobs
from tests.chaos.run import compare, run

KILLS = 4
MODELS = {"optimized-cartpole", "pendulum", "frozen-lake", "plain-carried"}


@pytest.mark.slow
def test_models_when_workers_and_server_are_killed_are_those_of_an_undisturbed_run(tmp_path: Path) -> None:
    bodies = [body for body in jobs(0.08) if body["model_name"] in MODELS]
    undisturbed = run(tmp_path / "undisturbed", bodies)
    disturbed = run(tmp_path / "disturbed", bodies, KILLS, seed=1, checkpoint_seconds=0.1)
    assert compare(undisturbed, disturbed) == []
    assert disturbed.versions.keys() == MODELS
    assert disturbed.blows.pop(SIGTERM) == 1
    assert sum(disturbed.blows.values()) == KILLS
