"""Errors of who may do what; their place in the tree is drawn in `domain.errors`."""

from domain.errors import CapacityExceeded, GrpoError, InvalidInput


class Unauthenticated(GrpoError):
    """No key came with the request, or none that is known."""

    code = "unauthenticated"
    title = "Key needed"


class Forbidden(GrpoError):
    """Who asks is known, and may not have this."""

    code = "forbidden"
    title = "Forbidden"


class MissingScope(Forbidden):
    """The key is known and does not have the scope that the route needs."""

    code = "missing-scope"
    title = "Scope missing"


class CrossSiteRequest(Forbidden):
    """A page of another site made a browser send a request that changes something."""

    code = "cross-site-request"
    title = "Cross-site request"


class HostNotAllowed(Forbidden):
    """The request names a host that is none of this server's."""

    code = "host-not-allowed"
    title = "Host not allowed"


class TooManyRequests(CapacityExceeded):
    """The client has used up its requests per minute."""

    code = "too-many-requests"
    title = "Too many requests"


class TooManyJobs(CapacityExceeded):
    """The client has as many unfinished jobs as it may have."""

    code = "too-many-jobs"
    title = "Too many unfinished jobs"

    def __init__(self, owner: str, limit: int, retry_after_seconds: int = 5) -> None:
        super().__init__(
            f"{limit} unfinished jobs is the limit for {owner}; try again when one has ended, or stop one.", retry_after_seconds
        )
        self.owner = owner
        self.limit = limit


class EnvironmentNotAllowed(InvalidInput):
    """The environment is registered, and the operator does not allow it."""

    code = "environment-not-allowed"
    title = "Environment not allowed"


class TooManyStreams(CapacityExceeded):
    """As many streams of events are open as the server gives at once."""

    code = "too-many-streams"
    title = "Too many streams"

    def __init__(self, limit: int, retry_after_seconds: int = 5) -> None:
        super().__init__(
            f"{limit} streams of events are open, the most that this server gives at once; close one, or try again later.",
            retry_after_seconds,
        )
        self.limit = limit
