"""docs/training-metrics.md against the trainer: each metric that a run may report has one row, and no other has."""

import re

import pytest

from adapters.environments.factory import GymnasiumEnvironments
from domain import diagnosis
from domain.presets import resolve
from domain.trainer import Trainer
from tests.docs.blocks import ROOT

PAGES = ["docs/training-metrics.md", "docs/training-metrics.ja.md"]
RUN = {"total_timesteps": 600, "n_steps": None, "beta": 0.1, "max_episode_steps": 50}


def reported() -> set[str]:
    """All that the trainer reports, with a reference policy and episodes that end; the worker adds the speed."""
    environments = GymnasiumEnvironments()
    config = resolve(RUN, environments.describe("CartPole-v1"), seed=0, model_name="m")
    with Trainer(environments, config) as trainer:
        names = {name for metrics in trainer.run() for name in metrics}
    return names | {"time/fps"}


@pytest.mark.parametrize("page", PAGES)
def test_every_metric_of_a_run_is_explained_once_and_no_other(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `((?:\w+/)?[a-z_]+)` \|(?=(?:[^|]*\|){3}$)", text, re.MULTILINE)
    assert sorted(rows) == sorted(reported())


@pytest.mark.parametrize("page", PAGES)
def test_every_code_of_a_diagnosis_is_explained(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    source = (ROOT / "domain" / "diagnosis.py").read_text(encoding="utf-8")
    codes = re.findall(r'Advice\(\n\s+"([a-z-]+)"', source)
    assert len(codes) == len(diagnosis._RULES)
    for code in codes:
        assert f"| `{code}` |" in text
