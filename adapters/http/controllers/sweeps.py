"""Routes of sweeps."""

from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post, route
from litestar.params import FromPath, RawBody
from msgspec import UNSET

from adapters.http.body import BodyDecoder
from adapters.http.gate import client_of
from adapters.http.openapi import json_body
from adapters.http.problems import described
from adapters.http.query import refuse_unknown
from adapters.http.requests import given_fields
from adapters.http.responses import config_response
from adapters.http.sweep_types import (
    BestResponse,
    DimensionRequest,
    ResumeSweepRequest,
    SweepRequest,
    SweepResponse,
    SweepsResponse,
    SweepSummary,
    TrialResponse,
)
from application.sweeps import SweepReport
from application.use_cases import UseCases
from domain.sweep import Dimension, Sweep, Trial

_BAD_BODY = {"_400": "The body is no JSON object.", "_413": "The body is too large.", "_415": "The body is not JSON."}
_NO_SWEEP = "There is no such sweep."
_NO_EXTRA = "The extra [tune] is not installed."


def sweep_routes(use_cases: UseCases) -> Router:
    """Everything below /sweeps."""
    decode, decode_resume = BodyDecoder(SweepRequest), BodyDecoder(ResumeSweepRequest)

    @post(
        "/sweeps",
        status_code=200,
        sync_to_thread=True,
        operation_class=json_body(SweepRequest),
        responses=described(
            **_BAD_BODY,
            _422="A field is unknown, of the wrong type or out of bounds, or some trials could never train.",
            _501=_NO_EXTRA,
        ),
        summary="Start a sweep",
    )
    def start(request: Request[Any, Any, Any], body: RawBody) -> SweepResponse:
        """Search the training fields with the best policy: many runs, as ordinary jobs, the later guided by the earlier."""
        asked = decode(request.scope["headers"], body)
        space = {name: _dimension(dimension) for name, dimension in asked.search_space.items()}
        sweep = use_cases.start_sweep(
            given_fields(asked.training),
            space,
            asked.n_trials,
            asked.max_parallel,
            client_of(request.scope),
            asked.seed,
            asked.pruner,
        )
        return _response(use_cases.get_sweep(sweep.id))

    @get("/sweeps", sync_to_thread=True, responses=described(), summary="Sweeps, newest first")
    def sweeps(request: Request[Any, Any, Any]) -> SweepsResponse:
        """In brief."""
        refuse_unknown(request)
        return SweepsResponse([SweepSummary(**_summary(sweep)) for sweep in use_cases.list_sweeps()])

    @get(
        "/sweeps/{sweep_id:str}",
        sync_to_thread=True,
        responses=described(_404=_NO_SWEEP, _501=_NO_EXTRA),
        summary="Trials, the best of them, and importances",
    )
    def sweep(sweep_id: FromPath[str]) -> SweepResponse:
        """Poll until `status` is completed, failed or stopped."""
        return _response(use_cases.get_sweep(sweep_id))

    @post(
        "/sweeps/{sweep_id:str}/stop",
        status_code=200,
        sync_to_thread=True,
        responses=described(_404=_NO_SWEEP, _409="The sweep has already ended.", _501=_NO_EXTRA),
        summary="Stop a sweep",
    )
    def stop(sweep_id: FromPath[str]) -> SweepResponse:
        """No further run begins, and those under way are stopped; what they have learned is kept."""
        use_cases.stop_sweep(sweep_id)
        return _response(use_cases.get_sweep(sweep_id))

    @post(
        "/sweeps/{sweep_id:str}/resume",
        status_code=200,
        sync_to_thread=True,
        operation_class=json_body(ResumeSweepRequest, required=False),
        responses=described(
            **_BAD_BODY,
            _404=_NO_SWEEP,
            _409="The sweep has not ended, or has nothing left to do.",
            _422="n_trials is wrong, or smaller than it was.",
            _501=_NO_EXTRA,
        ),
        summary="Go on with a sweep",
    )
    def resume(request: Request[Any, Any, Any], sweep_id: FromPath[str], body: RawBody) -> SweepResponse:
        """Runs that were stopped go on, and more follow up to `n_trials`. The body may be left out."""
        asked = decode_resume(request.scope["headers"], body) if body else ResumeSweepRequest()
        use_cases.resume_sweep(sweep_id, None if asked.n_trials is UNSET else asked.n_trials)
        return _response(use_cases.get_sweep(sweep_id))

    @route("/sweeps", http_method="OPTIONS", status_code=204, sync_to_thread=False, include_in_schema=False)
    def methods() -> Response[None]:
        """Litestar's own answer names the methods of the first handler of a path only."""
        return Response(None, headers={"Allow": "GET, OPTIONS, POST"})

    return Router("/", route_handlers=[methods, start, sweeps, sweep, stop, resume], tags=["sweeps"])


def _dimension(sent: DimensionRequest) -> Dimension:
    return Dimension(**(msgspec.structs.asdict(sent) | {"choices": tuple(sent.choices)}))


def _summary(sweep: Sweep) -> dict[str, Any]:
    return {
        "sweep_id": sweep.id,
        "status": sweep.status.value,
        "message": sweep.message,
        "created_at": sweep.created_at.isoformat(),
        "end_time": sweep.end_time.isoformat() if sweep.end_time else None,
        "env_name": sweep.training["env_name"],
        "n_trials": sweep.n_trials,
        "max_parallel": sweep.max_parallel,
        "seed": sweep.seed,
        "pruner": sweep.pruner,
    }


def _response(report: SweepReport) -> SweepResponse:
    sweep, best = report.sweep, report.best
    found = None
    if best is not None and best.value is not None and report.best_config is not None:
        name = report.best_config.model_name
        found = BestResponse(best.number, best.value, best.parameters, config_response(report.best_config), best.job_id, name)
    return SweepResponse(
        **_summary(sweep),
        training=sweep.training,
        search_space={name: msgspec.convert(vars(each), DimensionRequest) for name, each in sweep.search_space.items()},
        trials=[_trial(sweep, trial) for trial in report.trials],
        best=found,
        importances={**report.importances},
    )


def _trial(sweep: Sweep, trial: Trial) -> TrialResponse:
    name = sweep.fields_of(trial)["model_name"]
    return TrialResponse(trial.number, trial.status.value, trial.parameters, trial.value, trial.job_id, name, trial.message)
