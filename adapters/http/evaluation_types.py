"""What clients send and get about evaluations and replays."""

from typing import Annotated

from msgspec import Meta, Struct

from adapters.http import fields
from application.evaluation import MOST_EPISODES, MOST_SEED

_Seed = Annotated[
    int, Meta(description="The same seed gives the same answer.", extra_json_schema={"minimum": 0, "maximum": MOST_SEED})
]


class EvaluateRequest(Struct, forbid_unknown_fields=True):
    """How a model is to be evaluated. Every field is optional."""

    episodes: Annotated[
        int, Meta(description="Fresh episodes to play.", extra_json_schema={"minimum": 1, "maximum": MOST_EPISODES})
    ] = 100
    seed: _Seed = 0
    deterministic: Annotated[bool, Meta(description="true: the most likely action (the mean for a Box); false: samples.")] = (
        True
    )
    model_version: fields.ModelVersion | None = None


class HistogramResponse(Struct):
    """`counts[i]` returns lie in [edges[i], edges[i + 1]); the last interval has its upper edge too."""

    edges: Annotated[list[float], Meta(description="Round numbers, one more than counts.")]
    counts: list[int]


class EvaluateResponse(Struct):
    """Native returns of fresh episodes."""

    model_name: str
    model_version: int
    env_name: str
    episodes: int
    seed: int
    deterministic: bool
    mean_reward: float
    std_reward: Annotated[float, Meta(description="Of the episodes (population).")]
    ci95: Annotated[
        list[float],
        Meta(description="95 % confidence interval of the mean by Student's t, [low, high]; of one episode twice its return."),
    ]
    min_reward: float
    max_reward: float
    mean_length: float
    returns: list[float]
    lengths: list[int]
    histogram: HistogramResponse


class ReplayResponse(Struct, rename={"native_return": "return"}):
    """One episode from a seed: `length` steps, and one observation more."""

    model_name: str
    model_version: int
    env_name: str
    seed: int
    deterministic: bool
    length: int
    native_return: Annotated[float, Meta(description="Sum of the rewards.")]
    terminated: bool
    truncated: Annotated[bool, Meta(description="A time limit was reached: the environment's, or max_steps.")]
    observations: Annotated[list[list[float]], Meta(description="The start, and what each step led to.")]
    actions: Annotated[list[int | list[float]], Meta(description="Discrete: integers; Box: lists of numbers.")]
    rewards: list[float]
    trajectory_sha256: Annotated[str, Meta(description="Of observations, actions, rewards and ends, bit by bit.")]
