"""Fakes of our own making, typed and shared: a listener that does as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import httpx

from earmark_core.clock import FixedClock
from earmark_core.errors import EarmarkError
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor, Item
from earmark_listeners.contract import Batch, ChannelOptions, ChannelRules, Listener, Wiring
from earmark_listeners.registry import build

T = TypeVar("T")


class NoOptions(ChannelOptions):
    """Nothing to set."""


class FakeListener(Listener[NoOptions]):
    """Gives the pages it was told, one after the other; an error in their place is raised."""

    channel: ClassVar[str] = "fake"
    summary: ClassVar[str] = "Gives what a test says."
    options_type: ClassVar[type[ChannelOptions]] = NoOptions
    rules: ClassVar[ChannelRules] = ChannelRules()

    def __init__(self, pages: Sequence[Batch | BaseException]) -> None:
        self.pages = list(pages)
        self.asked: list[Cursor | None] = []

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        self.asked.append(since)
        while self.pages:
            page = self.pages.pop(0)
            if isinstance(page, BaseException):
                raise page
            yield page


def items(*texts: str, start: int = 1) -> tuple[Item, ...]:
    """Items with ids counted from *start*."""
    return tuple(Item(external_id=str(start + i), text=text) for i, text in enumerate(texts))


__all__ = ["EarmarkError", "FakeListener", "items"]


def with_listener(
    channel: str,
    options: Mapping[str, Any],
    server: Callable[[httpx.Request], httpx.Response],
    do: Callable[[Any], Awaitable[T]],
    *,
    now: datetime,
    secret: str = "s3cret",
    memory: dict[str, Any] | None = None,
) -> T:
    """Does something with a listener that reaches *server* through the real fetcher."""

    async def go() -> T:
        fetch = make_fetcher(user_agent="tests", transport=httpx.MockTransport(server))
        wiring = Wiring(
            fetch, FixedClock(now), lambda _: secret, memory={} if memory is None else memory
        )
        try:
            return await do(build(channel, dict(options), wiring))
        finally:
            await fetch.aclose()

    return asyncio.run(go())


async def pages_of(
    listener: Listener[Any], since: Cursor | None, stop_after: int | None = None
) -> list[Batch]:
    """Gives the pages of a poll, all or the first few."""
    batches: list[Batch] = []
    async with aclosing(listener.poll(since)) as pages:  # type: ignore[type-var]  # a generator
        async for batch in pages:
            batches.append(batch)
            if len(batches) == stop_after:
                break
    return batches
