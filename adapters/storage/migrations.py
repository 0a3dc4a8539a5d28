"""The tables, as steps that are applied once to each database. A step that was released is never changed."""

from sqlite_utils import Database, Migrations

migrations = Migrations("grpo")


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
