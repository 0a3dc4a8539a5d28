"""When the frames of a play are due."""

LEAST_SECONDS = 1 / 60
MOST_LAG_SECONDS = 0.25


class Pace:
    """A frame every `seconds`, counted from the first: what a frame or a late wake-up costs makes none of the next ones late.

    Faster than the eye, frames are sent several at once.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self.at_once = max(1, round(LEAST_SECONDS / seconds))
        self._interval = self.at_once * seconds
        self._due = now

    def wait(self, now: float) -> float:
        """Seconds until the next frames are due, after the last were sent.

        Whoever lags far behind, since a client reads slowly, goes on from here: nobody wants to see the past in a rush.
        """
        self._due += self._interval
        if now - self._due > MOST_LAG_SECONDS:
            self._due = now
        return max(0.0, self._due - now)
