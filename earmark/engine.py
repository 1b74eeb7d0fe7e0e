"""When things run: a handful of fixed ticks, and work that is submitted once per key.

The durable state is in the rows, so the embedded engine may lose submitted work in a crash:
each unit is found again from a row whose lease runs out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
)
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)

Tick = Callable[[], Awaitable[None]]
Work = Callable[..., Coroutine[Any, Any, None]]


class Engine(Protocol):
    """What runs ticks and work, on one machine or on many."""

    async def every(self, name: str, seconds: float, fn: Tick) -> None:
        """Runs *fn* each *seconds*, never twice at once; runs that were missed become one."""
        ...

    async def submit(self, fn: Work, *, key: str, **kw: Any) -> bool:
        """Runs *fn* once, soon; gives False if work of the same key is under way."""
        ...

    async def run(self) -> None:
        """Runs until stopped, then lets what is under way end."""
        ...


class Embedded:
    """One process: APScheduler for the ticks, asyncio tasks for the work."""

    def __init__(self, *, patience_seconds: float = 8.0) -> None:
        # The memory store is a decision: job stores pickle, and who can write one runs code here.
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        self._scheduler.add_listener(
            self._note, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES
        )
        self._work: dict[str, asyncio.Task[None]] = {}
        self._stop = asyncio.Event()
        self._patience = patience_seconds
        self.skipped: dict[str, int] = {}

    async def every(self, name: str, seconds: float, fn: Tick) -> None:
        """Runs *fn* each *seconds*, never twice at once; runs that were missed become one."""
        self._scheduler.add_job(fn, "interval", seconds=seconds, id=name, name=name)

    async def submit(self, fn: Work, *, key: str, **kw: Any) -> bool:
        """Runs *fn* once, soon; gives False if work of the same key is under way."""
        if key in self._work or self._stop.is_set():
            return False
        task = asyncio.create_task(fn(**kw), name=key)
        self._work[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))
        return True

    async def run(self) -> None:
        """Runs until stopped, then lets what is under way end within the patience."""
        self._scheduler.start()
        await self._stop.wait()
        self._scheduler.pause()
        if self._work:
            await asyncio.wait(self._work.values(), timeout=self._patience)
        for task in list(self._work.values()):
            task.cancel()
        await asyncio.gather(*self._work.values(), return_exceptions=True)
        self._scheduler.shutdown(wait=False)

    def stop(self) -> None:
        """Asks the engine to end; safe to call from a signal handler, and twice."""
        self._stop.set()

    def _ended(self, key: str, task: asyncio.Task[None]) -> None:
        self._work.pop(key, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("work broke off", extra={"key": key}, exc_info=task.exception())

    def _note(self, event: JobExecutionEvent) -> None:
        if event.code == EVENT_JOB_ERROR:
            log.error("a tick broke off", extra={"tick": event.job_id}, exc_info=event.exception)
            return
        self.skipped[event.job_id] = self.skipped.get(event.job_id, 0) + 1
