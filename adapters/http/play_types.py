"""What clients send and get about policies at play."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.space_types import BoxSpace, DiscreteSpace


class PushRequest(Struct, forbid_unknown_fields=True):
    """A shove."""

    force: Annotated[
        float,
        Meta(
            description="Share of the environment's largest push; its sign is the direction.",
            examples=[0.5],
            extra_json_schema={"minimum": -1, "maximum": 1},
        ),
    ]


class PushResponse(Struct):
    """The next step feels it."""

    message: str
    play_id: str


class PlayStart(Struct):
    """The event `start`."""

    play_id: Annotated[str, Meta(description="For POST /plays/{play_id}/push.")]
    model_name: str
    model_version: int
    env_name: str
    seed: Annotated[int, Meta(description="Of the first episode; each further one has the next.")]
    step_seconds: Annotated[float, Meta(description="Time of a step at speed 1.")]
    observation_space: BoxSpace | DiscreteSpace
    action_space: BoxSpace | DiscreteSpace
    pushable: bool


class PlayStep(Struct, rename={"native_return": "return"}):
    """The event `step`: what the policy saw, what it did, and what came of it."""

    t: Annotated[int, Meta(description="Steps since the start of the episode, from 0.")]
    episode: Annotated[int, Meta(description="From 0.")]
    observation: Annotated[list[float], Meta(description="What the policy saw, a Discrete observation as [k].")]
    action: int | list[float]
    action_probs: list[float] | None
    value: float
    reward: Annotated[float, Meta(description="What the action brought.")]
    native_return: Annotated[float, Meta(description="Sum of the rewards of the episode so far.")]
    terminated: bool
    truncated: bool
    pushed: Annotated[float, Meta(description="Force of the pushes just before this observation.")]


class PlayEnd(Struct):
    """The event `end`: the server ends the stream; a client that leaves gets none."""

    reason: Annotated[str, Meta(description="shutting-down, time-limit, idle or environment-failed.")]
    detail: Annotated[str | UnsetType, Meta(description="What failed, in a sentence.")] = UNSET
