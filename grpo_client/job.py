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

        `progress` shows a line on standard error. The job goes on whatever becomes of the waiting, also after Ctrl-C.
        """
        line = ProgressLine() if progress else None
        try:
            return self._session.run(waiting(self.id, timeout, line.show if line else None))
        except KeyboardInterrupt:
            if line:
                line.leave(self.id)
            raise

    def events(self, after: str | None = None) -> Iterator[Event]:
        """What happens, as it happens, from the beginning or behind the event of that id; it ends after `done`.

        A connection that breaks is made anew, and nothing is missed or told twice. Only `progress`, the newest state, has no
        place of its own. Raises ConnectionFailed when no connection can be made for a minute and a half.
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
        """Go on after it was stopped or has failed, with a larger budget where one is given."""
        started = self._session.send(calls.resume(self.id, total_timesteps))
        return Job(self._session, started.job_id, started.config)
