"""Sweeps by the client: blocking and awaited, to the best configuration or to a clear error."""

import asyncio
from collections.abc import Generator

import pytest

from grpo_client import AsyncClient, AsyncSweep, Client, Conflict, Invalid, NotFound, SweepFailed, SweepStatus
from grpo_client.plans import waiting_for_sweep
from grpo_client.sweep_results import Trial
from tests.client.test_surface import STATUS

SPACE = {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}}
QUICK = {"total_timesteps": 200, "hidden_sizes": [8], "n_eval_episodes": 1}


def test_sweep_from_start_to_the_best_configuration(client: Client) -> None:
    sweep = client.start_sweep(SPACE, training={**QUICK}, n_trials=2, max_parallel=1, seed=3)  # type: ignore[typeddict-item]
    ended = sweep.wait(timeout=60)
    assert (ended.status, ended.ended, [trial.status for trial in ended.trials]) == ("completed", True, ["completed"] * 2)
    assert ended.best is not None
    assert ended.best.value == max(trial.value or 0 for trial in ended.trials)
    again = client.train(**ended.best.config | {"model_name": "best_again"})
    again.wait(progress=False)
    ours, theirs = (client.model(name).info().versions[-1].sha256 for name in ("best_again", ended.best.model_name))
    assert ours == theirs
    with pytest.raises(Conflict, match="already ended"):
        sweep.stop()
    assert len(sweep.resume(3).trials) >= 2
    assert sweep.wait(timeout=60).n_trials == 3
    assert client.sweep(sweep.id).status() == sweep.status()
    assert client.sweeps()[0].sweep_id == sweep.id


def test_sweep_that_cannot_be_is_refused_with_the_field(client: Client) -> None:
    with pytest.raises(Invalid, match=r"search_space\.gamma: low must not be above high"):
        client.start_sweep({"gamma": {"type": "float", "low": 0.9, "high": 0.8}})
    with pytest.raises(NotFound):
        client.sweep("nobody")


def test_sweep_when_awaited_is_the_same(url: str) -> None:
    async def search() -> SweepStatus:
        async with AsyncClient(url) as client:
            sweep = await client.start_sweep(SPACE, training={**QUICK}, n_trials=1, seed=3)  # type: ignore[typeddict-item]
            assert isinstance(sweep, AsyncSweep)
            assert next(each.sweep_id for each in await client.sweeps()) == sweep.id
            return await (await client.sweep(sweep.id)).wait(timeout=60)

    assert asyncio.run(search()).status == "completed"


def status(state: str, message: str | None = None) -> SweepStatus:
    trial = Trial(number=0, status="completed", parameters={}, model_name="m_0")
    return SweepStatus(
        sweep_id="s",
        status=state,
        env_name="e",
        n_trials=5,
        max_parallel=2,
        seed=0,
        created_at=STATUS.created_at,
        trials=[trial],
        message=message,
    )


def test_waiting_when_it_is_over_or_the_sweep_has_failed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def answering(found: SweepStatus) -> None:
        def exchange(*_: object) -> Generator[None, None, SweepStatus]:
            return found
            yield

        monkeypatch.setattr("grpo_client.plans.exchange", exchange)

    answering(status("failed", "None of its trials was completed."))
    with pytest.raises(SweepFailed, match="Sweep s failed: None of its trials was completed"):
        next(waiting_for_sweep("s", None))
    answering(status("running"))
    with pytest.raises(TimeoutError, match=r"Sweep s is running \(1 of 5 trials\) and goes on"):
        next(waiting_for_sweep("s", 0.0))
