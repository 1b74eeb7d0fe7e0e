"""Listens to Reddit: searches, new posts and comments of subreddits, our own inbox.

Listings are walked by `after` from the newest back to what was heard before. `before` is never
used: asked for what is newer than something that was deleted, Reddit answers with nothing, for
ever. What was heard lately is asked after by its names in each poll (`/api/info`), because no
listing tells of edits and deletions.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.channels.reddit.memory import Memory
from earmark_listeners.channels.reddit.options import RedditOptions
from earmark_listeners.channels.reddit.replying import MAX_LENGTH, Replying
from earmark_listeners.channels.reddit.server import PER_CALL, Server
from earmark_listeners.channels.reddit.things import Thing, made_at, read_thing, to_item
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import Back
from earmark_listeners.newest_first import Deleted, Page, Walk, read_mark
from earmark_listeners.replying import RepliesApart

_PERIODS: Final = (("day", 1), ("week", 7), ("month", 28), ("year", 365))
_LISTS: Final = {"inbox": "/message/inbox", "mentions": "/message/mentions"}


class Reddit(RepliesApart, Listener[RedditOptions]):
    """Watches subreddits, a search, or our inbox on Reddit, and answers there."""

    channel: ClassVar[str] = "reddit"
    summary: ClassVar[str] = "Posts, comments and mentions on Reddit, with replies"
    options_type: ClassVar[type[RedditOptions]] = RedditOptions
    needs: ClassVar[str] = (
        "an API client that Reddit has approved (new ones need its consent, commercial use a "
        "contract); username and password of a script client, or a refresh token, for the inbox "
        "and for replies, with the scopes read, privatemessages, history and submit"
    )
    collects: ClassVar[tuple[str, ...]] = ("posts", "comments", "mentions", "messages")
    cannot: ClassVar[str] = (
        "comments by a search (listen to the comments of subreddits); more than about 1,000 "
        "entries back; edits and deletions of what is older than the last few hundred"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True, max_length=MAX_LENGTH, can_edit=True, can_delete=True,
        quota="Reddit tells new accounts to wait for minutes between replies",
        default_interval_seconds=120, min_interval_seconds=60,
        note="Markdown. Many subreddits forbid brands to answer: only those in reply_in are "
        "answered, read their rules first.",
    )  # fmt: skip

    def __init__(self, options: RedditOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.server = Server(options, wiring)
        self.can_answer = bool(options.reply_in)
        self._replying = Replying(self.server, options)
        self._listed = 0
        self._is_ended = False

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what is new, oldest page first, then what was edited or deleted meanwhile."""
        options = self.options
        self._listed, self._is_ended = 0, False
        walk = Walk(
            self._page, self._item, self.clock, "reddit",
            overlap=timedelta(seconds=options.overlap_seconds), max_pages=options.max_pages,
            first_pages=options.first_pages, moment=_said_at, pause=lambda: self.server.api.pause,
        )  # fmt: skip
        mark = read_mark(since, "reddit")
        floor = None if mark is None else mark - walk.overlap
        batches = self._with_wall([batch async for batch in walk.newest_first(since)], floor)
        memory = Memory.of(since).with_page(batches, options.recheck)
        again = memory.unheard(batches) if mark is not None else []
        for batch in batches[:-1]:
            yield batch
        ended = batches[-1].cursor
        yield replace(batches[-1], cursor=memory.put_in(ended, is_checked=not again))
        if mark is not None and again:
            items, gone = await self._changed(again, (memory.checked or mark) - walk.overlap)
            left = memory.without(gone).put_in(ended, is_checked=True)
            pause = self.server.api.pause
            yield Batch(tuple(items), cursor=left, gone=tuple(gone), next_poll_after=pause)

    def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what a list still holds of a stretch: it ends after about 1,000 entries.

        A walk that is taken up again begins at the newest: what is asked for after an entry that
        was deleted meanwhile is answered with nothing.
        """
        self._listed, self._is_ended = 0, False

        async def ask(token: str, _start: datetime, _until: datetime) -> Page:
            page = await self._page(token, start)
            is_cut = self._is_ended and self._listed >= self.options.cut_off_at
            wall = f"Reddit's list ended after {self._listed} entries" if is_cut else ""
            return replace(page, wall=wall)

        walk = Back(ask, self._item, "reddit", when=made_at, pause=lambda: self.server.api.pause)
        return walk.pages(start, end, since)

    async def _page(self, token: str, floor: datetime | None) -> Page:
        options = self.options
        params = {"limit": str(PER_CALL)} | ({"after": token} if token else {})
        path = _LISTS.get(options.kind, f"/r/{options.subreddits}/{options.kind}")
        if options.kind in _LISTS:
            params["mark"] = "false"
        if options.kind == "search":
            path = path if options.subreddits else "/search"
            params |= {"q": options.query, "sort": "new", "type": "link"}
            params |= {"t": self._period(floor)}
            params |= {"restrict_sr": "on"} if options.subreddits else {}
        entries, following = await self.server.listing(path, **params)
        self._listed += len(entries)
        self._is_ended = not following
        return Page(entries, following)

    def _period(self, floor: datetime | None) -> str:
        """Gives the shortest period that a search is asked for by which nothing is lost."""
        if floor is None:
            return "week"
        age = self.clock() - floor
        return next((name for name, days in _PERIODS if age < timedelta(days=days)), "all")

    def _item(self, entry: Any) -> Item | Deleted:
        return to_item(entry, self.options.site, self.options.username)

    def _with_wall(self, batches: list[Batch], floor: datetime | None) -> list[Batch]:
        """Says that a list ended before it reached what was heard before: Reddit cuts them off."""
        heard = [_said_at(item) for batch in batches for item in batch.items]
        oldest = min((as_utc(moment) for moment in heard if moment), default=None)
        is_cut = self._is_ended and self._listed >= self.options.cut_off_at
        if not is_cut or floor is None or oldest is None or oldest <= floor:
            return batches
        note = f"Reddit's list ended after {self._listed}; what came before is not heard"
        state = WindowState.truncated
        return [replace(b, state=state, covers_from=oldest, note=note) for b in batches]

    async def _changed(self, names: Sequence[str], floor: datetime) -> tuple[list[Item], list[str]]:
        """Asks after what was heard lately; gives what was edited since, and what is gone."""
        items: list[Item] = []
        gone: list[str] = []
        for entry in await self._titled(await self.server.by_name(names), floor):
            with suppress(Malformed):  # it was read well once, and is asked after again
                found = self._item(entry)
                if isinstance(found, Deleted):
                    gone.append(found.external_id)
                elif found.edited_at and found.edited_at >= floor:
                    items.append(found)
        return items, gone

    async def _titled(self, entries: Sequence[Any], floor: datetime) -> list[Any]:
        """Puts the title of the post above into edited comments: found by name they lack it."""
        links = {thing.link_id for thing in _readable(entries) if _is_edited(thing, floor)} - {""}
        above = await self.server.by_name(sorted(links)) if links else []
        titles = {thing.name: thing.title for thing in _readable(above)}
        return [_with_title(entry, titles) for entry in entries]


def _said_at(item: Item) -> datetime | None:
    """What listings are ordered by: an edit moves nothing."""
    return item.published_at


def _readable(entries: Sequence[Any]) -> list[Thing]:
    found = []
    for entry in entries:
        with suppress(Malformed):
            found.append(read_thing(entry))
    return found


def _is_edited(thing: Thing, floor: datetime) -> bool:
    edited = thing.edited
    is_told = isinstance(edited, float) and not thing.gone
    return is_told and thing.kind == "comment" and float(edited or 0) >= floor.timestamp()


def _with_title(entry: Any, titles: Mapping[str, str]) -> Any:
    data = entry.get("data") if isinstance(entry, dict) else None
    title = titles.get(str(data.get("link_id"))) if isinstance(data, dict) else None
    return {**entry, "data": {**data, "link_title": title}} if title and data else entry
