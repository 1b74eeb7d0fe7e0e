"""Listens to one channel of a Slack workspace.

The channel gives its messages newest first, without what is said in threads. A thread is looked
into when its first message says that there is a newer reply than the one heard last; the cursor
remembers which that was. Each poll looks back over the days in which threads are followed, but
never before where the first poll began.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Self

from earmark_core.clock import as_utc
from earmark_core.errors import Unavailable
from earmark_core.model import Cursor, WindowState
from earmark_listeners.channels.slack.markup import sent_length
from earmark_listeners.channels.slack.messages import ts_of
from earmark_listeners.channels.slack.options import SlackOptions
from earmark_listeners.channels.slack.reading import GoingBack, Reading, Threads
from earmark_listeners.channels.slack.replying import MAX_LENGTH, Replying
from earmark_listeners.channels.slack.server import Workspace
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.newest_first import Walk, read_mark
from earmark_listeners.replying import RepliesApart

_LEAST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a poll ended: the newest message, where the first poll began, and the threads."""

    mark: datetime
    begun: datetime
    threads: dict[str, str]

    @classmethod
    def of(cls, since: Cursor | None, subject: str) -> Self | None:
        """Gives the place of a cursor; raises `Rejected` for one that is none of ours."""
        mark = read_mark(since, subject)
        if since is None or mark is None:
            return None
        kept = json.loads(since)
        threads = kept.get("threads")
        begun = kept.get("begun")
        try:
            at = as_utc(datetime.fromisoformat(begun)) if begun else mark
        except (ValueError, TypeError):
            at = mark
        known = threads if isinstance(threads, dict) else {}
        return cls(mark, at, {str(ts): str(newest) for ts, newest in known.items()})


class Slack(RepliesApart, Listener[SlackOptions]):
    """Watches one channel and its threads, and answers there."""

    channel: ClassVar[str] = "slack"
    summary: ClassVar[str] = "Messages and threads of a channel in Slack, with replies"
    options_type: ClassVar[type[SlackOptions]] = SlackOptions
    needs: ClassVar[str] = (
        "an app of our own in the workspace, invited into the channel, with channels:history "
        "(groups:history for a private channel) and users:read, and chat:write to answer"
    )
    collects: ClassVar[tuple[str, ...]] = ("messages", "replies")
    cannot: ClassVar[str] = (
        "new replies in threads that are older than thread_days; an edit of a reply, and what was "
        "deleted, unless it is looked at again; more than 15 messages a minute with an app that "
        "is sold outside Slack's Marketplace"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=MAX_LENGTH,
        length_of=sent_length,
        counted_in="characters (& counts 5, < and > count 4)",
        can_edit=True,
        can_delete=True,
        quota="one a second in a channel",
        visibility="the members of the channel, in the thread",
        default_interval_seconds=120,
        min_interval_seconds=30,
        note="Goes into the thread. Slack advises 4,000 characters. *Bold* and _italic_ work.",
    )

    def __init__(self, options: SlackOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.workspace = Workspace(options, wiring)
        self._replying = Replying(self.workspace, options)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new messages, oldest page first, then new replies; the cursor comes last."""
        place = _Place.of(since, self.workspace.base_url)
        reading = Reading(self.workspace, self.options, await self.workspace.me())
        threads = reading.threads
        walk = self._walk(reading, place)
        pages = [batch async for batch in walk.newest_first(since)]
        for batch in pages[:-1]:
            yield batch
        if place is None:
            threads.known = dict(threads.now)  # what was said in them earlier is a backfill's
        else:
            threads.known = place.threads
            seen = {item.external_id for batch in pages for item in batch.items}
            async for batch in self._news(reading, seen):
                yield batch
        yield self._last(pages, place, threads)

    async def _news(self, reading: Reading, seen: set[str]) -> AsyncIterator[Batch]:
        """Yields new replies, thread by thread; those not reached are left for the next poll.

        A limit ends it, and is no failure: what was heard so far counts.
        """
        for thread in reading.threads.changed()[: self.options.max_threads]:
            try:
                async for batch in reading.news(thread, seen):
                    yield batch
            except Unavailable as error:
                if not error.rate_limited:
                    raise
                yield Batch(next_poll_after=error.retry_after)
                return

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what was said in a stretch of time, threads included."""
        back = GoingBack(self.workspace, self.options, await self.workspace.me())
        async for batch in back.pages(start, end, since):
            yield batch

    def _walk(self, reading: Reading, place: _Place | None) -> Walk:
        """Gives the way back over the days in which threads are followed, or to our beginning."""
        days = timedelta(days=self.options.thread_days)
        overlap = _LEAST if place is None else max(_LEAST, min(days, place.mark - place.begun))
        return Walk(
            reading.page, reading.read, self.clock, self.workspace.base_url, overlap=overlap,
            max_pages=self.options.max_pages, first_pages=self.options.first_pages,
            moment=lambda item: item.published_at, pause=lambda: self.workspace.pause,
        )  # fmt: skip

    def _last(self, pages: Sequence[Batch], place: _Place | None, threads: Threads) -> Batch:
        """Gives the newest page, which moves the cursor once all the others are stored."""
        last = pages[-1]
        mark = read_mark(last.cursor, self.workspace.base_url) or self.clock()
        heard = [item.published_at for each in pages for item in each.items if item.published_at]
        begun = min(heard, default=mark) if place is None else place.begun
        floor = ts_of(mark - timedelta(days=self.options.thread_days) - _LEAST)
        known = {ts: newest for ts, newest in threads.known.items() if ts >= floor}
        kept = {"after": mark.isoformat(), "begun": begun.isoformat(), "threads": known}
        last = replace(last, cursor=Cursor(json.dumps(kept)))
        left = len(threads.changed())
        if not left or last.note:
            return last
        note = f"{left} threads are left for the next poll"
        return replace(last, state=WindowState.truncated, note=note)
