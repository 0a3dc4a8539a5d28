"""A random client, random workers and random crashes, against a model of what must hold."""

import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from litestar.testing import TestClient

from adapters.environments.factory import GymnasiumEnvironments
from adapters.http.app import create_app
from adapters.storage.database import SqliteDatabase, open_database
from adapters.storage.sqlite_jobs import SqliteJobRepository
from adapters.storage.sqlite_models import SqliteModelRepository
from adapters.storage.sqlite_sweeps import SqliteSweepRepository
from bootstrap.container import VERSION, Container
from bootstrap.settings import Settings
from tests.fake_executor import FakeExecutor
from tests.fakes import FakeClock
from tests.integration.api_model import CAPACITY, ENDED, INVALID, MAX_ATTEMPTS, MAX_QUEUED, JobModel, ServiceModel, Version

# An update takes 16 steps of a tiny network: one or two milliseconds.
TINY = {"env_name": "CartPole-v1", "n_envs": 2, "n_steps": 8, "hidden_sizes": [4], "n_epochs": 1, "batch_size": 16}
BUDGETS = (16, 48, 80)
LARGER_BUDGET = 112
FIRST_SEED, *SEEDS = 0, 1, 2
NAMES = ("ant", "bee")
OBSERVATION = [0.1, 0.0, 0.05, 0.0]
UNKNOWN = "00000000-0000-0000-0000-000000000000"
bodies = st.builds(
    lambda budget, name, seed: TINY | {"total_timesteps": budget, "model_name": name, "seed": seed},
    st.sampled_from(BUDGETS),
    st.sampled_from(NAMES),
    st.sampled_from(SEEDS),
)
MOST_STARTS = 4  # each costs as much as a hundred requests
positions = st.integers(0, 7)


class ApiMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.abandoned: list[SqliteDatabase] = []
        self.model = ServiceModel()
        self.mistaken, self.starts = False, 0
        self.digests: dict[tuple[Any, ...], str] = {}
        self._start()
        for name in NAMES:
            self.train(TINY | {"total_timesteps": BUDGETS[1], "model_name": name, "seed": FIRST_SEED}, None)
        self.work(0, BUDGETS[1])

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self._stop()
            for database in self.abandoned:
                database.close()
            self.folder.cleanup()

    # What clients do.

    @rule(body=bodies, key=st.sampled_from([None, None, "a", "b"]))
    def train(self, body: dict[str, object], key: str | None) -> None:
        answer = self.client.post("/train", json=body, headers={"Idempotency-Key": key} if key else {})
        if key in self.model.keys:
            earlier, job_id = self.model.keys[key]
            assert answer.status_code == (200 if body == earlier else 422), answer.text
            if body == earlier:
                assert answer.json()["job_id"] == job_id
            return
        if self.model.full:
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) >= 1
            return
        assert answer.status_code == 200, answer.text
        job = JobModel(answer.json()["job_id"], body)
        self.model.jobs[job.id] = job
        if key:
            self.model.keys[key] = (body, job.id)
        self._dispatched()

    @rule(position=positions)
    def stop(self, position: int) -> None:
        job = self._any(self.model.of("queued", "running") or self.model.jobs.values(), position)
        before = self.executor.timesteps(job.id) if job.status == "running" else job.checkpoint
        answer = self.client.post(f"/training/{job.id}/stop")
        if job.status in ENDED:
            assert (answer.status_code, answer.json()["code"]) == (409, "job-already-ended")
            return
        assert answer.status_code == 200, answer.text
        if job.status == "running":
            job.timesteps = before or 0
            self.model.checkpointed(job)
        self.model.end(job, "stopped", before)
        self._dispatched()

    @rule(position=positions, budget=st.sampled_from([None, None, *BUDGETS, LARGER_BUDGET]))
    def resume(self, position: int, budget: int | None) -> None:
        job = self._any(self.model.of("stopped", "failed") or self.model.jobs.values(), position)
        answer = self.client.post(f"/training/{job.id}/resume", **({"json": {"total_timesteps": budget}} if budget else {}))
        if job.status not in {"stopped", "failed"}:
            assert (answer.status_code, answer.json()["code"]) == (409, "job-not-resumable")
        elif budget is not None and budget < job.budget:
            assert answer.status_code == 422
        elif self.model.full:
            assert answer.status_code == 429
        else:
            assert answer.status_code == 200, answer.text
            job.body = job.body | {"total_timesteps": budget or job.budget}
            job.status, job.attempts = "queued", 0
            self._dispatched()

    @precondition(lambda self: self.model.models)
    @rule(name=st.sampled_from(NAMES), version=st.sampled_from([None, 1, 2, 3]))
    def delete(self, name: str, version: int | None) -> None:
        answer = self.client.delete(f"/models/{name}", params={"model_version": version} if version else {})
        assert answer.status_code == (200 if self.model.delete(name, version) else 404), answer.text

    @precondition(lambda self: self.model.models)
    @rule(name=st.sampled_from(NAMES), version=st.sampled_from([None, None, 1, 2, 3]))
    def infer(self, name: str, version: int | None) -> None:
        body = {"model_name": name, "observation": OBSERVATION} | ({"model_version": version} if version else {})
        answer = self.client.post("/inference", json=body)
        versions = self.model.models.get(name, {})
        number = version or max(versions, default=0)
        if number not in versions:
            assert (answer.status_code, answer.json()["code"]) == (404, "model-not-found")
            return
        assert answer.status_code == 200, answer.text
        # Equal runs give equal models: whichever version answers, it is the policy of just that run.
        assert self.digests.setdefault(("answer", *self._run(versions[number])), answer.text) == answer.text

    @rule(limit=st.integers(1, 3), status=st.sampled_from([None, "queued", "completed", "stopped"]))
    def list_pages(self, limit: int, status: str | None) -> None:
        expected = [job.id for job in reversed(self.model.jobs.values()) if status in {None, job.status}]
        found: list[str] = []
        has_more = True
        while has_more:
            asked = {"limit": str(limit)} | ({"status": status} if status else {}) | ({"after": found[-1]} if found else {})
            page = self.client.get("/training/jobs", params=asked).json()
            found += [job["job_id"] for job in page["jobs"]]
            has_more = page["has_more"]
            assert len(page["jobs"]) == limit or not has_more
        assert found == expected

    @precondition(lambda self: not self.mistaken)
    @rule(wrong=st.sampled_from(INVALID))
    def make_mistakes(self, wrong: dict[str, object]) -> None:
        self.mistaken = True
        answer = self.client.post("/train", json=TINY | wrong)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == next(iter(wrong))
        for method, path in (("GET", "status"), ("POST", "stop"), ("POST", "resume")):
            assert self.client.request(method, f"/training/{UNKNOWN}/{path}").json()["code"] == "job-not-found"
        assert self.client.get("/training/jobs", params={"after": UNKNOWN}).status_code == 422
        for name, code in (("-", "invalid-model-name"), ("cat", "model-not-found")):
            inference = self.client.post("/inference", json={"model_name": name, "observation": OBSERVATION})
            assert [inference.json()["code"], self.client.delete(f"/models/{name}").json()["code"]] == [code, code]

    # What workers do.

    @precondition(lambda self: self.model.of("running"))
    @rule(position=positions, updates=st.sampled_from([10, 1, 2]))
    def work(self, position: int, updates: int) -> None:
        job = self._any(self.model.of("running"), position)
        for _ in range(updates):
            if self.executor.work(job.id):
                self.model.end(job, "completed", job.budget)
                self._dispatched()
                return
            job.timesteps = self.executor.timesteps(job.id)

    @precondition(lambda self: self.model.of("running"))
    @rule(position=positions)
    def checkpoint(self, position: int) -> None:
        job = self._any(self.model.of("running"), position)
        self.executor.checkpoint(job.id)
        job.timesteps = self.executor.timesteps(job.id)
        self.model.checkpointed(job)

    @precondition(lambda self: self.model.of("running"))
    @rule(position=positions)
    def lose(self, position: int) -> None:
        job = self._any(self.model.of("running"), position)
        self.executor.lose(job.id)
        self.model.lost(job)
        self._dispatched()

    @precondition(lambda self: self.model.of("running"))
    @rule(position=positions)
    def fail(self, position: int) -> None:
        job = self._any(self.model.of("running"), position)
        self.executor.fail(job.id)
        job.status = "failed"
        self._dispatched()

    # What becomes of the server.

    @precondition(lambda self: self.starts < MOST_STARTS)
    @rule()
    def crash(self) -> None:
        """Nothing is closed: what was written is all there is."""
        self.executor.tasks.clear()
        self.abandoned.append(self.database)
        self.client.__exit__()
        for work in self.container._housekeeping:
            work.close()
        for job in self.model.of("running"):
            job.status, job.attempts = "queued", max(0, job.attempts - 1)
        self._start()

    @precondition(lambda self: self.starts < MOST_STARTS)
    @rule(body=bodies)
    def restart(self, body: dict[str, object]) -> None:
        reached = {job.id: self.executor.timesteps(job.id) for job in self.model.of("running")}
        self.container.drain(timeout_seconds=2)
        refused = self.client.post("/train", json=body)
        assert (refused.status_code, refused.json()["code"]) == (503, "shutting-down")
        assert int(refused.headers["retry-after"]) >= 1
        for job in self.model.of("running"):
            job.status, job.timesteps = "queued", reached[job.id]
            self.model.checkpointed(job)
        self._agree()
        self._stop()
        self._start()

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "client"):
            self._agree()

    def _agree(self) -> None:
        jobs = self.client.get("/training/jobs").json()["jobs"]
        found = [(job["job_id"], job["status"], job["current_timesteps"], job["total_timesteps"]) for job in jobs]
        assert found == [(job.id, job.status, job.timesteps, job.budget) for job in reversed(self.model.jobs.values())]
        for job in jobs:
            assert (job["end_time"] is not None) == (job["status"] in ENDED)
            assert (job["error_code"] is not None) == (job["status"] == "failed")
        assert self.executor.tasks.keys() == {job.id for job in self.model.of("running")}
        models = self.client.get("/models").json()["models"]
        assert {model["name"]: model["version"] for model in models} == {
            name: max(versions) for name, versions in self.model.models.items()
        }
        for name, versions in self.model.models.items():
            kept = self.client.get(f"/models/{name}").json()["versions"]
            self.infer(name, None)
            found = {
                each["version"]: Version(each["job_id"], each["timesteps"], each["config"]["total_timesteps"]) for each in kept
            }
            assert found == versions
            for each in kept:
                run = self._run(versions[each["version"]])
                assert self.digests.setdefault(("sha256", *run), each["sha256"]) == each["sha256"]

    def _run(self, version: Version) -> tuple[object, ...]:
        """What decides the bits of a model, whichever job has kept it under whichever name."""
        return (self.model.jobs[version.job].body["seed"], version.timesteps, version.budget)

    def _dispatched(self) -> None:
        """The model begins the jobs that the service has begun, each at its last checkpoint."""
        for job in self.model.dispatch():
            assert self.executor.timesteps(job.id) == job.timesteps

    def _any(self, jobs: Any, position: int) -> JobModel:
        candidates = [*jobs]
        return candidates[position % len(candidates)]

    def _start(self) -> None:
        self.starts += 1
        self.database = open_database(Path(self.folder.name) / "grpo.db")
        self.executor = FakeExecutor(CAPACITY)
        self.container = Container(
            jobs=SqliteJobRepository(self.database),
            models=SqliteModelRepository(self.database),
            sweeps=SqliteSweepRepository(self.database),
            executor=self.executor,
            environments=GymnasiumEnvironments(),
            clock=FakeClock(),
            settings=Settings(max_queued_jobs=MAX_QUEUED, max_attempts=MAX_ATTEMPTS),
            close_storage=self.database.close,
        )
        self.container.start()
        self.client = TestClient(create_app(self.container.use_cases, VERSION), raise_server_exceptions=False)
        self.client.__enter__()
        self._dispatched()

    def _stop(self) -> None:
        self.client.__exit__()
        self.container.close()


ApiMachine.TestCase.settings = settings(
    max_examples=16, stateful_step_count=20, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck]
)
TestApi = ApiMachine.TestCase
