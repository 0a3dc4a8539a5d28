"""A server, from a program with an event loop: the names of `client`, `job` and `model`, to be awaited."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, Unpack
from uuid import uuid4

import httpx

from grpo_client import calls, connection
from grpo_client.async_session import AsyncSession
from grpo_client.fields import TrainingFields
from grpo_client.observations import playable, written
from grpo_client.plans import Feed, Retries, waiting
from grpo_client.progress import ProgressLine
from grpo_client.results import (
    Environment,
    EvaluationReport,
    Event,
    Health,
    ImportedModel,
    JobStatus,
    Metrics,
    ModelFile,
    ModelInfo,
    ModelVersions,
    Prediction,
    Readiness,
    Replay,
    RewardFunction,
    Svg,
)
from grpo_client.sweep import AsyncSweep
from grpo_client.sweep_results import SweepSummary


class AsyncModel:
    """As `Model`, awaited."""

    def __init__(self, session: AsyncSession, name: str, version: int | None = None) -> None:
        self._session = session
        self.name, self.version = name, version

    def __repr__(self) -> str:
        return f"AsyncModel({self.name!r}, version={self.version})"

    async def info(self) -> ModelVersions:
        """As `Model.info`."""
        return await self._session.send(calls.model(self.name))

    async def predict(self, observation: Any, deterministic: bool = True) -> Prediction:
        """As `Model.predict`."""
        return await self._session.send(calls.predict(self.name, self.version, written(observation), deterministic))

    def policy(self, deterministic: bool = True) -> Callable[[Any], Awaitable[Any]]:
        """As `Model.policy`; what the function gives is to be awaited."""

        async def act(observation: Any) -> Any:
            return playable((await self.predict(observation, deterministic)).action)

        return act

    async def evaluate(self, episodes: int = 100, seed: int = 0, deterministic: bool = True) -> EvaluationReport:
        """As `Model.evaluate`."""
        return await self._session.send(calls.evaluate(self.name, self.version, episodes, seed, deterministic))

    async def replay(self, seed: int = 0, deterministic: bool = True, max_steps: int | None = None) -> Replay:
        """As `Model.replay`."""
        return await self._session.send(calls.replay(self.name, self.version, seed, deterministic, max_steps))

    def play(self, seed: int | None = None, deterministic: bool = True, speed: float = 1.0) -> AsyncGenerator[Event, None]:
        """As `Model.play`. Leave it within `contextlib.aclosing`, which closes the connection at once."""
        params = calls.play_params(seed, deterministic, self.version, speed)
        return self._session.follow(Feed(calls.play_path(self.name), "end", params=params, reconnects=False))

    async def export(self, path: str | Path | None = None, format: Literal["safetensors", "onnx"] = "safetensors") -> ModelFile:
        """As `Model.export`."""
        file = await self._session.send(calls.export(self.name, self.version, format))
        if path is not None:
            await asyncio.to_thread(Path(path).write_bytes, file)
        return file

    async def delete(self) -> str:
        """As `Model.delete`."""
        return await self._session.send(calls.delete_model(self.name, self.version))


class AsyncJob:
    """As `Job`, awaited."""

    def __init__(self, session: AsyncSession, job_id: str, config: dict[str, Any]) -> None:
        self._session = session
        self.id, self.config = job_id, config

    def __repr__(self) -> str:
        return f"AsyncJob({self.id!r}, model_name={self.config['model_name']!r}, env_name={self.config['env_name']!r})"

    @property
    def model(self) -> AsyncModel:
        """As `Job.model`."""
        return AsyncModel(self._session, self.config["model_name"])

    async def status(self) -> JobStatus:
        """As `Job.status`."""
        return await self._session.send(calls.status(self.id))

    async def wait(self, progress: bool = True, timeout: float | None = None) -> JobStatus:
        """As `Job.wait`. The job goes on even if the waiting task is cancelled."""
        line = ProgressLine() if progress else None
        try:
            return await self._session.run(waiting(self.id, timeout, line.show if line else None))
        except asyncio.CancelledError:
            if line:
                line.leave(self.id)
            raise

    def events(self, after: str | None = None) -> AsyncGenerator[Event, None]:
        """As `Job.events`. Leave it early within `contextlib.aclosing`, which closes the connection at once."""
        return self._session.follow(Feed(calls.events_path(self.id), "done", after=after))

    async def metrics(self, max_points: int | None = None) -> Metrics:
        """As `Job.metrics`."""
        return await self._session.send(calls.metrics(self.id, max_points))

    async def plot(self) -> Svg:
        """As `Job.plot`."""
        return await self._session.send(calls.plot(self.id))

    async def stop(self) -> str:
        """As `Job.stop`."""
        return await self._session.send(calls.stop(self.id))

    async def resume(self, total_timesteps: int | None = None) -> "AsyncJob":
        """As `Job.resume`."""
        started = await self._session.send(calls.resume(self.id, total_timesteps))
        return AsyncJob(self._session, started.job_id, started.config)


class AsyncClient:
    """As `Client`, awaited: `async with AsyncClient() as client: job = await client.train(...)`. For one event loop."""

    def __init__(
        self,
        base_url: str = connection.DEFAULT_URL,
        api_key: str | None = None,
        timeout: float | None = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
        retries: int = 3,
    ) -> None:
        self.base_url = base_url
        self._session = AsyncSession(base_url, api_key, timeout, transport, Retries(retries))

    def __repr__(self) -> str:
        return f"AsyncClient({self.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Jobs go on."""
        await self._session.http.aclose()

    async def train(
        self, /, env_name: str = "CartPole-v1", *, idempotency_key: str | None = None, **fields: Unpack[TrainingFields]
    ) -> AsyncJob:
        """As `Client.train`."""
        key = uuid4().hex if idempotency_key is None else idempotency_key
        started = await self._session.send(calls.train({"env_name": env_name, **fields}, key))
        return AsyncJob(self._session, started.job_id, started.config)

    async def start_sweep(
        self,
        search_space: Mapping[str, Mapping[str, Any]],
        training: TrainingFields | None = None,
        n_trials: int = 20,
        max_parallel: int = 2,
        seed: int | None = None,
        pruner: Literal["median", "none"] = "median",
    ) -> AsyncSweep:
        """As `Client.start_sweep`."""
        body = {
            "search_space": search_space,
            "training": training or {},
            "n_trials": n_trials,
            "max_parallel": max_parallel,
            "seed": seed,
            "pruner": pruner,
        }
        return AsyncSweep(self._session, (await self._session.send(calls.start_sweep(body))).sweep_id)

    async def sweep(self, sweep_id: str) -> AsyncSweep:
        """As `Client.sweep`."""
        return AsyncSweep(self._session, (await self._session.send(calls.sweep(sweep_id))).sweep_id)

    async def sweeps(self) -> list[SweepSummary]:
        """As `Client.sweeps`."""
        return await self._session.send(calls.sweeps())

    async def job(self, job_id: str) -> AsyncJob:
        """As `Client.job`."""
        status = await self._session.send(calls.status(job_id))
        return AsyncJob(self._session, status.job_id, status.config)

    async def jobs(
        self, limit: int | None = None, after: str | None = None, status: str | Sequence[str] = ()
    ) -> list[JobStatus]:
        """As `Client.jobs`."""
        return await self._session.send(calls.jobs(limit, after, status))

    def model(self, name: str, version: int | None = None) -> AsyncModel:
        """As `Client.model`; nothing is asked, so there is nothing to await."""
        return AsyncModel(self._session, name, version)

    async def models(self) -> list[ModelInfo]:
        """As `Client.models`."""
        return await self._session.send(calls.models())

    async def import_model(self, source: str | Path | bytes, name: str | None = None) -> ImportedModel:
        """As `Client.import_model`."""
        content = source if isinstance(source, bytes) else await asyncio.to_thread(Path(source).read_bytes)
        return await self._session.send(calls.import_model(content, name))

    async def push(self, play_id: str, force: float) -> str:
        """As `Client.push`."""
        return await self._session.send(calls.push(play_id, force))

    async def environments(self) -> list[Environment]:
        """As `Client.environments`."""
        return await self._session.send(calls.environments())

    async def reward_functions(self) -> list[RewardFunction]:
        """As `Client.reward_functions`."""
        return await self._session.send(calls.reward_functions())

    async def health(self) -> Health:
        """As `Client.health`."""
        return await self._session.send(calls.health())

    async def ready(self) -> Readiness:
        """As `Client.ready`."""
        return await self._session.send(calls.ready())
