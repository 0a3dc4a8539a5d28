"""A sweep of a server: a search for the training fields with the best policy."""

from grpo_client import calls
from grpo_client.async_session import AsyncSession
from grpo_client.plans import waiting_for_sweep
from grpo_client.session import Session
from grpo_client.sweep_results import SweepStatus


class Sweep:
    """A handle: it holds the sweep's id, and asks the server for everything else."""

    def __init__(self, session: Session, sweep_id: str) -> None:
        self._session, self.id = session, sweep_id

    def __repr__(self) -> str:
        return f"Sweep({self.id!r})"

    def status(self) -> SweepStatus:
        """Its trials and the best of them."""
        return self._session.send(calls.sweep(self.id))

    def wait(self, timeout: float | None = None) -> SweepStatus:
        """The status with which it ends: completed or stopped. Raises SweepFailed; TimeoutError after `timeout` seconds."""
        return self._session.run(waiting_for_sweep(self.id, timeout))

    def stop(self) -> SweepStatus:
        """Begin no further trial, and stop those that run. Raises Conflict when it has ended already."""
        return self._session.send(calls.stop_sweep(self.id))

    def resume(self, n_trials: int | None = None) -> SweepStatus:
        """Go on where it was stopped, with more trials if a number is given. Raises Conflict when nothing is left to do."""
        return self._session.send(calls.resume_sweep(self.id, n_trials))


class AsyncSweep:
    """As `Sweep`, awaited."""

    def __init__(self, session: AsyncSession, sweep_id: str) -> None:
        self._session, self.id = session, sweep_id

    def __repr__(self) -> str:
        return f"AsyncSweep({self.id!r})"

    async def status(self) -> SweepStatus:
        """As `Sweep.status`."""
        return await self._session.send(calls.sweep(self.id))

    async def wait(self, timeout: float | None = None) -> SweepStatus:  # noqa: ASYNC109 - the word of the blocking form
        """As `Sweep.wait`."""
        return await self._session.run(waiting_for_sweep(self.id, timeout))

    async def stop(self) -> SweepStatus:
        """As `Sweep.stop`."""
        return await self._session.send(calls.stop_sweep(self.id))

    async def resume(self, n_trials: int | None = None) -> SweepStatus:
        """As `Sweep.resume`."""
        return await self._session.send(calls.resume_sweep(self.id, n_trials))
