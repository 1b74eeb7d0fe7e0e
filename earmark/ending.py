"""Polls that end at the same time are written together, in one transaction.

Most polls find nothing, and then the transaction at their end is most of what they cost.
"""

import asyncio
import random
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from earmark_core.clock import Clock
from earmark_core.errors import StoreError
from earmark_core.store import Store
from earmark_listeners.polling import Outcome
from earmark_listeners.schedule import Due, finish_all

GATHER_SECONDS = 0.005
"""How long the first poll of a round waits for others: a transaction costs more than company."""

_FAILURES = (StoreError, DBAPIError)


@dataclass(slots=True)
class _Round:
    """The polls that one transaction ends; `failed` holds what became of those it could not."""

    ended: list[tuple[Due, Outcome]] = field(default_factory=list)
    failed: dict[int, Exception] = field(default_factory=dict)
    written: "asyncio.Task[None] | None" = None


class Ending:
    """Ends polls; those that come while one transaction is written share the next.

    Who waits for `finish` waits until it is committed. A process that dies before leaves the
    leases and the open windows behind, as one does that dies in the middle of a poll.
    """

    def __init__(self, store: Store, clock: Clock, rng: random.Random) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._writing = asyncio.Lock()
        self._next = _Round()

    async def finish(self, due: Due, outcome: Outcome) -> None:
        """Writes how a poll ended; raises `StoreError` where that could not be done."""
        this = self._next
        if this.written is not None and this.written.done():  # cut off together with its loop
            this = self._next = _Round()
        place = len(this.ended)
        this.ended.append((due, outcome))
        if this.written is None:
            this.written = asyncio.create_task(self._write(this))
        # Shielded: one who is cancelled must not take the others' ends along.
        await asyncio.shield(this.written)
        if place in this.failed:
            raise this.failed[place]

    async def _write(self, this: _Round) -> None:
        async with self._writing:
            await asyncio.sleep(GATHER_SECONDS)
            self._next = _Round()
            try:
                await self._end(this.ended)
            except _FAILURES as error:
                if len(this.ended) == 1:
                    this.failed[0] = error
                else:
                    await self._one_by_one(this)

    async def _one_by_one(self, this: _Round) -> None:
        """Lets one that cannot be written fail alone; its lease runs out."""
        for place, one in enumerate(this.ended):
            try:
                await self._end([one])
            except _FAILURES as error:
                this.failed[place] = error

    async def _end(self, ended: list[tuple[Due, Outcome]]) -> None:
        await asyncio.to_thread(finish_all, self._store, ended, now=self._clock(), rng=self._rng)
