"""`grpo train` and `grpo resume`: a job from its first to its last step."""

from collections.abc import Callable
from typing import Any

import rich_click as click
from click.exceptions import Exit

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.fields import ENV, SET, TIMESTEPS, training_fields
from adapters.cli.follow import Follower, JsonView, LineView, LiveView, View
from adapters.cli.interrupts import Interrupts, interrupts
from adapters.cli.lookup import JOB, find_job
from adapters.cli.output import clean, note, number, say, write_json
from adapters.cli.picture import Picture
from adapters.cli.session import Session, connected
from grpo_client import Client, ClientError, Job

DETACH = click.option("--detach", is_flag=True, help="With --url: print the job's id and leave; the server goes on.")


@click.command()
@connected
@ENV
@TIMESTEPS
@click.option("--name", "model_name", help="Name of the model; default grpo_model_ and the job's id.")
@click.option("--seed", type=int, help="The same seed gives the same weights; drawn when absent.")
@click.option(
    "--reward", "reward_function_type", metavar="NAME", help="What is learned from, as optimized_cartpole or environment."
)
@click.option("--learning-rate", type=float, help="Adam's step size.")
@click.option("--n-envs", type=int, help="Parallel environments.")
@click.option("--eval-freq", type=int, help="Steps between two evaluations, the best of which is kept; 0 = none.")
@SET
@DETACH
def train(session: Session, settings: tuple[str, ...], detach: bool, **options: Any) -> None:
    """Train a policy and watch it learn.

    Ctrl-C stops the job and keeps what it has learned as the model.
    """
    fields = training_fields(options, settings)
    _run(session, lambda client: client.train(**fields), detach=detach)


@click.command()
@connected
@JOB
@click.option("--timesteps", "total_timesteps", type=int, help="A larger budget than the job had.")
@DETACH
def resume(session: Session, job_id: str | None, total_timesteps: int | None, detach: bool) -> None:
    """Go on with a stopped, failed or cut off job where it was."""

    def begin(client: Client) -> Job:
        job = find_job(client, job_id)
        if session.url is None and not (found := job.status()).ended:
            # It was cut off in an earlier process, and goes on since this one has opened the folder.
            if total_timesteps not in {None, found.total_timesteps}:
                raise CommandFailed(
                    ExitCode.USAGE,
                    f"--timesteps: the job was cut off and goes on to its {number(found.total_timesteps)} steps; "
                    "once it has ended it can get a larger budget.",
                )
            return job
        job.resume(total_timesteps)
        return client.job(job.id)

    _run(session, begin, detach=detach)


def _run(session: Session, begin: Callable[[Client], Job], *, detach: bool) -> None:
    """Begin a job and follow it, unless it is to go on alone."""
    if detach:
        session.check_goes_on()
    # The service of another command would end with that command, in the middle of this job.
    with session.client(trains=True, joins=False) as client:
        if detach:
            _tell_id(session, begin(client))
            return
        with interrupts() as counted:
            job = begin(client)
            if session.json:
                write_json({"event": "job", "id": None, "data": {"job_id": job.id, "config": job.config}})
            _follow(session, client, job, counted)


def _tell_id(session: Session, job: Job) -> None:
    if session.json:
        write_json({"job_id": job.id})
    else:
        note(f"The job goes on without us; `grpo logs --follow {job.id[:8]}` shows how.")
        click.echo(clean(job.id))


def _follow(session: Session, client: Client, job: Job, counted: Interrupts) -> None:
    status = job.status()
    title = f"{status.env_name} → {status.model_name}   job {job.id}"
    picture = Picture(title, status.total_timesteps)
    view: View = JsonView() if session.json else LiveView(picture) if session.for_people else LineView(picture)
    follow = Follower(job, view, counted)
    with view:
        done = follow()
    if not session.json:
        _tell_end(client, done)
    if follow.interrupted and done["status"] == "stopped":
        raise Exit(ExitCode.INTERRUPTED)
    if done["status"] != "completed":
        raise CommandFailed(
            ExitCode.FAILED, f"The job {job.id} {done['status']}: {done['error_message'] or 'somebody stopped it.'}"
        )


def _tell_end(client: Client, done: dict[str, Any]) -> None:
    status, name, job_id = done["status"], done["model_name"], done["job_id"]
    steps = f"{number(done['current_timesteps'])} of {number(done['total_timesteps'])} steps"
    if status == "completed":
        say(("completed", "bold green"), f": {steps}; {_model_sentence(client, name)}")
        say((f"Watch it: grpo play {name}", "dim"))
    elif status == "stopped":
        kept = (
            _model_sentence(client, name) if done["current_timesteps"] else "it had learned nothing yet, so there is no model"
        )
        say(("stopped", "bold yellow"), f" at {steps}; {kept}.")
        say((f"Go on: grpo resume {job_id[:8]}", "dim"))


def _model_sentence(client: Client, name: str) -> str:
    """The version that the job left, and how good it is. The job is done whatever the answer to this is."""
    try:
        newest = client.model(name).info().versions[-1]
    except ClientError:
        return f"the model is {name}"
    sentence = f"the model is {name}, version {newest.version}"
    if newest.evaluation is not None:
        found = newest.evaluation
        sentence += f", mean return {number(found.mean_reward)} ± {number(found.std_reward)} over {found.episodes} episodes"
    return sentence
