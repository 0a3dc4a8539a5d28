"""Every file in examples/ runs, with a small budget, and says what its docstring promises."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import gymnasium
import pytest

from domain.rewards import REWARD_FUNCTIONS
from grpo_client import Client

EXAMPLES = sorted(path.stem for path in (Path(__file__).parent.parent.parent / "examples").glob("*.py"))
SAID = {
    "quickstart": ("600", r"version 1 of quickstart, [\d,]+ bytes\nan episode played here: \d+ steps"),
    "engine": ("600", r"steps +106  return .*\nmean return of 100 episodes: \d+\.\d ± \d+\.\d"),
    "compare_seeds": ("300", r"seed 4: \d+\.\d\n5 seeds: mean \d+\.\d, worst \d+\.\d, spread \d+\.\d"),
    "watch": ("600", r"running: begun\n(.*\n)*evaluation after 600 steps: .*\n(.*\n)*return [▁▂▃▄▅▆▇█]+ \d+ to \d+"),
    "evaluate_model": ("1000", r"mean return \d.*\n( +[\d.]+ … +[\d.]+ █*\n)+sampled [\s\S]*every time: [0-9a-f]{12}"),
    "export_onnx": ("1000", r"safetensors: [\d,]+ bytes, [\s\S]*onnxruntime and the server agree on 100 of 100 actions"),
    "own_environment": ("2000", r"untrained: \d+\.\d °C off on average\ntrained:   \d+\.\d °C off on average"),
    "own_reward": ("800", r"environment: +mean return .*\nspin: +mean return +-[\d.]+, turns at [+-][\d.]+ rad/s on average"),
    "survive_a_crash": ("60000", r"goes on from step [\d,]+\n(.*\n)*the same policy, bit for bit"),
}


@pytest.fixture(autouse=True)
def _own_code_is_forgotten() -> Iterator[None]:
    """What an example registers in this process is none of the next test's business."""
    with mock.patch.dict(REWARD_FUNCTIONS), mock.patch.dict(gymnasium.registry):
        yield


def test_every_example_has_a_test() -> None:
    assert sorted(SAID) == EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_when_run_says_what_it_promises(
    name: str, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps, promised = SAID[name]
    monkeypatch.setenv("GRPO_URL", url)
    monkeypatch.setenv("GRPO_STEPS", steps)
    runpy.run_module(f"examples.{name}", run_name="__main__")
    assert re.search(promised + r"\n\Z", capsys.readouterr().out)


@pytest.mark.parametrize("name", EXAMPLES)
def test_docstring_of_an_example_says_how_to_run_it_and_what_comes(name: str) -> None:
    text = (Path(__file__).parent.parent.parent / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert re.search(rf"^    (OPENBLAS_NUM_THREADS=1 )?python -m examples\.{name}\b", text, re.MULTILINE)
    assert "Expected output:\n" in text


def test_environment_of_an_example_can_be_trained_by_a_server(url: str) -> None:
    with Client(url) as client:
        job = client.train("Thermostat-v0", total_timesteps=500, hidden_sizes=[8])
        assert job.wait(progress=False).status == "completed"
        assert job.model.predict([[5.0, 10.0], [-5.0, 10.0]]).action[0] in {0, 1}
