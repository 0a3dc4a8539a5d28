"""Joins the adapters to the ports."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.environments.factory import GymnasiumEnvironments
from adapters.execution.inline import InlineExecutor
from adapters.execution.process import ProcessExecutor, default_capacity
from adapters.storage.folder_lock import FolderLock
from adapters.storage.sqlite import SqliteJobRepository, SqliteModelRepository, open_database
from application.inference import ModelCache, Predict
from application.job_queue import JobQueue
from application.models import DeleteModel, ListModels
from application.statistics import GetStatistics
from application.system import GetHealth, GetReadiness
from application.training import GetStatus, ListJobs, StartTraining, StopTraining
from application.use_cases import UseCases
from bootstrap.logs import configure
from bootstrap.settings import Settings
from domain.ports import Clock, EnvironmentFactory, JobExecutor, JobRepository, ModelRepository

if TYPE_CHECKING:  # an optional extra
    from adapters.tracing.tracing import Tracing

VERSION = "0.1.0"


class SystemClock:
    """The computer's time."""

    def now(self) -> datetime:
        """In UTC."""
        return datetime.now(UTC)


class Container:
    """A running service without its HTTP side. `recover` once, then use `use_cases`, then `close`."""

    def __init__(
        self,
        *,
        jobs: JobRepository,
        models: ModelRepository,
        executor: JobExecutor,
        environments: EnvironmentFactory,
        clock: Clock,
        max_queued_jobs: int,
        max_loaded_models: int,
        new_id: Callable[[], str],
        close_storage: Callable[[], None] = lambda: None,
    ) -> None:
        self._close_storage = close_storage
        cache = ModelCache(models, max_loaded_models)
        self._executor = executor
        self._queue = JobQueue(
            jobs=jobs,
            models=models,
            executor=executor,
            environments=environments,
            clock=clock,
            max_queued_jobs=max_queued_jobs,
            on_model_saved=cache.forget,
        )
        predict = Predict(cache)
        self.use_cases = UseCases(
            start_training=StartTraining(environments, self._queue, clock, new_id, _new_seed),
            stop_training=StopTraining(self._queue),
            get_status=GetStatus(jobs),
            list_jobs=ListJobs(jobs),
            predict=predict,
            list_models=ListModels(models, cache),
            delete_model=DeleteModel(models, cache),
            get_health=GetHealth(jobs, cache, clock),
            get_readiness=GetReadiness(jobs, executor),
            get_statistics=GetStatistics(jobs, self._queue.counters, cache, predict),
        )

    def recover(self) -> None:
        """Take up the jobs that an earlier process left."""
        self._queue.recover()

    def close(self) -> None:
        """End the workers, whose jobs go on at the next start, and close the storage. Idempotent."""
        self._executor.close()
        self._close_storage()


def build(settings: Settings, tracing: "Tracing | None" = None) -> Container:
    """The service over SQLite and worker processes, alone in its data folder. Raises StorageFailure."""
    folder = Path(settings.data_dir)
    lock = FolderLock(folder)
    database = open_database(folder / "grpo.db")

    def close_storage() -> None:
        database.close()
        lock.close()

    executor: JobExecutor = InlineExecutor()
    if settings.executor == "process":
        workers = settings.max_concurrent_jobs or default_capacity()
        executor = ProcessExecutor(workers, partial(configure, settings.log_level, settings.log_format))
    return Container(
        jobs=SqliteJobRepository(database),
        models=SqliteModelRepository(database),
        executor=tracing.executor(executor) if tracing else executor,
        environments=GymnasiumEnvironments(),
        clock=SystemClock(),
        max_queued_jobs=settings.max_queued_jobs,
        max_loaded_models=settings.max_loaded_models,
        new_id=tracing.ids(_new_id) if tracing else _new_id,
        close_storage=close_storage,
    )


def _new_id() -> str:
    return str(uuid.uuid4())


def _new_seed() -> int:
    """A seed short enough to be typed again."""
    return random.SystemRandom().randrange(2**32)
