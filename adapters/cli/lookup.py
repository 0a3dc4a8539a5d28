"""Which job or model is meant. Of a job people write the beginning of its id, or nothing for the newest."""

from collections.abc import Iterator
from itertools import islice

import rich_click as click

from adapters.cli.failures import CommandFailed, ExitCode
from grpo_client import Client, Job, Sweep

ID_LENGTH = 36
SHOWN = 8
PAGE = 1_000  # jobs in one answer, the most that the service gives


def _given(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty text, in a script a variable that was never set, and what would be another path of the API."""
    if value in {"", ".", ".."}:
        raise click.BadParameter(f"{value!r} names nothing.", context, parameter)
    return value


JOB = click.argument("job_id", metavar="JOB", required=False, callback=_given)
SWEEP = click.argument("sweep_id", metavar="SWEEP", required=False, callback=_given)
MODEL = click.argument("model_name", metavar="MODEL", callback=_given)


def find_job(client: Client, given: str | None) -> Job:
    """The job with this id, or with the only id that begins so, or the newest."""
    if given is not None and len(given) >= ID_LENGTH:
        return client.job(given)
    if given is None:
        newest = client.jobs(limit=1)
        if not newest:
            raise CommandFailed(ExitCode.NOT_FOUND, "There is no job yet; `grpo train` makes one.")
        return client.job(newest[0].job_id)
    found = [*islice((job_id for job_id in _ids(client) if job_id.startswith(given)), 2)]
    if not found:
        raise CommandFailed(ExitCode.NOT_FOUND, f"There is no job whose id begins with {given!r}.")
    if len(found) > 1:
        raise CommandFailed(ExitCode.USAGE, f"JOB: the ids of several jobs begin with {given!r}: write more of it.")
    return client.job(found[0])


def _ids(client: Client) -> Iterator[str]:
    """The ids of all jobs, the newest first, page by page."""
    page = client.jobs(limit=PAGE)
    while page:
        yield from (job.job_id for job in page)
        page = client.jobs(limit=PAGE, after=page[-1].job_id) if len(page) == PAGE else []


def find_sweep(client: Client, given: str | None) -> Sweep:
    """The sweep with this id, or with the only id that begins so, or the newest."""
    if given is not None and len(given) >= ID_LENGTH:
        return client.sweep(given)
    ids = (each.sweep_id for each in client.sweeps() if each.sweep_id.startswith(given or ""))
    found = [*islice(ids, 2)]
    if not found:
        missing = (
            "There is no sweep yet; `grpo sweep` makes one."
            if given is None
            else f"There is no sweep whose id begins with {given!r}."
        )
        raise CommandFailed(ExitCode.NOT_FOUND, missing)
    if given is not None and len(found) > 1:
        raise CommandFailed(ExitCode.USAGE, f"SWEEP: the ids of several sweeps begin with {given!r}: write more of it.")
    return client.sweep(found[0])
