"""Joins the adapters to the ports."""

import random
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.environments.factory import GymnasiumEnvironments
from adapters.onnx_export.onnx_format import OnnxFormat
from adapters.storage.folder_lock import Holder
from adapters.storage.model_file import SafetensorsFormat
from adapters.tuning.optuna_tuner import OptunaTuner
from application.catalogue import ListEnvironments, ListRewardFunctions
from application.elsewhere import Elsewhere
from application.evaluation import EvaluateModel, EvaluationSlots, ReplayModel
from application.feed import JobFeed
from application.housekeeping import Housekeeping
from application.inference import ModelCache, Predict
from application.job_queue import JobQueue
from application.job_runner import JobRunner
from application.models import DeleteModel, GetModel, ListModels
from application.play import Plays
from application.portable import ExportModel, ImportModel
from application.statistics import GetStatistics
from application.sweep_runner import SweepRunner
from application.sweeps import GetSweep, ListSweeps, ResumeSweep, StartSweep, StopSweep
from application.system import GetHealth, GetReadiness
from application.training import GetStatus, ListJobs, ResumeTraining, StartTraining, StopTraining
from application.use_cases import UseCases
from application.watching import FollowJob, GetHistory
from bootstrap.execution import load_own_code, open_executor
from bootstrap.lists import patterns
from bootstrap.settings import Settings
from bootstrap.storage import open_storage
from bootstrap.version import VERSION as VERSION  # noqa: PLC0414 - the name by which it is known
from domain.ports import Clock, EnvironmentFactory, JobExecutor, JobRepository, ModelRepository, OtherServers
from domain.sweep_ports import SweepRepository

if TYPE_CHECKING:  # an optional extra
    from adapters.tracing.tracing import Tracing


LOOK_SECONDS = 0.2  # between two looks for what other servers' jobs have told


def _new_id() -> str:
    return str(uuid.uuid4())


class SystemClock:
    """The computer's time."""

    def now(self) -> datetime:
        """In UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Container:
    """A running service without its HTTP side. `start` once, use `use_cases`, `drain` if there is time, `close`."""

    def __init__(
        self,
        *,
        jobs: JobRepository,
        models: ModelRepository,
        sweeps: SweepRepository,
        executor: JobExecutor,
        environments: EnvironmentFactory,
        clock: Clock,
        settings: Settings,
        others: OtherServers | None = None,
        new_id: Callable[[], str] = _new_id,
        close_storage: Callable[[], None] = lambda: None,
    ) -> None:
        """`others`: where other servers share the storage."""
        self._close_storage = close_storage
        cache = ModelCache(models, settings.model_cache_bytes)
        self._executor, self._feed = executor, JobFeed()
        self._runner = JobRunner(
            jobs=jobs,
            models=models,
            executor=executor,
            environments=environments,
            clock=clock,
            server=_new_id(),
            max_attempts=settings.max_attempts,
            lease_seconds=settings.lease_seconds,
            checkpoint_seconds=settings.checkpoint_seconds,
            on_model_saved=cache.forget,
            on_news=self._feed.publish,
        )
        queue = JobQueue(jobs, self._runner, settings.max_queued_jobs)
        self._housekeeping = [Housekeeping(self._runner.tend)]
        self._others = others
        if others is not None:
            self._elsewhere = Elsewhere(others, jobs, self._runner, self._feed, cache)
            self._housekeeping.append(Housekeeping(self._elsewhere.look, LOOK_SECONDS))
        predict = Predict(cache)
        safetensors = SafetensorsFormat(VERSION)
        self._turns = EvaluationSlots()
        self._plays = Plays(models, environments, clock, new_id, _new_seed)
        start = StartTraining(environments, queue, clock, new_id, _new_seed)
        stop, resume = StopTraining(queue), ResumeTraining(environments, queue, jobs)
        tuner = OptunaTuner()
        runner = SweepRunner(sweeps, jobs, tuner, start, stop, resume, clock)
        self._housekeeping.append(Housekeeping(runner.tend))
        self.use_cases = UseCases(
            start_training=start,
            stop_training=stop,
            resume_training=resume,
            start_sweep=StartSweep(sweeps, environments, tuner, clock, new_id, _new_seed),
            get_sweep=GetSweep(sweeps, environments, tuner),
            list_sweeps=ListSweeps(sweeps),
            stop_sweep=StopSweep(sweeps, clock, runner.advance),
            resume_sweep=ResumeSweep(sweeps, clock, runner.advance),
            get_status=GetStatus(jobs, executor),
            list_jobs=ListJobs(jobs),
            get_history=GetHistory(jobs, environments),
            follow_job=FollowJob(jobs, self._feed),
            predict=predict,
            list_models=ListModels(models, cache),
            get_model=GetModel(models, cache),
            delete_model=DeleteModel(models, cache),
            export_model=ExportModel(models, (safetensors, OnnxFormat(VERSION))),
            import_model=ImportModel(models, safetensors, environments, cache, clock),
            evaluate_model=EvaluateModel(models, environments, self._turns),
            replay_model=ReplayModel(models, environments, self._turns),
            plays=self._plays,
            list_environments=ListEnvironments(environments),
            list_reward_functions=ListRewardFunctions(),
            get_health=GetHealth(jobs, cache, clock),
            get_readiness=GetReadiness(jobs, executor, lambda: queue.accepting),
            get_statistics=GetStatistics(jobs, self._runner.records.counters, cache, predict),
        )

    def start(self) -> None:
        """Take up the jobs that an earlier process left, and look after them from now on."""
        if self._others is not None:
            self._elsewhere.listen()
        self._runner.recover()
        for work in self._housekeeping:
            work.start()

    def drain(self, timeout_seconds: float) -> None:
        """Take no new work, end what plays, and bring running jobs to a checkpoint from which they go on at the next start."""
        self._end_play()
        self._runner.drain(timeout_seconds)
        self._feed.close()

    def close(self) -> None:
        """End the workers, whose jobs go on at the next start, and close the storage. Idempotent."""
        self._end_play()
        self._feed.close()
        if self._others is not None:
            self._others.close()
        for work in self._housekeeping:
            work.close()
        self._executor.close()
        self._close_storage()

    def _end_play(self) -> None:
        self._plays.close()
        self._turns.close()


def build(settings: Settings, tracing: "Tracing | None" = None, holder: Holder | None = None) -> Container:
    """The service as the settings have it. `holder`: what it says of itself where it is alone with its data folder.

    Raises StorageFailure, OSError, ImportError (env_modules), InvalidSettings (plugins, an extra that is missing).
    """
    load_own_code(settings)
    storage = open_storage(settings, holder)
    with ExitStack() as opened:
        opened.callback(storage.close)
        executor = open_executor(settings)
        return Container(
            jobs=storage.jobs,
            models=storage.models,
            sweeps=storage.sweeps,
            others=storage.others,
            executor=tracing.executor(executor) if tracing else executor,
            # Inline, this process trains with them, too.
            environments=GymnasiumEnvironments(patterns(settings.env_allow), foreign_apart=settings.executor != "inline"),
            clock=SystemClock(),
            settings=settings,
            new_id=tracing.ids(_new_id) if tracing else _new_id,
            close_storage=opened.pop_all().close,
        )


def _new_seed() -> int:
    """A seed short enough to be typed again."""
    return random.SystemRandom().randrange(2**32)
