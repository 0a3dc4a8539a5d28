"""A job as clients see it, whole and in brief."""

from msgspec import UNSET

from adapters.http.responses import ProgressResponse, StatusResponse, config_response
from domain.job import Job, JobStatus


def status_response(job: Job, *, in_list: bool = False, waiting_reason: str | None = None) -> StatusResponse:
    """A job as clients see it. In a list of many the configuration would be most of the answer, and is left out."""
    return StatusResponse(
        job_id=job.id,
        status=job.status.value,
        progress=job.progress,
        current_timesteps=job.current_timesteps,
        total_timesteps=job.config.total_timesteps,
        start_time=job.start_time.isoformat() if job.start_time else None,
        end_time=job.end_time.isoformat() if job.end_time else None,
        error_message=job.error_message,
        error_code=job.error_code,
        metrics=job.metrics,
        env_name=job.config.env_name,
        model_name=job.config.model_name,
        created_at=job.created_at.isoformat(),
        config=UNSET if in_list else config_response(job.config),
        waiting_reason=waiting_reason or UNSET,
    )


def progress_response(job: Job) -> ProgressResponse:
    """What changes while it runs. The time that is left follows from the speed so far."""
    fps = job.metrics.get("time/fps", 0.0)
    left = job.config.total_timesteps - job.current_timesteps
    return ProgressResponse(
        status=job.status.value,
        progress=job.progress,
        current_timesteps=job.current_timesteps,
        total_timesteps=job.config.total_timesteps,
        fps=fps,
        eta_seconds=left / fps if fps > 0 and job.status is JobStatus.RUNNING else None,
    )
