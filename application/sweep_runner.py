"""Advances sweeps: proposes trials, submits their jobs, prunes, and ends what is done."""

import logging
import threading
from contextlib import suppress
from dataclasses import replace

from application.access import Client, Limits
from application.training import ResumeTraining, StartTraining, StopTraining
from domain.errors import (
    CapacityExceeded,
    GrpoError,
    JobAlreadyEnded,
    JobNotFound,
    JobNotResumable,
    ShuttingDown,
    StorageFailure,
)
from domain.job import Job, JobStatus
from domain.ports import Clock, JobRepository
from domain.sweep import MOST_FAILURES, Sweep, SweepStatus, Trial, TrialStatus
from domain.sweep_ports import History, SweepRepository, Tuner

logger = logging.getLogger("grpo.sweeps")


class SweepRunner:
    """Call `tend` every second. Thread-safe.

    All that it knows is in the storage, so that it goes on after any death, and several servers may advance the same sweep: a
    trial's number is taken by one of them, its job is named by an idempotency key, and what is concluded from a job is the same
    whoever concludes it.
    """

    def __init__(
        self,
        sweeps: SweepRepository,
        jobs: JobRepository,
        tuner: Tuner,
        start: StartTraining,
        stop: StopTraining,
        resume: ResumeTraining,
        clock: Clock,
    ) -> None:
        self._sweeps, self._jobs, self._tuner, self._clock = sweeps, jobs, tuner, clock
        self._start, self._stop, self._resume = start, stop, resume
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}
        """The steps of the newest evaluation of each job that was looked at for pruning."""

    def tend(self) -> None:
        """All sweeps that have not ended."""
        try:
            sweeps = self._sweeps.list([SweepStatus.RUNNING, SweepStatus.STOPPING])
        except StorageFailure as error:
            logger.warning("sweeps are advanced later: %s", error)
            return
        for sweep in sweeps:
            try:
                self.advance(sweep.id)
            except GrpoError as error:
                logger.warning("the sweep %s is advanced later: %s", sweep.id, error)

    def advance(self, sweep_id: str) -> None:
        """Do what can be done now. Raises StorageFailure, SweepNotFound, ExtraNotInstalled."""
        with self._lock:
            sweep = self._sweeps.get(sweep_id)
            if sweep.status.ended:
                return
            trials = [self._looked_at(trial) for trial in self._sweeps.trials(sweep_id)]
            if sweep.status is SweepStatus.STOPPING:
                self._stop_trials(sweep, trials)
            elif reason := _failed_in_a_row(trials):
                self._sweeps.replace(sweep.to(SweepStatus.STOPPING, self._clock.now(), reason), SweepStatus.RUNNING)
            else:
                self._prune(sweep, trials)
                self._go_on(sweep, trials)

    def _go_on(self, sweep: Sweep, trials: list[Trial]) -> None:
        under_way = sum(not trial.status.ended for trial in trials)
        while len(trials) < sweep.n_trials and under_way < sweep.max_parallel:
            parameters = self._tuner.propose(sweep, trials)
            trial = Trial(sweep_id=sweep.id, number=len(trials), parameters=parameters)
            if not self._sweeps.add_trial(trial):  # another server was faster, and knows what is to be known
                return
            trials.append(trial)
            under_way += 1
        for trial in trials:
            if trial.status is TrialStatus.WAITING:
                self._submit(sweep, trial)
        if len(trials) >= sweep.n_trials and all(trial.status.ended for trial in trials):
            self._end(sweep, trials)

    def _submit(self, sweep: Sweep, trial: Trial) -> None:
        """Take the trial's job in, once; a full queue only makes it wait."""
        client = Client(sweep.owner, limits=Limits(**sweep.limits))
        try:
            if trial.job_id is None:
                job = self._start(sweep.fields_of(trial), client, f"sweep:{sweep.id}:{trial.number}")
            else:
                job = self._resume(trial.job_id, client=client)
        except (CapacityExceeded, ShuttingDown, StorageFailure):
            return
        except (JobNotResumable, JobNotFound) as error:
            logger.info("trial %d of sweep %s: %s", trial.number, sweep.id, error)
            job = None
        except GrpoError as error:
            self._sweeps.save_trial(replace(trial, status=TrialStatus.FAILED, message=str(error)))
            return
        job_id = trial.job_id if job is None else job.id
        self._sweeps.save_trial(replace(trial, status=TrialStatus.RUNNING, job_id=job_id))

    def _looked_at(self, trial: Trial) -> Trial:
        """The trial with what became of its job."""
        if trial.status not in {TrialStatus.RUNNING, TrialStatus.PRUNING} or trial.job_id is None:
            return trial
        try:
            job = self._jobs.get(trial.job_id)
        except JobNotFound:
            job = None
        if job is not None and not job.status.ended:
            return trial
        found = self._concluded(trial, job)
        self._sweeps.save_trial(found)
        self._seen.pop(trial.job_id, None)
        return found

    def _concluded(self, trial: Trial, job: Job | None) -> Trial:
        if job is None:
            return replace(trial, status=TrialStatus.FAILED, message="Its job is gone.")
        value = max((mean for _, mean in self._history(job.id)), default=None)
        if job.status is JobStatus.FAILED:
            return replace(trial, status=TrialStatus.FAILED, message=job.error_message)
        if job.status is JobStatus.STOPPED:
            status = TrialStatus.PRUNED if trial.status is TrialStatus.PRUNING else TrialStatus.STOPPED
            return replace(trial, status=status, value=value)
        if value is None:
            return replace(trial, status=TrialStatus.FAILED, message="It was not evaluated.")
        return replace(trial, status=TrialStatus.COMPLETED, value=value)

    def _prune(self, sweep: Sweep, trials: list[Trial]) -> None:
        """Stop the trials that are far behind the others at an evaluation of theirs."""
        if sweep.pruner == "none":
            return
        histories: dict[int, History] | None = None
        for index, trial in enumerate(trials):
            if trial.status is not TrialStatus.RUNNING or trial.job_id is None:
                continue
            newest = self._jobs.last_event(trial.job_id, "eval")
            if newest is None or self._seen.get(trial.job_id) == newest.id:
                continue
            self._seen[trial.job_id] = newest.id
            histories = histories or {one.number: self._history(one.job_id) for one in trials if one.job_id is not None}
            if self._tuner.should_prune(sweep, histories, trial.number):
                trials[index] = replace(trial, status=TrialStatus.PRUNING)
                self._sweeps.save_trial(trials[index])
                self._stop_job(trial.job_id)

    def _stop_trials(self, sweep: Sweep, trials: list[Trial]) -> None:
        for trial in trials:
            if trial.status is TrialStatus.WAITING:
                self._sweeps.save_trial(replace(trial, status=TrialStatus.STOPPED))
            elif not trial.status.ended and trial.job_id is not None:
                self._stop_job(trial.job_id)
        trials = [*self._sweeps.trials(sweep.id)]
        if not all(trial.status.ended for trial in trials):
            return
        if sweep.message is not None:
            self._sweeps.replace(sweep.to(SweepStatus.FAILED, self._clock.now(), sweep.message), sweep.status)
        elif len(trials) < sweep.n_trials or any(trial.status is TrialStatus.STOPPED for trial in trials):
            self._sweeps.replace(sweep.to(SweepStatus.STOPPED, self._clock.now()), sweep.status)
        else:  # the last ones were faster
            self._end(sweep, trials)

    def _end(self, sweep: Sweep, trials: list[Trial]) -> None:
        """Nothing is left to do."""
        done = any(trial.status is TrialStatus.COMPLETED for trial in trials)
        status = SweepStatus.COMPLETED if done else SweepStatus.FAILED
        message = None if done else "None of its trials was completed."
        self._sweeps.replace(sweep.to(status, self._clock.now(), message), sweep.status)

    def _stop_job(self, job_id: str) -> None:
        with suppress(JobAlreadyEnded, JobNotFound):
            self._stop.ask(job_id)

    def _history(self, job_id: str) -> History:
        events = self._jobs.events(job_id, kinds=["eval"])
        return [(int(event.data["timesteps"]), float(event.data["mean_reward"])) for event in events]


def _failed_in_a_row(trials: list[Trial]) -> str | None:
    """Why it makes no sense to go on, if so."""
    ended = [trial for trial in trials if trial.status.ended][-MOST_FAILURES:]
    if len(ended) == MOST_FAILURES and all(trial.status is TrialStatus.FAILED for trial in ended):
        return f"{MOST_FAILURES} trials in a row have failed, the last one with: {ended[-1].message}"
    return None
