"""What clients get about environments and reward functions."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from adapters.http.space_types import BoxSpace, DiscreteSpace


class EnvironmentResponse(Struct):
    """An environment. Where it is not available, `reason` says why and what is unknown is null."""

    env_name: str
    available: Annotated[bool, Meta(description="It can be trained here.")]
    reason: str | None = None
    observation_space: BoxSpace | DiscreteSpace | None = None
    action_space: BoxSpace | DiscreteSpace | None = None
    max_episode_steps: Annotated[int | None, Meta(description="Its own time limit; null: it has none.")] = None
    reward_threshold: Annotated[float | None, Meta(description="The mean return from which it counts as solved.")] = None
    vectorised: Annotated[bool, Meta(description="We have a fast form of it, whose state can be copied.")] = False
    drawable: Annotated[bool, Meta(description="Bodies in motion: can be drawn from observations, and pushed.")] = False
    reward_functions: Annotated[list[str], Meta(description="Those that fit, its default first.")] = []
    defaults: Annotated[
        dict[str, Any],
        Meta(description="What POST /train makes of the name alone: every field but seed and model_name."),
    ] = {}


class EnvironmentsResponse(Struct):
    """All environments that are registered and allowed here, by name."""

    environments: list[EnvironmentResponse]


class RewardFunctionResponse(Struct):
    """A reward function for training."""

    name: str
    description: str
    formula: str
    env_names: Annotated[list[str] | None, Meta(description="Where it fits; null: everywhere.")]
    bounds: Annotated[list[float] | None, Meta(description="[low, high]; null: unknown.")]
    source: Annotated[str, Meta(description='"built-in", or the distribution that brought it.')]


class RewardFunctionsResponse(Struct):
    """All reward functions, the built-in ones first."""

    reward_functions: list[RewardFunctionResponse]
