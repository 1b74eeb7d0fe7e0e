"""Listens to Stack Exchange.

Questions are asked for by their last activity, the oldest first, from the mark on: an edit and an
answer move it, a comment does not. The next page begins where the last one ended, not at a page
number, because a question that moves meanwhile would push another one over the edge of a page.
Then the answers to those questions, then the comments below the posts that moved last.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_listeners.channels.stackexchange.history import History
from earmark_listeners.channels.stackexchange.options import StackExchangeOptions
from earmark_listeners.channels.stackexchange.posts import Answer, Question, Site, moment
from earmark_listeners.channels.stackexchange.replying import Replying
from earmark_listeners.channels.stackexchange.server import Server
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.newest_first import read_mark
from earmark_listeners.replying import RepliesApart
from earmark_listeners.wire import bad_item, read_as

_FEW: Final = 2
_NAME: Final = "stackexchange"
_LATER: Final = "what follows comes with the next poll"
_SHORT: Final = "there were more answers than could be read"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a poll ended: activity heard, comments heard, posts to ask after, and if it is late.

    `watch` holds (post, its question), the last that moved first.
    """

    after: datetime
    commented: datetime
    watch: tuple[tuple[str, str], ...] = ()
    is_behind: bool = False

    def cursor(self) -> Cursor:
        return Cursor(json.dumps({
            "after": self.after.isoformat(), "commented": self.commented.isoformat(),
            "watch": [list(pair) for pair in self.watch], "behind": self.is_behind,
        }))  # fmt: skip

    def watching(self, moved: Sequence[tuple[str, str]], most: int) -> "_Place":
        return replace(self, watch=tuple(dict.fromkeys([*reversed(moved), *self.watch]))[:most])


