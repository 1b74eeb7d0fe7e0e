"""Doing many things, some at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def each(do: Callable[[T], Awaitable[None]], things: Sequence[T], at_once: int) -> None:
    """Does *do* to each thing, *at_once* at a time; ends when all are done."""
    left = iter(things)

    async def worker() -> None:
        for thing in left:
            await do(thing)

    await asyncio.gather(*(worker() for _ in range(at_once)))
