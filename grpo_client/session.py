"""Carries plans out, blocking: the only place of the synchronous client that does I/O."""

import time
from collections.abc import Iterator
from typing import Any, TypeVar

import httpx

from grpo_client import connection
from grpo_client.calls import Call
from grpo_client.plans import Feed, Outcome, Plan, Retries, exchange
from grpo_client.results import Event

T = TypeVar("T")


class Session:
    """A pool of connections to one server. Safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        timeout: float | None,
        transport: httpx.BaseTransport | None,
        retries: Retries,
    ) -> None:
        self.retries = retries
        self.http = httpx.Client(
            base_url=connection.checked_url(base_url), headers=connection.headers(api_key), timeout=timeout, transport=transport
        )

    def send(self, call: Call[T]) -> T:
        """The call's result."""
        return self.run(exchange(call, self.retries))

    def run(self, plan: Plan[T]) -> T:
        """The plan's result."""
        outcome: Outcome = None
        while True:
            try:
                step = plan.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            outcome = self._do(step)

    def _do(self, step: Call[Any] | float) -> Outcome:
        if not isinstance(step, Call):
            time.sleep(step)
            return None
        try:
            return self.http.request(**connection.request(step, self.http.timeout))
        except httpx.RequestError as error:
            return error

    def follow(self, feed: Feed) -> Iterator[Event]:
        """The feed's events until it ends; the connection is closed with the iterator."""
        while not feed.ended:
            try:
                with self.http.stream(**connection.stream(feed, self.http.timeout)) as answer:
                    if feed.opened(answer):
                        for chunk in answer.iter_bytes():
                            yield from feed.received(chunk)
                            if feed.ended:
                                return
                        pause = feed.closed(None)
                    elif feed.ended:
                        return
                    else:
                        answer.read()
                        pause = feed.refused(answer)
            except httpx.RequestError as error:
                pause = feed.closed(error)
            time.sleep(pause)
