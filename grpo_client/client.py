"""A server, from a program that waits for each answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, Unpack
from uuid import uuid4

import httpx

from grpo_client import calls, connection
from grpo_client.fields import TrainingFields
from grpo_client.job import Job
from grpo_client.model import Model
from grpo_client.plans import Retries
from grpo_client.results import (
    Environment,
    Health,
    ImportedModel,
    JobStatus,
    ModelInfo,
    Readiness,
    RewardFunction,
)
from grpo_client.session import Session
from grpo_client.sweep import Sweep
from grpo_client.sweep_results import SweepSummary


class Client:
    """`with Client() as client: client.train(...)`. May be used from several threads.

    Requests that may be sent twice are sent again, three times at most, if the connection breaks or the server asks for
    a pause. Every method raises the errors of `grpo_client.errors`.
    """

    def __init__(
        self,
        base_url: str = connection.DEFAULT_URL,
        api_key: str | None = None,
        timeout: float | None = 30.0,
        transport: httpx.BaseTransport | None = None,
        retries: int = 3,
    ) -> None:
        """`timeout`: seconds until an answer must have come, None = for ever. `transport`: another one of httpx, for tests."""
        self.base_url = base_url
        self._session = Session(base_url, api_key, timeout, transport, Retries(retries))

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Jobs go on."""
        self._session.http.close()

    def train(
        self, /, env_name: str = "CartPole-v1", *, idempotency_key: str | None = None, **fields: Unpack[TrainingFields]
    ) -> Job:
        """Start a job. `job.config` shows every field as resolved; `client.train(**job.config)` repeats the run.

        The request carries an Idempotency-Key, so it starts one job even if it is sent several times. Give your own
        key to get the same job from another process, too.
        """
        key = uuid4().hex if idempotency_key is None else idempotency_key
        started = self._session.send(calls.train({"env_name": env_name, **fields}, key))
        return Job(self._session, started.job_id, started.config)

    def start_sweep(
        self,
        search_space: Mapping[str, Mapping[str, Any]],
        training: TrainingFields | None = None,
        n_trials: int = 20,
        max_parallel: int = 2,
        seed: int | None = None,
        pruner: Literal["median", "none"] = "median",
    ) -> Sweep:
        """Search the fields with the best policy. Trials are jobs like any others. The server needs the extra [tune].

        `search_space`: by name, as {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}}.
        `training`: what all trials share.
        """
        body = {
            "search_space": search_space,
            "training": training or {},
            "n_trials": n_trials,
            "max_parallel": max_parallel,
            "seed": seed,
            "pruner": pruner,
        }
        return Sweep(self._session, (self._session.send(calls.start_sweep(body))).sweep_id)

    def sweep(self, sweep_id: str) -> Sweep:
        """Take up a sweep by its id. Raises NotFound."""
        return Sweep(self._session, (self._session.send(calls.sweep(sweep_id))).sweep_id)

    def sweeps(self) -> list[SweepSummary]:
        """All sweeps, the newest first."""
        return self._session.send(calls.sweeps())

    def job(self, job_id: str) -> Job:
        """Take up a job by its id. Raises NotFound."""
        status = self._session.send(calls.status(job_id))
        return Job(self._session, status.job_id, status.config)

    def jobs(self, limit: int | None = None, after: str | None = None, status: str | Sequence[str] = ()) -> list[JobStatus]:
        """Jobs, the newest first: at most `limit` (1,000), older than the job `after`, in the state or states `status`."""
        return self._session.send(calls.jobs(limit, after, status))

    def model(self, name: str, version: int | None = None) -> Model:
        """A handle on a model; nothing is asked yet. Without `version` it is the newest whenever it is used."""
        return Model(self._session, name, version)

    def models(self) -> list[ModelInfo]:
        """The newest version of each model, by name."""
        return self._session.send(calls.models())

    def import_model(self, source: str | Path | bytes, name: str | None = None) -> ImportedModel:
        """Take in an exported file, a path or its bytes, as the next version of `name`, or of the name that it carries."""
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
        return self._session.send(calls.import_model(content, name))

    def push(self, play_id: str, force: float) -> str:
        """Give a shove, -1 to 1, to the system of a play that goes on; the server's sentence."""
        return self._session.send(calls.push(play_id, force))

    def environments(self) -> list[Environment]:
        """What can be trained, with spaces and defaults."""
        return self._session.send(calls.environments())

    def reward_functions(self) -> list[RewardFunction]:
        """What can be learned from."""
        return self._session.send(calls.reward_functions())

    def health(self) -> Health:
        """Whether the server is up, and how busy."""
        return self._session.send(calls.health())

    def ready(self) -> Readiness:
        """Whether it can do its work. Raises ServerError with the code "not-ready" and a sentence if it cannot."""
        return self._session.send(calls.ready())
