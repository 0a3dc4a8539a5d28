"""The tables, as steps that are applied once to each database. A step that was released is never changed."""

from sqlite_utils import Database, Migrations

from domain.errors import StorageFailure

migrations = Migrations("grpo")


def refuse_newer(db: Database) -> None:
    """Raises StorageFailure where a newer version has changed the tables; only reads."""
    ours = {name for name in globals() if name.startswith("m0")}
    if newer := {migration.name for migration in migrations.applied(db)} - ours:
        raise StorageFailure(
            f"The database was written by a newer version of this service (it has {max(newer)!r}); start that version instead."
        )


@migrations()
def m001_jobs_checkpoints_models(db: Database) -> None:
    """Jobs in order of arrival (`position`), the newest checkpoint of each, and models by name."""
    db.table("jobs").create(
        {
            "position": int,
            "id": str,
            "status": str,
            "created_at": str,
            "start_time": str,
            "end_time": str,
            "current_timesteps": int,
            "attempts": int,
            "error_code": str,
            "error_message": str,
            "config": str,
            "metrics": str,
        },
        pk="position",
        not_null={"id", "status", "created_at", "current_timesteps", "attempts", "config", "metrics"},
    )
    db.table("jobs").create_index(["id"], unique=True)
    db.table("jobs").create_index(["status", "position"])
    db.table("checkpoints").create(
        {"job_id": str, "data": bytes, "sha256": str},
        pk="job_id",
        not_null={"data", "sha256"},
        foreign_keys=[("job_id", "jobs", "id")],
    )
    db.table("models").create(
        {
            "name": str,
            "env_name": str,
            "job_id": str,
            "created_at": str,
            "size_bytes": int,
            "sha256": str,
            "data": bytes,
        },
        pk="name",
        not_null={"env_name", "job_id", "created_at", "size_bytes", "sha256", "data"},
    )


@migrations()
def m002_leases_idempotency_events_versions(db: Database) -> None:
    """Whose a job is and who works at it; what happened to jobs; models in versions, numbers of which are not used again."""
    jobs = db.table("jobs")
    jobs.add_column("lease_until", str)
    jobs.add_column("owner", str, not_null_default="")
    jobs.add_column("idempotency_key", str)
    jobs.add_column("request_sha256", str)
    jobs.create_index(["owner", "idempotency_key"], unique=True)
    db.table("events").create(
        {"id": int, "job_id": str, "time": str, "kind": str, "data": str},
        pk="id",
        not_null={"job_id", "time", "kind", "data"},
        foreign_keys=[("job_id", "jobs", "id")],
    )
    db.table("events").create_index(["job_id", "id"])
    db.table("model_names").create({"name": str, "last_version": int}, pk="name", not_null={"last_version"})
    db.table("model_versions").create(
        {
            "name": str,
            "version": int,
            "job_id": str,
            "created_at": str,
            "timesteps": int,
            "config": str,
            "evaluation": str,
            "size_bytes": int,
            "sha256": str,
            "data": bytes,
        },
        pk=("name", "version"),
        not_null={"job_id", "created_at", "timesteps", "config", "size_bytes", "sha256", "data"},
        foreign_keys=[("name", "model_names", "name")],
    )
    db.execute("insert into model_names (name, last_version) select name, 1 from models")
    db.execute(
        "insert into model_versions select models.name, 1, job_id, models.created_at, coalesce(current_timesteps, 0), "
        "coalesce(config, '{}'), null, size_bytes, sha256, data from models left join jobs on jobs.id = job_id"
    )
    db.table("models").drop()


@migrations()
def m003_events_by_kind(db: Database) -> None:
    """The learning curve of a job is read without the rest of what happened to it."""
    db.table("events").create_index(["job_id", "kind", "id"])


@migrations()
def m004_imported_models(db: Database) -> None:
    """Versions that came from a file: when; null = trained here."""
    db.table("model_versions").add_column("imported_at", str)


@migrations()
def m005_servers_of_jobs(db: Database) -> None:
    """Which server's worker has a job; null = none, or one of before."""
    db.table("jobs").add_column("server", str)


@migrations()
def m006_sweeps(db: Database) -> None:
    """Sweeps in order of arrival, and their trials."""
    db.table("sweeps").create(
        {"position": int, "id": str, "status": str, "data": str}, pk="position", not_null={"id", "status", "data"}
    )
    db.table("sweeps").create_index(["id"], unique=True)
    db.table("sweeps").create_index(["status"])
    db.table("sweep_trials").create({"sweep_id": str, "number": int, "data": str}, pk=("sweep_id", "number"), not_null={"data"})
