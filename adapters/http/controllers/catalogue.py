"""Routes that tell what can be trained."""

from litestar import Router, get

from adapters.http.catalogue_types import (
    EnvironmentResponse,
    EnvironmentsResponse,
    RewardFunctionResponse,
    RewardFunctionsResponse,
)
from adapters.http.problems import described
from adapters.http.space_types import space_response
from application.catalogue import ListedEnvironment
from application.use_cases import UseCases
from domain.rewards import RewardFunction


def catalogue_routes(use_cases: UseCases) -> Router:
    """GET /environments and GET /reward-functions."""

    @get("/environments", sync_to_thread=True, responses=described(), summary="What can be trained")
    def environments() -> EnvironmentsResponse:
        """Every environment that is registered and allowed, with spaces, reward functions and preset, or why it cannot be."""
        return EnvironmentsResponse([_environment(listed) for listed in use_cases.list_environments()])

    @get("/reward-functions", sync_to_thread=False, responses=described(), summary="What can be trained for")
    def reward_functions() -> RewardFunctionsResponse:
        """What a run can learn from; what is reported is always the environment's own return."""
        return RewardFunctionsResponse([_reward_function(reward) for reward in use_cases.list_reward_functions()])

    return Router("/", route_handlers=[environments, reward_functions], tags=["catalogue"])


def _environment(listed: ListedEnvironment) -> EnvironmentResponse:
    spec = listed.spec
    if spec is None:
        return EnvironmentResponse(listed.env_name, available=False, reason=listed.reason)
    return EnvironmentResponse(
        env_name=listed.env_name,
        available=True,
        observation_space=space_response(spec.observation_space),
        action_space=space_response(spec.action_space),
        max_episode_steps=spec.max_episode_steps,
        reward_threshold=spec.reward_threshold,
        vectorised=spec.cloneable,
        drawable=listed.drawable,
        reward_functions=[*listed.reward_functions],
        defaults=dict(listed.defaults),
    )


def _reward_function(reward: RewardFunction) -> RewardFunctionResponse:
    return RewardFunctionResponse(
        name=reward.name,
        description=reward.description,
        formula=reward.formula,
        env_names=None if reward.env_names is None else [*reward.env_names],
        bounds=None if reward.bounds is None else [*reward.bounds],
        source=reward.source,
    )
