"""A training job of a server."""

from collections.abc import Iterator
from typing import Any

from grpo_client import calls
from grpo_client.model import Model
from grpo_client.plans import Feed, waiting
from grpo_client.progress import ProgressLine
from grpo_client.results import Event, JobStatus, Metrics, Svg
from grpo_client.session import Session


class Job:
    """A handle: it holds the job's id, and asks the server for everything else."""

    def __init__(self, session: Session, job_id: str, config: dict[str, Any]) -> None:
        """`config`: every field as resolved; of a job that was taken up by its id, what its status tells of it."""
        self._session = session
        self.id, self.config = job_id, config

    def __repr__(self) -> str:
        return f"Job({self.id!r}, model_name={self.config['model_name']!r}, env_name={self.config['env_name']!r})"

    @property
    def model(self) -> Model:
        """The newest version of the model that the job makes, which is there when the job has ended."""
        return Model(self._session, self.config["model_name"])

    def status(self) -> JobStatus:
        """How far it is."""
        return self._session.send(calls.status(self.id))

    def wait(self, progress: bool = True, timeout: float | None = None) -> JobStatus:
        """The status with which it ends: completed or stopped. Raises JobFailed; StillRunning after `timeout` seconds.

        `progress` shows a line on standard error. The job goes on even if the waiting ends, also after Ctrl-C.
        """
        line = ProgressLine() if progress else None
        try:
            return self._session.run(waiting(self.id, timeout, line.show if line else None))
        except KeyboardInterrupt:
            if line:
                line.leave(self.id)
            raise

    def events(self, after: str | None = None) -> Iterator[Event]:
        """Events as they happen, from the beginning or after the event with that id; the last one is `done`.

        A broken connection is opened again; no event is missed or comes twice. `progress` is only ever the newest state.
        Raises ConnectionFailed when no connection can be made for a minute and a half.
        """
        return self._session.follow(Feed(calls.events_path(self.id), "done", after=after))

    def metrics(self, max_points: int | None = None) -> Metrics:
        """The history, thinned to `max_points`."""
        return self._session.send(calls.metrics(self.id, max_points))

    def plot(self) -> Svg:
        """The learning curve, an SVG as bytes; a notebook shows it."""
        return self._session.send(calls.plot(self.id))

    def stop(self) -> str:
        """End it and keep what it has learned; the server's sentence. Raises Conflict when it has ended already."""
        return self._session.send(calls.stop(self.id))

    def resume(self, total_timesteps: int | None = None) -> "Job":
        """Continue a stopped or failed job, with a larger budget if one is given."""
        started = self._session.send(calls.resume(self.id, total_timesteps))
        return Job(self._session, started.job_id, started.config)
