"""What clients send and get about sweeps."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http import fields
from adapters.http.requests import TrainRequest
from adapters.http.responses import ConfigResponse, Timestamp
from application.sweeps import MOST_SEED
from domain.sweep import MOST_PARALLEL, MOST_TRIALS

_SPACE = {"learning_rate": {"type": "float", "low": 0.0001, "high": 0.01, "log": True}}


class DimensionRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The values of one parameter: a range of numbers with `low` and `high`, or `choices`."""

    type: Literal["float", "int", "categorical"]
    low: Annotated[int | float | None, Meta(description="Of float and int: the lowest value.")] = None
    high: Annotated[int | float | None, Meta(description="Of float and int: the highest value, included.")] = None
    log: Annotated[bool, Meta(description="Evenly by the logarithms, for values of several magnitudes.")] = False
    step: Annotated[int, Meta(description="Of int: the distance of neighbouring values.")] = 1
    choices: Annotated[list[Any], Meta(description="Of categorical: the values.")] = []


class SweepRequest(Struct, forbid_unknown_fields=True):
    """A search for the training fields with the best policy."""

    search_space: Annotated[
        dict[str, DimensionRequest], Meta(description="What is searched: fields of POST /train by name.", examples=[_SPACE])
    ]
    training: Annotated[TrainRequest, Meta(description="What all trials share: a body of POST /train.")] = msgspec.field(
        default_factory=TrainRequest
    )
    n_trials: Annotated[int, Meta(description="Runs.", extra_json_schema={"minimum": 1, "maximum": MOST_TRIALS})] = 20
    max_parallel: Annotated[
        int, Meta(description="Runs beside one another.", extra_json_schema={"minimum": 1, "maximum": MOST_PARALLEL})
    ] = 2
    seed: Annotated[
        int | None,
        Meta(
            description="With max_parallel 1 the same seed gives the same trials; drawn where it is null.",
            extra_json_schema={"minimum": 0, "maximum": MOST_SEED},
        ),
    ] = None
    pruner: Annotated[
        Literal["median", "none"],
        Meta(description="median: a run whose evaluations lie below the median of the others is stopped early."),
    ] = "median"


class ResumeSweepRequest(Struct, forbid_unknown_fields=True):
    """What may change when a sweep goes on."""

    n_trials: Annotated[
        int | UnsetType, Meta(description="More runs.", extra_json_schema={"minimum": 1, "maximum": MOST_TRIALS})
    ] = UNSET


class TrialResponse(Struct):
    """One run of a sweep."""

    number: int
    status: Annotated[str, Meta(description="waiting, running, pruning, completed, pruned, failed or stopped.")]
    parameters: dict[str, Any]
    value: Annotated[float | None, Meta(description="The highest mean return of its evaluations.")]
    job_id: str | None
    model_name: fields.ModelName
    message: Annotated[str | None, Meta(description="Why it failed.")]


class BestResponse(Struct):
    """The completed trial with the highest value."""

    number: int
    value: float
    parameters: dict[str, Any]
    config: Annotated[ConfigResponse, Meta(description="As a body of POST /train it repeats the run.")]
    job_id: str | None
    model_name: fields.ModelName


class SweepSummary(Struct):
    """A sweep in brief."""

    sweep_id: str
    status: Annotated[str, Meta(description="running, stopping, stopped, completed or failed.")]
    message: Annotated[str | None, Meta(description="Why it failed.")]
    created_at: Timestamp
    end_time: Timestamp | None
    env_name: str
    n_trials: int
    max_parallel: int
    seed: int
    pruner: str


class SweepsResponse(Struct):
    """All sweeps, newest first."""

    sweeps: list[SweepSummary]


class SweepResponse(SweepSummary):
    """A sweep with everything that is known of it."""

    training: Annotated[dict[str, Any], Meta(description="What all trials share.")]
    search_space: dict[str, DimensionRequest]
    trials: list[TrialResponse]
    best: BestResponse | None
    importances: Annotated[
        dict[str, float],
        Meta(description="How much each parameter decides of the value, together 1; empty before four are completed."),
    ]
