"""Listens to YouTube.

Comments are listed by when their thread began: a new reply to an older comment stands on no new
page. So each poll reads the newest threads again and asks for the replies of those whose count
changed; the counts are kept in the cursor. Google's terms want what is stored to be refreshed or
deleted within 30 days: set the source's retention accordingly.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Rejected
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.channels.youtube.comments import (
    comment_item,
    entry,
    inline_replies,
    read_thread,
    thread_of,
    video_item,
)
from earmark_listeners.channels.youtube.options import YouTubeOptions
from earmark_listeners.channels.youtube.replying import Replying
from earmark_listeners.channels.youtube.server import Server
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import Back
from earmark_listeners.newest_first import Page, Walk
from earmark_listeners.replying import RepliesApart

_LONG_SEARCH = 300  # YouTube ends a search after some 500 videos, however many there are
_MOST_REPLY_PAGES = 5  # YouTube takes 500 replies to a comment


@dataclass
class _Threads:
    """What a poll knows of threads: replies counted before and now, when each began, pages left."""

    before: Mapping[str, int]
    is_first: bool
    pages_left: int
    now: dict[str, int] = field(default_factory=dict)
    began: dict[str, datetime] = field(default_factory=dict)
    is_short: bool = False


class YouTube(RepliesApart, Listener[YouTubeOptions]):
    """Watches comments on our videos or a search for videos, and answers."""

    channel: ClassVar[str] = "youtube"
    summary: ClassVar[str] = "Comments on YouTube videos, with replies, and videos by search"
    options_type: ClassVar[type[YouTubeOptions]] = YouTubeOptions
    needs: ClassVar[str] = (
        "an API key to read; to answer, an OAuth client and a refresh token with "
        "youtube.force-ssl; Google's terms want what is stored refreshed or deleted within 30 days"
    )
    collects: ClassVar[tuple[str, ...]] = ("comments", "replies", "videos")
    cannot: ClassVar[str] = (
        "new replies to comments older than the newest 100 (see recheck_pages); what is held back "
        "or was taken away; comments on videos of others, but for one video"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True, max_length=10_000, can_edit=True, can_delete=True,
        default_interval_seconds=300, min_interval_seconds=60,
        longest_kept_days=30,  # refreshed or deleted by then; as two products read policy III.E.4
        quota="50 of the project's 10,000 units a day for each reply",
        note="Replies have one level: @name of who is answered is put in front of an answer to a "
        "reply. YouTube may hold a reply back without saying so.",
    )  # fmt: skip

    def __init__(self, options: YouTubeOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.server = Server(options, wiring)
        self.can_answer = options.has_account
        self._replying = Replying(self.server)
        self._own_id = ""
        self._listed = 0
        self._threads = _Threads({}, is_first=True, pages_left=0)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new comments or videos, oldest page first."""
        self._own_id = await self.server.own_id()
        is_search = self.options.kind == "search"
        pages = self._search(since) if is_search else self._comments(since)
        async for batch in pages:
            yield batch

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields the videos of a stretch, or its comments from the newest thread back.

        Comments are listed by when their thread began: of the replies of a stretch, those in
        threads that began before it are not among them.
        """
        self._own_id = await self.server.own_id()
        api, own_id = self.server.api, self._own_id
        walk = Back(
            self._listed_back, lambda found: comment_item(found, self._own_id), "youtube comments",
            moment=self._began, pause=lambda: api.pause,
        )  # fmt: skip
        if self.options.kind == "search":
            walk = Back(
                self._between, lambda raw: video_item(raw, own_id), "youtube search",
                is_bounded=True, pause=lambda: api.pause,
            )  # fmt: skip
        async for batch in walk.pages(start, end, since):
            is_short = self._threads.is_short and not batch.note
            note = "not all replies of some threads were read" if is_short else batch.note
            state = WindowState.truncated if is_short else batch.state
            yield replace(batch, state=state, note=note)

    async def _search(self, since: Cursor | None) -> AsyncIterator[Batch]:
        options = self.options
        walk = Walk(
            self._found, lambda raw: video_item(raw, self._own_id), self.clock, "youtube search",
            overlap=timedelta(hours=options.search_overlap_hours), max_pages=options.max_pages,
        )  # fmt: skip
        rest = timedelta(minutes=options.search_minutes)
        async for batch in walk.newest_first(since):
            yield replace(batch, next_poll_after=max(self.server.api.pause or rest, rest))

    async def _found(
        self, token: str, floor: datetime | None, until: datetime | None = None
    ) -> Page:
        await self.server.count_search()
        given = {"q": self.options.query, "pageToken": token}
        given["relevanceLanguage"] = self.options.language
        given["publishedAfter"] = f"{as_utc(floor):%Y-%m-%dT%H:%M:%SZ}" if floor else ""
        given["publishedBefore"] = f"{as_utc(until):%Y-%m-%dT%H:%M:%SZ}" if until else ""
        videos, said = await self.server.listed(
            "/search", part="snippet", type="video", order="date", maxResults="50",
            **{key: value for key, value in given.items() if value},
        )  # fmt: skip
        return Page(videos, str(said.get("nextPageToken") or ""))

    async def _between(self, token: str, start: datetime, until: datetime) -> Page:
        page = await self._found(token, start, until)
        self._listed = len(page.entries) + (self._listed if token else 0)
        is_cut = not page.following and self._listed >= _LONG_SEARCH
        return replace(page, wall=f"the search ended after {self._listed} videos" if is_cut else "")

    async def _comments(self, since: Cursor | None) -> AsyncIterator[Batch]:
        known = _reply_counts(since)
        pages_left = self.options.max_reply_pages
        self._threads = threads = _Threads(known, since is None, pages_left)
        walk = Walk(
            self._page, lambda found: comment_item(found, self._own_id), self.clock,
            f"youtube {self.options.channel_id or self.options.video_id}",
            overlap=timedelta(minutes=self.options.overlap_minutes), moment=self._began,
            max_pages=self.options.max_pages, pause=lambda: self.server.api.pause,
        )  # fmt: skip
        async for batch in walk.newest_first(since):
            told = batch
            if threads.is_short:
                note = batch.note or "not all new replies were read; the rest comes with the next"
                told = replace(batch, state=WindowState.truncated, note=note)
            if batch.cursor is not None:
                counts = {**json.loads(batch.cursor), "replies": threads.now}
                told = replace(told, cursor=Cursor(json.dumps(counts)))
            yield told

    async def _page(self, token: str, _: datetime | None) -> Page:
        """Gives a page of threads with their replies; the first is several where so many are asked.

        Those are read again each time, however old their threads are.
        """
        entries: list[Any] = []
        seen = {token}
        for _number in range(1 if token else self.options.recheck_pages):
            raws, said = await self._listing(token)
            for raw in raws:
                entries += await self._entries(raw)
            token = str(said.get("nextPageToken") or "")
            if not token or token in seen:
                break
            seen.add(token)
        return Page(entries, token)

    async def _listed_back(self, token: str, _start: datetime, _until: datetime) -> Page:
        """Gives one page of threads with all their replies, as many as a poll may ask for."""
        most = self.options.max_reply_pages
        self._threads = _Threads({}, is_first=False, pages_left=most, began=self._threads.began)
        raws, said = await self._listing(token)
        entries = [each for raw in raws for each in await self._entries(raw)]
        return Page(entries, str(said.get("nextPageToken") or ""))

    async def _listing(self, token: str) -> tuple[Any, Mapping[str, Any]]:
        options = self.options
        of_channel = {"allThreadsRelatedToChannelId": options.channel_id}
        where = of_channel if options.kind == "channel" else {"videoId": options.video_id}
        return await self.server.listed(
            "/commentThreads", part="snippet,replies", order="time", maxResults="100",
            textFormat="plainText", **where, **({"pageToken": token} if token else {}),
        )  # fmt: skip

    async def _entries(self, raw: Any) -> list[Any]:
        """Gives a thread's first comment and its replies, asked for where they changed."""
        thread = read_thread(raw)
        if thread is None:
            return [{"comment": raw, "video_id": "", "channel_id": "", "replies": None}]
        threads, total = self._threads, thread.snippet.totalReplyCount
        first = raw["snippet"]["topLevelComment"]
        threads.began[thread.id] = as_utc(thread.snippet.topLevelComment.snippet.publishedAt)
        replies = inline_replies(raw)
        known = threads.before.get(thread.id, 0)
        if total > len(replies) and total != known and not threads.is_first:
            asked, is_whole = await self._replies(thread.id)
            replies = asked or replies
            if not is_whole:
                threads.is_short, total = True, known
        if total:
            threads.now[thread.id] = total
        return [entry(each, thread) for each in (first, *replies)]

    async def _replies(self, thread_id: str) -> tuple[list[Any], bool]:
        """Gives the replies of a thread, and whether this poll could ask for all of them."""
        found: list[Any] = []
        token, seen = "", {""}
        for _number in range(_MOST_REPLY_PAGES):
            if self._threads.pages_left <= 0:
                return found, False
            self._threads.pages_left -= 1
            try:
                replies, said = await self.server.listed(
                    "/comments", part="snippet", parentId=thread_id, maxResults="100",
                    textFormat="plainText", **({"pageToken": token} if token else {}),
                )  # fmt: skip
            except Rejected as error:
                if error.fault in (Fault.not_found, Fault.forbidden):
                    return found, True  # the thread went away between two requests
                raise
            found += replies
            token = str(said.get("nextPageToken") or "")
            if token in seen:
                break
            seen.add(token)
        return found, True

    def _began(self, item: Item) -> datetime | None:
        """Gives what YouTube orders by: when the comment's thread began."""
        return self._threads.began.get(thread_of(item.external_id), item.published_at)


def _reply_counts(since: Cursor | None) -> Mapping[str, int]:
    """Gives the replies that were counted at the last poll, by thread."""
    try:
        told = json.loads(since or "{}").get("replies", {})
        return {str(thread): int(count) for thread, count in told.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
