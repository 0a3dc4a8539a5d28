"""Errors of evaluations and of policies at play; their place in the tree is drawn in `domain.errors`."""

from domain.errors import CapacityExceeded, FieldError, InvalidInput, NotFound


class TooManyEvaluations(CapacityExceeded):
    """As many evaluations and replays are under way as may be."""

    code = "too-many-evaluations"
    title = "Too many evaluations at once"

    def __init__(self, limit: int, retry_after_seconds: int = 2) -> None:
        super().__init__(
            f"{limit} evaluations and replays are under way already, which is the limit; try again in {retry_after_seconds} s.",
            retry_after_seconds,
        )


class TooManyPlays(CapacityExceeded):
    """As many policies are at play as may be."""

    code = "too-many-plays"
    title = "Too many policies at play"

    def __init__(self, limit: int, retry_after_seconds: int = 5) -> None:
        super().__init__(
            f"{limit} policies are at play already, which is the limit; close one, or try again in {retry_after_seconds} s.",
            retry_after_seconds,
        )


class PlayNotFound(NotFound):
    """No policy is at play under that id."""

    code = "play-not-found"
    title = "Play not found"

    def __init__(self, play_id: str) -> None:
        super().__init__(f"Nothing is at play under the id {play_id!r}: it has ended, or its `start` event had another id.")


class NotPushable(InvalidInput):
    """Nobody can say what a push would be in that environment."""

    code = "not-pushable"
    title = "Environment cannot be pushed"

    def __init__(self, env_name: str) -> None:
        message = f"{env_name} cannot be pushed; CartPole, Acrobot, Pendulum and the mountain cars can."
        super().__init__(FieldError("force", message))
