"""Routes of training jobs."""

from dataclasses import asdict
from typing import Any

from litestar import Request, Router, get, post
from litestar.params import FromPath, RawBody

from adapters.http.body import BodyDecoder
from adapters.http.gate import client_of
from adapters.http.openapi import json_body
from adapters.http.problems import described
from adapters.http.requests import TrainRequest, given_fields
from adapters.http.responses import ConfigResponse, JobsResponse, StatusResponse, StopResponse, TrainResponse
from application.use_cases import UseCases
from domain.config import TrainingConfig
from domain.job import Job

_BAD_BODY = {"_400": "The body is no JSON object.", "_413": "The body is too large.", "_415": "The body is not JSON."}


def training_routes(use_cases: UseCases) -> Router:
    """POST /train and everything below /training."""
    decode = BodyDecoder(TrainRequest)

    @post(
        "/train",
        status_code=200,
        sync_to_thread=True,
        operation_class=json_body(TrainRequest),
        responses=described(
            **_BAD_BODY, _422="A field is unknown, of the wrong type, out of bounds or does not fit.", _429="The queue is full."
        ),
        summary="Start a training job",
    )
    def train(request: Request[Any, Any, Any], body: RawBody) -> TrainResponse:
        """Queue a job; it begins as soon as a worker is free. The answer shows the whole configuration."""
        job = use_cases.start_training(given_fields(decode(request.scope["headers"], body)), client_of(request.scope))
        return TrainResponse(job.id, "Training started", config_response(job.config))

    @get(
        "/training/{job_id:str}/status",
        sync_to_thread=True,
        responses=described(_404="There is no such job."),
        summary="Progress and figures of a job",
    )
    def status(job_id: FromPath[str]) -> StatusResponse:
        """Poll until `status` is completed, failed or stopped."""
        return status_response(use_cases.get_status(job_id))

    @get("/training/jobs", sync_to_thread=True, responses=described(), summary="All jobs, newest first")
    def jobs() -> JobsResponse:
        """Every job that was ever started here."""
        return JobsResponse([status_response(job) for job in use_cases.list_jobs()])

    @post(
        "/training/{job_id:str}/stop",
        status_code=200,
        sync_to_thread=True,
        responses=described(_404="There is no such job.", _409="The job has already ended."),
        summary="Stop a job",
    )
    def stop(job_id: FromPath[str]) -> StopResponse:
        """Training ends within 2 seconds, and what was learned so far is kept as the model."""
        use_cases.stop_training(job_id)
        return StopResponse("Training job stopped", job_id)

    return Router("/", route_handlers=[train, status, jobs, stop], tags=["training"])


def config_response(config: TrainingConfig) -> ConfigResponse:
    """Every field as resolved."""
    return ConfigResponse(**{**asdict(config), "hidden_sizes": list(config.hidden_sizes)})


def status_response(job: Job) -> StatusResponse:
    """A job as clients see it."""
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
    )