class StackExchange(RepliesApart, Listener[StackExchangeOptions]):
    """Watches the questions of a tag or a search on one site, and answers below them."""

    channel: ClassVar[str] = _NAME
    summary: ClassVar[str] = "Questions, answers and comments on Stack Overflow and its sisters"
    options_type: ClassVar[type[StackExchangeOptions]] = StackExchangeOptions
    needs: ClassVar[str] = (
        "nothing for one source in a quarter of an hour (300 requests a day); a key for more, and "
        "an access token with write_access of an application with a Stack Apps post to answer"
    )
    collects: ClassVar[tuple[str, ...]] = ("questions", "answers", "comments")
    cannot: ClassVar[str] = (
        "what was deleted; comments below posts that have not moved lately, and their edits"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True, min_length=15, max_length=600, can_edit=True, can_delete=True,
        quota="from 50 reputation on 3 comments a day, one more for each 25 reputation",
        default_interval_seconds=900, min_interval_seconds=60,
        note="The site demands that you say whom you work for. Advertising is deleted.",
    )  # fmt: skip

    def __init__(self, options: StackExchangeOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.server = Server(options, wiring)
        self.can_answer = bool(options.access_token)
        self._replying = Replying(self.server, options)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields questions that moved, with their answers, oldest first; then comments."""
        self.server.pause, self.server.is_short = None, False
        site = Site(self.options.origin, await self.server.own_id())
        place = self._place(since)
        if place is None:
            yield await self._newest(site)
            return
        async for batch, reached in self._onward(site, place):
            place = reached
            yield batch
        if self.options.with_comments and place.watch:
            yield await self._comments(site, place)

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what was said in a stretch, below the questions that moved last first."""
        site = Site(self.options.origin, await self.server.own_id())
        history = History(self.server, self.options, self._search, site)
        async for batch in history.pages(start, end, since):
            yield batch

    def _place(self, since: Cursor | None) -> _Place | None:
        after = read_mark(since, _NAME)
        if since is None or after is None:
            return None
        kept = json.loads(since)
        try:
            commented = as_utc(datetime.fromisoformat(kept["commented"]))
            watch = tuple((str(post), str(question)) for post, question in kept["watch"])
        except (KeyError, TypeError, ValueError):
            return _Place(after, after)
        return _Place(after, commented, watch, kept.get("behind") is True)

    async def _search(self, **params: str) -> tuple[Sequence[Any], bool]:
        options = self.options
        asked = {"sort": "activity", "pagesize": str(options.page_size), **params}
        asked |= {"tagged": options.tagged} if options.tagged else {}
        asked |= {"q": options.query} if options.query else {}
        return await self.server.page("/search/advanced", **asked)

    async def _newest(self, site: Site) -> Batch:
        """Gives the page of the first poll: the questions that moved last, without what is below.

        What comes below them from now on is heard by the polls that follow.
        """
        raw, _ = await self._search(order="desc", page="1")
        found = _Found(site, self.clock())
        found.questions(raw)
        latest = found.latest or self.clock()
        place = _Place(latest, latest).watching(found.moved, self.options.watch)
        return found.batch(place.cursor(), self.server.pause)

    async def _onward(self, site: Site, place: _Place) -> AsyncIterator[tuple[Batch, _Place]]:
        """Gives what moved since, page by page, each with the place that it ends at."""
        overlap = timedelta(seconds=0 if place.is_behind else self.options.overlap_seconds)
        floor = low = place.after - overlap
        seen: set[str] = set()
        number, most = 1, self.options.max_pages
        for asked in range(1, most + 1):
            raw, has_more = await self._search(order="asc", min=_epoch(low), page=str(number))
            found = _Found(site, self.clock(), seen)
            found.questions(raw)
            if self.options.with_answers and found.answered:
                ids = list(found.answered)
                found.answers(
                    await self.server.below(ids, "answers", sort="activity", min=_epoch(floor))
                )
            latest = found.latest or low
            number = 1 if latest > low else number + 1
            low = max(latest, low)
            is_last = asked == most or self.server.pause is not None or not has_more
            place = replace(place, after=max(place.after, low), is_behind=has_more)
            place = place.watching(found.moved, self.options.watch)
            note = _LATER if is_last and has_more else _SHORT if self.server.is_short else ""
            yield found.batch(place.cursor(), self.server.pause, note), place
            if is_last:
                return

    async def _comments(self, site: Site, place: _Place) -> Batch:
        since = place.commented - timedelta(seconds=self.options.overlap_seconds)
        threads = dict(place.watch)
        raw = await self.server.below(
            list(threads), "comments", sort="creation", order="asc", fromdate=_epoch(since)
        )
        found = _Found(site, self.clock())
        found.comments(raw, threads)
        latest = max([place.commented, *found.said])
        place = replace(place, commented=min(latest, self.clock()))
        note = _LATER if self.server.is_short else ""
        return found.batch(place.cursor(), self.server.pause, note)


class _Found:
    """What a page gave: items, what could not be read, and the posts that moved, oldest first."""

    def __init__(self, site: Site, now: datetime, seen: set[str] | None = None) -> None:
        self._site = site
        self._now = now
        self._seen = set() if seen is None else seen
        self._items: list[Item] = []
        self._bad: list[BadItem] = []
        self.moved: list[tuple[str, str]] = []
        self.answered: dict[str, str] = {}
        self.latest: datetime | None = None
        self.said: list[datetime] = []

    def questions(self, entries: Sequence[Any]) -> None:
        """Takes a page of questions, in the order of their activity."""
        by_activity: list[tuple[datetime, Question, Item]] = []
        for raw in entries:
            try:
                item = self._site.question(raw)
                question = read_as(Question, raw)
                by_activity.append((moment(question.last_activity_date), question, item))
            except Malformed as error:
                self._bad.append(bad_item(error.message, raw))
        if len(self._bad) > _FEW and not by_activity:
            raise Malformed("None of the questions can be read.", subject=_NAME)
        for at, question, item in sorted(
            by_activity, key=lambda each: (each[0], each[1].question_id)
        ):
            self.latest = min(max(at, self.latest or at), self._now)
            self.moved.append((question.question_id, question.question_id))
            if question.answer_count:
                self.answered[question.question_id] = question.title
            self._take(item)

    def answers(self, entries: Sequence[Any]) -> None:
        """Takes answers to the questions of this page."""
        for raw in entries:
            try:
                answer = read_as(Answer, raw)
                self._take(self._site.answer(raw, self.answered.get(answer.question_id, "")))
                self.moved.append((answer.answer_id, answer.question_id))
            except Malformed as error:
                self._bad.append(bad_item(error.message, raw))

    def comments(self, entries: Sequence[Any], threads: Mapping[str, str]) -> None:
        """Takes comments; *threads* names the question of each post."""
        for raw in entries:
            post = str(raw.get("post_id", "")) if isinstance(raw, dict) else ""
            try:
                item = self._site.comment(raw, threads.get(post, post))
            except Malformed as error:
                self._bad.append(bad_item(error.message, raw))
                continue
            self._take(item)
            self.said += [item.published_at] if item.published_at else []

    def batch(self, cursor: Cursor, pause: timedelta | None, note: str = "") -> Batch:
        """Gives it as a page; *note* says what is missing."""
        state = WindowState.truncated if note else WindowState.complete
        return Batch(
            tuple(self._items), cursor=cursor, bad_items=tuple(self._bad), state=state,
            note=note, next_poll_after=pause,
        )  # fmt: skip

    def _take(self, item: Item) -> None:
        if item.external_id not in self._seen:
            self._seen.add(item.external_id)
            self._items.append(item)


def _epoch(at: datetime) -> str:
    return str(max(0, int(at.timestamp())))
