"""Carries plans out within an event loop: the only place of the asynchronous client that does I/O."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

import httpx

from grpo_client import connection
from grpo_client.calls import Call
from grpo_client.plans import Feed, Outcome, Plan, Retries, exchange
from grpo_client.results import Event

T = TypeVar("T")


class AsyncSession:
    """A pool of connections to one server, for one event loop."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        timeout: float | None,
        transport: httpx.AsyncBaseTransport | None,
        retries: Retries,
    ) -> None:
        self.retries = retries
        self.http = httpx.AsyncClient(
            base_url=connection.checked_url(base_url), headers=connection.headers(api_key), timeout=timeout, transport=transport
        )

    async def send(self, call: Call[T]) -> T:
        """The call's result."""
        return await self.run(exchange(call, self.retries))

    async def run(self, plan: Plan[T]) -> T:
        """The plan's result."""
        outcome: Outcome = None
        while True:
            try:
                step = plan.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            outcome = await self._do(step)

    async def _do(self, step: Call[Any] | float) -> Outcome:
        if not isinstance(step, Call):
            await asyncio.sleep(step)
            return None
        try:
            return await self.http.request(**connection.request(step, self.http.timeout))
        except httpx.RequestError as error:
            return error

    async def follow(self, feed: Feed) -> AsyncGenerator[Event, None]:
        """The feed's events until it ends; the connection is closed with the iterator."""
        while not feed.ended:
            try:
                async with self.http.stream(**connection.stream(feed, self.http.timeout)) as answer:
                    if feed.opened(answer):
                        async for chunk in answer.aiter_bytes():
                            for event in feed.received(chunk):
                                yield event
                            if feed.ended:
                                return
                        pause = feed.closed(None)
                    elif feed.ended:
                        return
                    else:
                        await answer.aread()
                        pause = feed.refused(answer)
            except httpx.RequestError as error:
                pause = feed.closed(error)
            await asyncio.sleep(pause)
