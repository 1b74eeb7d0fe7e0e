"""Fetching what a source said earlier: the work behind a backfill job.

A page is one transaction: items, the window in the ledger, and how far the job is. Whoever takes
the job next goes on behind the last page. What is found is history and opens no case.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from earmark.app import Parts
from earmark.cleaning import Place, prepare
from earmark.ingest import store_rows
from earmark.matching import load_watch
from earmark.quarantine import keep_bad_items
from earmark_core import jobs
from earmark_core.errors import EarmarkError, Unavailable
from earmark_core.jobs import JobRow
from earmark_core.model import Cursor, WindowState
from earmark_core.tables import Job, PollWindow, Source
from earmark_listeners.contract import Batch

PAGE_SECONDS = 120.0
PAUSE_SECONDS = 1.0
MOST_REST = timedelta(minutes=15)
_REST_STEP = 60.0


class Backfilling:
    """One backfill job at work; *pause* is the wait between two pages, to be polite.

    A source that asks for a longer wait, up to 15 minutes, is given it by *sleep*.
    """

    def __init__(
        self,
        parts: Parts,
        job: JobRow,
        *,
        pause: float | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._parts = parts
        self._job = job
        self._pause = PAUSE_SECONDS if pause is None else pause
        self._sleep = sleep
        self._has_waited = False
        self._start = datetime.fromisoformat(job.payload["start"])
        self._end = datetime.fromisoformat(job.payload["end"])
        self._cursor = job.payload.get("cursor")
        self.total = int((self._end - self._start).total_seconds())
        self.done = job.done

    async def run(self, tick: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        """Works to the end, or until somebody wants it cancelled, and closes the job."""
        try:
            while (rest := await self._walk(tick)) is not None:
                if not await self._rested(rest):
                    return
        except TimeoutError:
            self._close("failed", "The source took too long to answer.")
        except EarmarkError as error:
            self._close("failed", f"{error.message} {error.hint}".strip())

    async def _walk(self, tick: Callable[[int, int], None]) -> timedelta | None:
        """Stores pages to the end and closes the job; gives the wait where the source wants one.

        Whoever has waited walks on from the last page that was stored.
        """
        place, pages = await asyncio.to_thread(self._begin)
        async with aclosing(pages):  # type: ignore[type-var]  # a generator
            while True:
                try:
                    batch = await self._next(pages)
                except Unavailable as error:
                    if not self._may_wait(error):
                        raise
                    return error.retry_after
                if batch is None:
                    break
                if not await asyncio.to_thread(self._keep, place, batch):
                    return None
                self._has_waited = False
                tick(self.done, self.total)
                if not await self._rested(batch.next_poll_after or timedelta()):
                    return None
        await asyncio.to_thread(self._finish)
        tick(self.done, self.total)
        return None

    def _may_wait(self, error: Unavailable) -> bool:
        """Tells whether the same page is asked for again later: once, and not after long."""
        asked, has_waited = error.retry_after, self._has_waited
        self._has_waited = True
        return error.rate_limited and asked is not None and asked <= MOST_REST and not has_waited

    async def _rested(self, asked: timedelta) -> bool:
        """Waits before the next page, the job's lease kept; False where it is to be cancelled.

        A source that asks for more than we wait refuses the next page, and says until when.
        """
        left = max(self._pause, min(asked, MOST_REST).total_seconds())
        while left > _REST_STEP:
            await self._sleep(_REST_STEP)
            left -= _REST_STEP
            if await asyncio.to_thread(self._is_cancelled):
                return False
        await self._sleep(left)
        return True

    def _is_cancelled(self) -> bool:
        """Extends the lease; ends the job where somebody wants that."""
        parts, job = self._parts, self._job
        wanted = jobs.progress(
            parts.store, job.id, done=self.done, total=self.total, now=parts.clock()
        )
        if wanted:
            self._close("cancelled", "It was stopped.")
        return wanted

    def _begin(self) -> tuple[Place, AsyncIterator[Batch]]:
        with self._parts.store.read() as session:
            source = session.get_one(Source, self._job.payload["source_id"])
            place = Place(
                source_id=source.id or 0, brand_id=source.brand_id, channel=source.channel,
                include=source.include, exclude=source.exclude, takes_all=source.takes_all,
                is_history=True, name=source.name,
            )  # fmt: skip
            options = dict(source.options)
        cursor = Cursor(self._cursor) if self._cursor else None
        listener = self._parts.build(place.channel, options)
        return place, listener.backfill(self._start, self._end, cursor)

    async def _next(self, pages: AsyncIterator[Batch]) -> Batch | None:
        async with asyncio.timeout(PAGE_SECONDS):
            return await anext(pages, None)

    def _keep(self, place: Place, batch: Batch) -> bool:
        """Stores a page; gives False where the job has ended or is somebody else's now."""
        parts, now = self._parts, self._parts.clock()
        rows = prepare(batch.items, place, now)
        found = load_watch(parts.store).matches(place, rows)
        reached = max(self._start, min(batch.covers_from or self._end, self._end))
        with parts.store.write() as session:
            job = jobs.hold(session, self._job, done=self.done, now=now)
            if job is None:
                return False
            kept = store_rows(parts.store, session, place, rows, found, now)
            keep_bad_items(session, place, batch.bad_items, now)
            payload = dict(job.payload)
            window = self._window(session, payload, now)
            window.covers_from = reached
            window.pages += 1
            window.items += kept.items
            window.new_items += kept.new
            window.bad_items += len(batch.bad_items)
            if batch.state is WindowState.truncated:
                window.state, window.note = WindowState.truncated, batch.note
            payload["new"] = payload.get("new", 0) + kept.new
            self._cursor = str(batch.cursor) if batch.cursor else payload.get("cursor")
            payload["cursor"] = self._cursor
            payload["short"] = batch.note if batch.state is WindowState.truncated else ""
            job.payload = payload
            self.done = max(self.done, int((self._end - reached).total_seconds()))
            job.done, job.total = self.done, self.total
            if job.wants_cancel:
                _end(job, "cancelled", self._words(payload, reached), now)
            return not job.wants_cancel

    def _window(self, session: Session, payload: dict[str, Any], now: datetime) -> PollWindow:
        """Gives the job's one window in the ledger: from how far it is to the stretch's end."""
        window = session.get(PollWindow, payload["window_id"]) if "window_id" in payload else None
        if window is None:
            window = PollWindow(
                source_id=self._job.payload["source_id"], state=WindowState.backfilled,
                covers_from=self._end, started_at=now, ended_at=self._end,
            )  # fmt: skip
            session.add(window)
            session.flush()
            payload["window_id"] = window.id
        return window

    def _finish(self) -> None:
        """Closes the job: the whole stretch is heard, or as much as the source still gives."""
        now = self._parts.clock()
        with self._parts.store.write() as session:
            job = jobs.hold(session, self._job, done=self.done, now=now)
            if job is None:
                return
            payload = dict(job.payload)
            window, short = self._window(session, payload, now), payload.get("short")
            if not short:
                window.covers_from = self._start
            words = self._words(payload, window.covers_from or self._end)
            words += f" What came before is not given: {short}." if short else ""
            self.done = self.total
            job.payload, job.done, job.total = payload, self.done, self.total
            _end(job, "done", words, now)

    def _close(self, state: str, why: str) -> None:
        hint = "Ask for the same stretch again: it goes on where it was."
        jobs.end(self._parts.store, self._job.id, state=state, note=f"{why} {hint}",
                 now=self._parts.clock())  # fmt: skip

    def _words(self, payload: dict[str, Any], reached: datetime) -> str:
        whole = f"{reached:%d %b %Y %H:%M} to {self._end:%d %b %Y %H:%M} UTC"
        return f"{payload.get('new', 0):,} new mentions, {whole}."


def _end(job: Job, state: str, note: str, now: datetime) -> None:
    job.state, job.note, job.ended_at, job.lease_until = state, note, now, None
