"""Errors of sweeps; their place in the tree is drawn in `domain.errors`."""

from domain.errors import Conflict, NotFound


class SweepNotFound(NotFound):
    """There is no sweep of that id."""

    code = "sweep-not-found"
    title = "Sweep not found"

    def __init__(self, sweep_id: str) -> None:
        super().__init__(f"There is no sweep {sweep_id!r}.")


class SweepAlreadyEnded(Conflict):
    """A sweep that has ended cannot be stopped."""

    code = "sweep-already-ended"
    title = "Sweep has already ended"

    def __init__(self, sweep_id: str, status: str) -> None:
        super().__init__(f"The sweep {sweep_id!r} has already ended: it is {status}.")


class SweepNotResumable(Conflict):
    """There is nothing to go on with."""

    code = "sweep-not-resumable"
    title = "Sweep cannot be resumed"

    def __init__(self, sweep_id: str, status: str, n_trials: int) -> None:
        super().__init__(
            f"The sweep {sweep_id!r} cannot be resumed: it is {status}, and its {n_trials} trials have ended or are under way; "
            "a larger n_trials adds some."
        )
