"""Reads one channel: its messages, and what is said in a thread below one of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from earmark_core.errors import Fault, Malformed, Rejected
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.channels.slack.messages import moment, named_in, read_message, to_item, ts_of
from earmark_listeners.channels.slack.options import SlackOptions
from earmark_listeners.channels.slack.server import Me, Workspace
from earmark_listeners.contract import Batch
from earmark_listeners.going_back import Back
from earmark_listeners.newest_first import Deleted, Page, read_entries

_HIDDEN: Final = "the workspace's plan hides what is older"


@dataclass(slots=True)
class Threads:
    """Threads by the `ts` of their first message: the newest reply heard, and the newest there."""

    known: dict[str, str]
    now: dict[str, str] = field(default_factory=dict)

    def changed(self) -> list[str]:
        """Gives those with something new, the one that waits longest first."""
        fresh = [ts for ts, newest in self.now.items() if self.known.get(ts) != newest]
        return sorted(fresh, key=lambda ts: self.now[ts])


class Reading:
    """What of a channel becomes items, for as whom we read it."""

    def __init__(self, workspace: Workspace, options: SlackOptions, me: Me) -> None:
        self._workspace = workspace
        self._options = options
        self._me = me
        self.threads = Threads({})

    def read(self, raw: Any) -> Item | Deleted | None:
        """Gives a message as an item, and remembers the thread that it begins."""
        options = self._options
        item = to_item(
            raw, options.channel_id, self._workspace.names, self._me,
            own=options.own, bots=options.include_bots,
        )  # fmt: skip
        message = read_message(raw)
        if message.newest_reply:
            self.threads.now[message.ts] = message.newest_reply
        return item

    async def page(self, token: str, floor: datetime | None, end: datetime | None = None) -> Page:
        """Gives a page of the channel, the newest first."""
        params = {"channel": self._options.channel_id, "limit": str(self._options.limit)}
        params |= {"oldest": ts_of(floor)} if floor is not None else {}
        params |= {"latest": ts_of(end)} if end is not None else {}
        params |= {"cursor": token} if token else {}
        found, following, said = await self._workspace.messages("conversations.history", **params)
        await self._workspace.learn(named_in(found))
        is_hidden = said.get("is_limited") is True and not following
        return Page(found, following, _HIDDEN if is_hidden else "")

    async def below(self, thread: str, oldest: str = "") -> AsyncIterator[Page]:
        """Yields the pages of a thread's replies since *oldest*, without its first message.

        One that ends too early says so as `wall`. A thread that is gone has no pages.
        """
        params = {"channel": self._options.channel_id, "ts": thread,
                  "limit": str(self._options.limit)}  # fmt: skip
        params |= {"oldest": oldest} if oldest else {}
        tokens = {""}
        for number in range(1, self._options.max_pages + 1):
            try:
                found, following, _ = await self._workspace.messages(
                    "conversations.replies", **params
                )
            except Rejected as error:
                if error.fault is Fault.not_found:
                    return
                raise
            await self._workspace.learn(named_in(found))
            is_cut = following in tokens - {""} or (following and number == self._options.max_pages)
            replies = [raw for raw in found if _ts(raw) != thread]
            yield Page(replies, following, "a thread was not read to its end" if is_cut else "")
            if not following or is_cut:
                return
            tokens.add(following)
            params["cursor"] = following

    async def news(self, thread: str, seen: set[str]) -> AsyncIterator[Batch]:
        """Yields what is new in a thread; what was *seen* in the channel is not given again."""
        heard = self.threads.known.get(thread, "")
        oldest, latest = heard if "." in heard else "", heard
        is_forward = True
        async for page in self.below(thread, oldest):
            found = read_entries(page.entries, self.read, seen, self._workspace.base_url)
            seen |= found.names
            told = [_ts(raw) for raw in page.entries]
            is_forward = is_forward and told == sorted(told) and min(told, default="~") > latest
            latest = max([latest, *told])
            if page.wall and is_forward:
                self.threads.known[thread] = latest  # the next poll goes on there
            yield Batch(
                found.items, bad_items=found.bad_items, gone=found.gone, note=page.wall,
                state=WindowState.truncated if page.wall else WindowState.complete,
            )  # fmt: skip
            if page.wall:
                return
        self.threads.known[thread] = self.threads.now[thread]


class GoingBack:
    """Gives a stretch of time with the threads that began in it, or shortly before it."""

    def __init__(self, workspace: Workspace, options: SlackOptions, me: Me) -> None:
        self._reading = Reading(workspace, options, me)
        self._workspace = workspace
        self._lookback = timedelta(days=options.thread_days)

    async def pages(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what `Listener.backfill` promises.

        Replies stand with the message that began their thread, so a moment is given in full only
        once the messages of the days before it are read.
        """
        back = Back(
            self._page, self._reading.read, self._workspace.base_url, moment=_began_at,
            is_bounded=True, pause=lambda: self._workspace.pause,
        )  # fmt: skip
        async for batch in back.pages(start - self._lookback, end, since):
            reached = batch.covers_from
            yield replace(
                batch,
                items=tuple(item for item in batch.items if _is_since(item, start)),
                covers_from=min(end, reached + self._lookback) if reached else None,
            )

    async def _page(self, token: str, floor: datetime, end: datetime) -> Page:
        """Gives a page of the channel with all replies to its messages."""
        page = await self._reading.page(token, floor, end)
        entries: list[Any] = []
        wall = page.wall
        for raw in page.entries:
            entries.append(raw)
            thread = _ts(raw)
            if _has_replies(raw):
                async for replies in self._reading.below(thread):
                    entries += replies.entries
                    wall = wall or replies.wall
        return Page(entries, page.following, wall)


def _ts(raw: Any) -> str:
    return str(raw.get("ts") or "") if isinstance(raw, dict) else ""


def _has_replies(raw: Any) -> bool:
    try:
        return bool(read_message(raw).newest_reply)
    except Malformed:
        return False


def _began_at(item: Item) -> datetime | None:
    """Gives when the thread of an item began, which is where the channel gives it."""
    return moment(item.thread_id.rpartition("/")[2])


def _is_since(item: Item, start: datetime) -> bool:
    return item.published_at is not None and item.published_at >= start
