"""`grpo jobs`, `status`, `logs`, `stop`: watch and stop jobs."""

import rich_click as click

from adapters.cli.curve import curve
from adapters.cli.follow import event_json, event_line
from adapters.cli.lookup import JOB, SHOWN, find_job
from adapters.cli.output import moment, note, number, print_fields, print_table, say, terminal, write_json
from adapters.cli.picture import CURVE_ROWS, MOST_COLUMNS, RETURN
from adapters.cli.session import Session, connected
from grpo_client import Job

STATES = ("queued", "running", "stopping", "completed", "failed", "stopped")


@click.command()
@connected
@click.option("--status", "states", multiple=True, type=click.Choice(STATES), help="Only such jobs; as often as needed.")
@click.option("--limit", type=int, default=20, show_default=True, help="At most so many, the newest first.")
def jobs(session: Session, states: tuple[str, ...], limit: int) -> None:
    """List jobs, the newest first."""
    with session.client() as client:
        found = client.jobs(limit=limit, status=states)
    if session.json:
        write_json({"jobs": found})
        return
    if not found:
        note("There are no such jobs." if states else "There is no job yet; `grpo train` makes one.")
        return
    people = session.for_people
    print_table(
        ["JOB", "STATUS", "DONE", "STEPS", "RETURN", "ENVIRONMENT", "MODEL", "CREATED"],
        [
            [
                job.job_id[:SHOWN] if people else job.job_id,
                job.status,
                f"{job.progress:.0%}",
                number(job.total_timesteps),
                number(job.metrics.get(RETURN)),
                job.env_name,
                job.model_name,
                moment(job.created_at),
            ]
            for job in found
        ],
        numbers=["DONE", "STEPS", "RETURN"],
    )
    if not all(job.ended for job in found):
        _note_that_nobody_trains(session)


@click.command()
@connected
@JOB
def status(session: Session, job_id: str | None) -> None:
    """Show one job with its learning curve.

    JOB: an id, its beginning, or nothing for the newest.
    """
    with session.client() as client:
        job = find_job(client, job_id)
        found = job.status()
        if session.json:
            write_json(found)
            return
        figures = {name: number(value) for name, value in sorted(found.metrics.items())}
        print_fields(
            [
                ("job", found.job_id),
                ("status", found.status),
                ("why", found.error_message or found.waiting_reason),
                ("environment", found.env_name),
                ("model", found.model_name),
                ("steps", f"{number(found.current_timesteps)} of {number(found.total_timesteps)} ({found.progress:.0%})"),
                ("created", moment(found.created_at)),
                ("begun", moment(found.start_time)),
                ("ended", moment(found.end_time)),
                *figures.items(),
            ]
        )
        _show_history(job)
    if not found.ended:
        _note_that_nobody_trains(session)


def _show_history(job: Job) -> None:
    history = job.metrics()
    found = zip(history.timesteps, history.metrics.get(RETURN, []), strict=False)
    points = [(float(at), value) for at, value in found if value is not None]
    console = terminal()
    if points and console.is_terminal and not console.options.ascii_only:
        say("")
        say(("mean return", "dim"))
        for row in curve(points, min(console.width, MOST_COLUMNS), CURVE_ROWS):
            say((row, "cyan"))
    for finding in history.diagnosis:
        say(("! " + finding.message, "yellow"))


@click.command()
@connected
@JOB
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
def logs(session: Session, job_id: str | None, follow: bool) -> None:
    """Show what has happened to a job.

    States, checkpoints, metrics, evaluations and warnings; with --json as JSON lines.
    """
    with session.client(trains=follow) as client:
        job = find_job(client, job_id)
        for event in job.events():
            if event.kind == "progress":
                if not follow:
                    return  # all that has happened was told
            elif session.json:
                write_json(event_json(event))
            elif line := event_line(event):
                say((moment(event.data.get("time")), "dim"), f"  {line}")


@click.command()
@connected
@JOB
def stop(session: Session, job_id: str | None) -> None:
    """End a job and keep what it has learned as the model."""
    with session.client(trains=True) as client:
        job = find_job(client, job_id)
        job.stop()
        found = job.status()
    if session.json:
        write_json(found)
    else:
        steps = f"{number(found.current_timesteps)} of {number(found.total_timesteps)} steps"
        kept = f"the model is {found.model_name}" if found.current_timesteps else "it had learned nothing yet"
        say(f"The job {found.job_id} is {found.status} at {steps}; {kept}.")


def _note_that_nobody_trains(session: Session) -> None:
    if session.untrained:
        note("Nothing trains here: a job that has not ended was cut off and waits for `grpo resume` or `grpo serve`.")
