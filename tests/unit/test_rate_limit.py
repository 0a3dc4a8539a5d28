"""Requests per minute, with a clock that the test moves."""

from hypothesis import given
from hypothesis import strategies as st

from application.rate_limit import RateLimit


class Clock:
    def __init__(self, now: float = 1e6) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_client_when_a_minutes_requests_are_used_up_waits_for_the_next() -> None:
    clock = Clock()
    limit = RateLimit(clock)
    assert [limit.take("a", 7) for _ in range(7)] == [0.0] * 7
    wait = limit.take("a", 7)
    assert abs(wait - 60 / 7) < 1e-6
    assert abs(limit.take("a", 7) - wait) < 1e-6
    clock.now += wait
    assert limit.take("a", 7) == 0
    assert limit.take("a", 7) > 0


def test_client_does_not_use_up_what_another_has() -> None:
    limit = RateLimit(Clock())
    assert limit.take("a", 1) == 0
    assert limit.take("a", 1) > 0
    assert limit.take("b", 1) == 0


def test_client_after_a_silent_minute_has_all_requests_again() -> None:
    clock = Clock()
    limit = RateLimit(clock)
    for _ in range(5):
        limit.take("a", 5)
    clock.now += 60
    assert [limit.take("a", 5) for _ in range(5)] == [0.0] * 5
    assert limit.take("a", 5) > 0


def test_memory_when_many_clients_come_stays_bounded_and_forgets_the_most_silent() -> None:
    limit = RateLimit(Clock(), max_clients=3)
    for name in ("a", "b", "a", "c", "d"):
        limit.take(name, 1)
    assert [*limit._full_at] == ["a", "c", "d"]
    assert limit.take("a", 1) > 0
    assert limit.take("b", 1) == 0


@given(
    st.integers(1, 50),
    st.lists(st.floats(0, 30), min_size=1, max_size=200),
)
def test_no_sixty_seconds_pass_more_than_two_buckets_and_no_wait_is_in_vain(per_minute: int, pauses: list[float]) -> None:
    clock = Clock(0.0)
    limit = RateLimit(clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        if wait := limit.take("a", per_minute):
            assert 0 < wait <= 60 / per_minute + 1e-6
        else:
            passed.append(clock.now)
    for start in passed:
        within = sum(start <= at < start + 60 for at in passed)
        assert within <= 2 * per_minute
