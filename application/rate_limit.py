"""How often a client may come: a bucket of a minute's requests for each, which refills evenly.

The generic cell rate algorithm (ITU-T I.371) keeps one number for each client: when its bucket will be full again.
"""

from collections.abc import Callable

WINDOW_SECONDS = 60.0
MAX_CLIENTS = 10_000
_ROUNDING_SECONDS = 1e-6


class RateLimit:
    """Counts requests by client. Not thread-safe: it belongs to the event loop.

    Beyond `max_clients` the one that has been silent the longest is forgotten, and begins with a full bucket again.
    """

    def __init__(self, clock: Callable[[], float], max_clients: int = MAX_CLIENTS) -> None:
        """`clock`: seconds that never go back."""
        self._clock, self._max_clients = clock, max_clients
        self._full_at: dict[str, float] = {}

    def take(self, client: str, per_minute: int) -> float:
        """Count a request. 0 = it may pass; otherwise the seconds until one may, and this one was not counted."""
        now, interval = self._clock(), WINDOW_SECONDS / per_minute
        # Taken out and put back, so that the order of the entries is that of the last requests.
        full_at = max(self._full_at.pop(client, now), now)
        wait = full_at + interval - now - WINDOW_SECONDS
        passes = wait <= _ROUNDING_SECONDS
        self._full_at[client] = full_at + interval if passes else full_at
        if len(self._full_at) > self._max_clients:
            del self._full_at[next(iter(self._full_at))]
        return 0.0 if passes else wait
