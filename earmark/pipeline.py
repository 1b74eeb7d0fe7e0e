"""The way of a mention: poll, store, score, decide.

Each step is one transaction and finds its work from the rows, so a process that is killed
between two steps loses nothing. On SQLite one writer ingests at a time and pauses after each
page, or the dashboard's writers would starve.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from earmark.ending import Ending
from earmark.ingest import keep_page
from earmark.matching import load_watch
from earmark.reception import heard
from earmark.scoring import score_pending
from earmark_core.clock import Clock
from earmark_core.errors import ConfigError
from earmark_core.model import WindowState
from earmark_core.store import Store
from earmark_listeners.contract import Batch, Listener
from earmark_listeners.polling import Kept, Outcome, poll
from earmark_listeners.schedule import Due, claim_due
from earmark_queue.cases import Cases
from earmark_sentiment.brand_scorers import BrandScorers

POLL_DEADLINE = timedelta(seconds=300)
PAUSE_SECONDS = 0.01

Build = Callable[[str, Mapping[str, Any]], Listener[Any]]


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll of one source came to."""

    source_id: int
    name: str
    channel: str
    outcome: Outcome


class Pipeline:
    """Carries mentions from their source into the queue."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        rng: random.Random,
        build: Build,
        scorers: BrandScorers,
        cases: Cases,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._build = build
        self._scorers = scorers
        self._cases = cases
        self._one_writer = asyncio.Lock()
        self._ending = Ending(store, clock, rng)

    async def claim(self, *, limit: int = 20, only: int | None = None) -> list[Due]:
        """Claims sources that are due; *only* claims that one whatever its schedule."""
        return await asyncio.to_thread(
            claim_due, self._store, self._clock(), self._rng, limit=limit, only=only
        )

    async def poll(self, due: Due) -> Polled:
        """Polls a claimed source, stores what it says, and plans its next poll."""
        outcome = await self._outcome(due)
        await self._ending.finish(due, outcome)
        return Polled(due.source_id, due.name, due.channel, outcome)

    async def _outcome(self, due: Due) -> Outcome:
        cursor = due.cursor

        async def keep(batch: Batch) -> Kept:
            nonlocal cursor
            is_empty = not (batch.items or batch.bad_items or batch.gone)
            if is_empty and batch.cursor in (None, cursor):
                return Kept()  # nothing to remember: most polls of a quiet source end here
            cursor = batch.cursor or cursor
            async with self._one_writer:
                kept = await asyncio.to_thread(self._keep, due, batch)
                if kept.items:  # an empty page was written in no time
                    await asyncio.sleep(PAUSE_SECONDS)
            return kept

        try:
            listener = self._build(due.channel, due.options)
        except ConfigError as error:
            return Outcome(
                state=WindowState.failed,
                error=error.message,
                hint=error.hint,
                needs_person=True,
            )
        outcome = await poll(listener, due.cursor, keep, deadline=POLL_DEADLINE)
        if listener.stability == "push" and outcome.went_well:  # there was nobody to ask
            return await asyncio.to_thread(heard, self._store, due.window_id, self._clock())
        return outcome

    def _keep(self, due: Due, batch: Batch) -> Kept:
        return keep_page(self._store, due, batch, load_watch(self._store), self._clock())

    async def score(self) -> int:
        """Scores what has no score yet, a batch at a time; gives how many."""
        watch = await asyncio.to_thread(load_watch, self._store)
        async with self._one_writer:
            return await asyncio.to_thread(
                score_pending, self._store, self._scorers, watch.names, self._clock
            )

    async def decide(self) -> int:
        """Decides on what was scored, a batch at a time; gives how many."""
        return await asyncio.to_thread(self._cases.decide_pending)

    async def settle(self) -> None:
        """Scores and decides until nothing is left to do."""
        while await self.score():
            pass
        while await self.decide():
            pass
