"""Routes of training jobs."""

from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.params import FromPath, HeaderParameter, QueryParameter, RawBody
from msgspec import UNSET

from adapters.http.body import BodyDecoder
from adapters.http.gate import client_of
from adapters.http.openapi import json_body
from adapters.http.problems import described
from adapters.http.query import refuse_unknown
from adapters.http.requests import ResumeRequest, TrainRequest, given_fields
from adapters.http.responses import (
    JobsResponse,
    ResumeResponse,
    StatusResponse,
    StopResponse,
    TrainResponse,
    config_response,
)
from adapters.http.status import status_response
from application.training import MOST_JOBS
from application.use_cases import UseCases
from domain.job import JobStatus

_BAD_BODY = {"_400": "The body is no JSON object.", "_413": "The body is too large.", "_415": "The body is not JSON."}


def training_routes(use_cases: UseCases) -> Router:
    """POST /train and everything below /training."""
    decode, decode_resume = BodyDecoder(TrainRequest), BodyDecoder(ResumeRequest)

    @post(
        "/train",
        status_code=200,
        sync_to_thread=True,
        operation_class=json_body(TrainRequest),
        responses=described(
            **_BAD_BODY,
            _422="A field is unknown, of the wrong type, out of bounds or does not fit, or the key named another request.",
            _429="The queue is full.",
        ),
        summary="Start a training job",
    )
    def train(
        request: Request[Any, Any, Any],
        body: RawBody,
        idempotency_key: Annotated[
            str | None,
            HeaderParameter(name="Idempotency-Key", description="Names the request: sent again, it gives the same job."),
        ] = None,
    ) -> TrainResponse:
        """Queue a job; it begins as soon as a worker is free. The answer shows the whole configuration."""
        given = given_fields(decode(request.scope["headers"], body))
        job = use_cases.start_training(given, client_of(request.scope), idempotency_key)
        return TrainResponse(job.id, "Training started", config_response(job.config))

    @get(
        "/training/{job_id:str}/status",
        sync_to_thread=True,
        responses=described(_404="There is no such job."),
        summary="Progress and figures of a job",
    )
    def status(job_id: FromPath[str]) -> StatusResponse:
        """Poll until `status` is completed, failed or stopped."""
        job = use_cases.get_status(job_id)
        return status_response(job, waiting_reason=use_cases.get_status.waiting_reason(job))

    @get(
        "/training/jobs",
        sync_to_thread=True,
        responses=described(_422="A parameter is not what it may be."),
        summary="Jobs, newest first",
    )
    def jobs(
        request: Request[Any, Any, Any],
        limit: Annotated[
            int | None, QueryParameter(ge=1, le=MOST_JOBS, description=f"At most so many jobs; default {MOST_JOBS}.")
        ] = None,
        after: Annotated[str | None, QueryParameter(description="Only jobs that are older than the one of this id.")] = None,
        status: Annotated[list[JobStatus] | None, QueryParameter(description="Only jobs in one of these states.")] = None,
    ) -> JobsResponse:
        """Every job that was ever started here, a page at a time."""
        refuse_unknown(request, "limit", "after", several="status")
        page = use_cases.list_jobs(limit or MOST_JOBS, after, status or [])
        listed = [status_response(job, in_list=True) for job in page.jobs]
        tells = page.has_more or limit is not None or after is not None
        return JobsResponse(listed, page.has_more if tells else UNSET)

    @post(
        "/training/{job_id:str}/stop",
        status_code=200,
        sync_to_thread=True,
        responses=described(_404="There is no such job.", _409="The job has already ended."),
        summary="Stop a job",
    )
    def stop(job_id: FromPath[str]) -> StopResponse:
        """Training ends within 2 seconds, and what was learned so far is kept as the model."""
        job = use_cases.stop_training(job_id)
        return StopResponse("Training job stopped" if job.status.ended else "Training job is stopping", job_id)

    @post(
        "/training/{job_id:str}/resume",
        status_code=200,
        sync_to_thread=True,
        operation_class=json_body(ResumeRequest, required=False),
        responses=described(
            **_BAD_BODY,
            _404="There is no such job.",
            _409="The job has not ended, or has used its whole budget.",
            _422="total_timesteps is wrong, or smaller than it was.",
            _429="The queue is full.",
        ),
        summary="Go on with a stopped or failed job",
    )
    def resume(request: Request[Any, Any, Any], job_id: FromPath[str], body: RawBody) -> ResumeResponse:
        """Training goes on from the last checkpoint, to the end or to a larger `total_timesteps`. The body may be left out."""
        given = given_fields(decode_resume(request.scope["headers"], body)) if body else {}
        job = use_cases.resume_training(job_id, given.get("total_timesteps"), client_of(request.scope))
        return ResumeResponse("Training resumed", job.id, config_response(job.config))

    return Router("/", route_handlers=[train, status, jobs, stop, resume], tags=["training"])
