"""Which job is meant: people write the beginning of an id, or nothing for the newest."""

from adapters.cli.failures import CommandFailed, ExitCode
from grpo_client import Client, Job

ID_LENGTH = 36
SHOWN = 8
MOST_JOBS = 1_000  # in which the beginning of an id is looked for


def find_job(client: Client, given: str | None) -> Job:
    """The job with this id, or with the only id that begins so, or the newest."""
    if given is not None and len(given) >= ID_LENGTH:
        return client.job(given)
    jobs = client.jobs(limit=1 if given is None else MOST_JOBS)
    found = [job.job_id for job in jobs if job.job_id.startswith(given or "")]
    if not found:
        what = (
            "There is no job yet; `grpo train` makes one."
            if given is None
            else f"There is no job whose id begins with {given!r}."
        )
        raise CommandFailed(ExitCode.NOT_FOUND, what)
    if len(found) > 1:
        raise CommandFailed(ExitCode.USAGE, f"JOB: the ids of {len(found)} jobs begin with {given!r}: write more of it.")
    return client.job(found[0])
