"""The worker: polls, scores, decides, delivers and watches the clocks, each on its tick."""

import asyncio
import logging
import os
import signal
from datetime import timedelta

from earmark import copies, jobs
from earmark.app import Parts, may_be_looked_at
from earmark.engine import Embedded
from earmark.pipeline import Pipeline
from earmark.rechecking import EVERY_SECONDS, Rechecking
from earmark_core.budget_rows import sweep
from earmark_core.errors import StoreError
from earmark_core.jobs import JobRow, claim
from earmark_core.tables import Heartbeat
from earmark_listeners.schedule import Due
from earmark_queue import clocks
from earmark_queue.outbox import Outbox

log = logging.getLogger(__name__)

NAME = "worker"


class Worker:
    """One process that does all the work behind the pages."""

    def __init__(self, parts: Parts, engine: Embedded, *, parent: int = 0) -> None:
        self._parts = parts
        self._parent = parent
        self._engine = engine
        self._pipeline: Pipeline = parts.pipeline()
        self._outbox: Outbox = parts.outbox
        self._rechecking = Rechecking(
            parts.store, parts.clock, parts.responder_for, may_be_looked_at
        )
        self._at_once = parts.settings.limits.polls_at_once
        self._polling = 0
        self._claims = False
        self._has_room = False

    async def run(self) -> None:
        """Works until SIGTERM or SIGINT, then ends what is under way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._engine.stop)
        ticks = (
            ("due", 1.0, self.due),
            ("understand", 1.0, self.understand),
            ("outbox", 1.0, self.deliver),
            ("clocks", 5.0, self.clocks),
            ("jobs", 1.0, self.jobs),
            ("nightly", 600.0, self.nightly),
            ("recheck", EVERY_SECONDS, self.recheck),
            ("heartbeat", 2.0, self.heartbeat),
        )
        for name, seconds, tick in ticks:
            await self._engine.every(name, seconds, tick)
        await self.heartbeat()
        await self._engine.run()

    async def due(self) -> None:
        """Claims sources that are due and polls them beside each other."""
        self._has_room = True
        if self._claims:
            return  # whoever claims now takes what became free meanwhile along
        self._claims = True
        try:
            while self._has_room:
                self._has_room = False
                await asyncio.sleep(0)  # polls that end together give all their places back first
                free = self._at_once - self._polling
                for due in await self._pipeline.claim(limit=free) if free > 0 else ():
                    await self._engine.submit(self._poll, key=f"poll:{due.source_id}", due=due)
        finally:
            self._claims = False

    async def _poll(self, due: Due) -> None:
        self._polling += 1
        try:
            polled = await self._pipeline.poll(due)
        except StoreError as error:
            log.error("a page could not be stored: %s", error)
            return
        finally:
            self._polling -= 1
        await self.due()  # what waited for a free place need not wait for the next tick
        if polled.outcome.error:
            log.warning(
                "poll failed",
                extra={"source": polled.name, "reason": polled.outcome.error},
            )

    async def understand(self) -> None:
        """Scores what is new and decides on it, until nothing is left."""
        await self._pipeline.settle()

    async def deliver(self) -> None:
        """Sends what was approved and is due."""
        await self._outbox.deliver_due(20)

    async def recheck(self) -> None:
        """Looks again at what is worked on or recent: was it edited, is it still there?"""
        found = await self._rechecking.round()
        if found.gone or found.edited:
            log.info("looked again", extra={"gone": found.gone, "edited": found.edited})

    async def clocks(self) -> None:
        """Wakes what was snoozed and raises what is late."""
        await asyncio.to_thread(clocks.tick, self._parts.store, self._parts.clock)

    async def jobs(self) -> None:
        """Does what the pages asked for; what takes long goes on beside the rest."""
        job = await asyncio.to_thread(claim, self._parts.store, self._parts.clock())
        if job is None:
            return
        if job.kind in jobs.LONG:
            await self._engine.submit(self._do, key=f"job:{job.id}", job=job)
        else:
            await self._do(job)

    async def _do(self, job: JobRow) -> None:
        await jobs.do(self._parts, self._pipeline, job)

    async def nightly(self) -> None:
        """Asks once a day to learn and to remove what is due, and clears away what is old."""
        await asyncio.to_thread(jobs.ask_nightly, self._parts)
        await asyncio.to_thread(sweep, self._parts.store, self._parts.clock())
        await asyncio.to_thread(copies.forget, self._parts.store, self._parts.clock())

    async def heartbeat(self) -> None:
        """Says that the worker is alive; ends it when whoever started it is gone."""
        if self._parent and os.getppid() != self._parent:
            self._engine.stop()
        await asyncio.to_thread(beat, self._parts)


def beat(parts: Parts, name: str = NAME) -> None:
    """Writes the process's heartbeat."""
    with parts.store.write() as session:
        session.merge(Heartbeat(name=name, pid=os.getpid(), at=parts.clock(), note=""))


def heartbeat_age(parts: Parts, name: str = NAME) -> timedelta | None:
    """Gives how long ago the process was last heard, None for never."""
    with parts.store.read() as session:
        row = session.get(Heartbeat, name)
        return None if row is None else parts.clock() - row.at
