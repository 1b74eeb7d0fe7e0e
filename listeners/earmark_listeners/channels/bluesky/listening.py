"""Listens on Bluesky, through the account's own server.

Both lists come newest first and are read back to what was heard before. A search has no place to
go on from: its cursor is an offset, and what is posted meanwhile shifts it, so pages overlap.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Rejected, Unavailable
from earmark_core.model import Cursor, Item
from earmark_listeners.bluesky_posts import read_post, to_item
from earmark_listeners.channels.bluesky.options import BlueskyOptions
from earmark_listeners.channels.bluesky.replying import Replying
from earmark_listeners.channels.bluesky.session import Home
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import Back, listing
from earmark_listeners.lengths import graphemes
from earmark_listeners.newest_first import Deleted, Page, Walk, moved_at
from earmark_listeners.replying import RepliesApart
from earmark_listeners.wire import moment_in

_REASONS = ("mention", "reply", "quote")
_PER_LOOK = 25
_LONG = 1_000


class Bluesky(RepliesApart, Listener[BlueskyOptions]):
    """Watches a search, or what is said to us, and answers there."""

    channel: ClassVar[str] = "bluesky"
    summary: ClassVar[str] = "Search, mentions, replies and quotes on Bluesky, with replies"
    options_type: ClassVar[type[BlueskyOptions]] = BlueskyOptions
    needs: ClassVar[str] = "an account, and an app password of it"
    collects: ClassVar[tuple[str, ...]] = ("posts", "mentions", "replies", "quotes")
    cannot: ClassVar[str] = (
        "posts that the search leaves out or finds too late; that a post found by search was "
        "deleted; how many follow an author"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=300,
        max_bytes=3_000,
        length_of=graphemes,
        counted_in="characters as a reader sees them; a link counts in full",
        can_delete=True,
        quota="about 1,600 replies an hour and 11,600 a day for an account",
        default_interval_seconds=300,
        min_interval_seconds=60,
        note="Who is answered is told without an @name. Links, @names and #tags become live.",
    )

    def __init__(self, options: BlueskyOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.home = Home(options, wiring)
        self._own_did = ""
        self._heard: dict[str, datetime] = {}
        self._listed = 0
        self._replying = Replying(self.home, options.reply_language)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new posts, oldest page first; the first poll gives the newest pages only."""
        self._own_did = (await self.home.account()).did
        is_search = self.options.kind == "search"
        walk = Walk(
            self._found if is_search else self._told, self._item, self.clock,
            self.options.base_url,
            overlap=timedelta(minutes=self.options.overlap_minutes),
            max_pages=self.options.max_pages, first_pages=self.options.first_pages,
            moment=moved_at if is_search else self._heard_at, pause=lambda: self.home.pause,
        )  # fmt: skip
        async for batch in walk.newest_first(since):
            yield batch

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what a search holds of a stretch, or what we were told in it.

        The search's cursor ends after about 10,000 posts: then it is asked anew up to the last.
        """
        self._own_did = (await self.home.account()).did
        where, pause = self.options.base_url, lambda: self.home.pause
        walk = Back(self._between, self._item, where, is_bounded=True, pause=pause)
        if self.options.kind != "search":
            walk = Back(listing(self._told), self._item, where, moment=self._heard_at, pause=pause)
        async for batch in walk.pages(start, end, since):
            yield batch

    async def _between(self, token: str, start: datetime, until: datetime) -> Page:
        """Gives a page of a stretch; that a long list ends does not mean that there is no more."""
        page = await self._found(token, since=_written(start), until=_written(until))
        self._listed = len(page.entries) + (self._listed if token else 0)
        is_cut = not page.following and self._listed >= _LONG
        return replace(page, wall=f"the search ended after {self._listed} posts" if is_cut else "")

    async def _found(self, token: str, _: datetime | None = None, **span: str) -> Page:
        options = self.options
        params = {"q": options.query, "sort": "latest", "limit": str(options.limit)}
        params |= span | ({"cursor": token} if token else {})
        params |= {"lang": options.language} if options.language else {}
        try:
            posts, said = await self.home.listed("app.bsky.feed.searchPosts", params, "posts")
        except Rejected as error:
            if error.fault is Fault.invalid and not error.hint:
                error.hint = "Check the query."
            raise
        return Page(posts, str(said.get("cursor") or ""))

    async def _told(self, token: str, floor: datetime | None) -> Page:
        """Gives a page of notifications, each with its post as it stands now.

        A server that does not know `reasons` gives likes and follows as well: they are passed
        over, and tell no less how far back the page reaches.
        """
        params = {"limit": str(self.options.limit), "reasons": list(_REASONS)}
        params |= {"cursor": token} if token else {}
        name = "app.bsky.notification.listNotifications"
        told, said = await self.home.listed(name, params, "notifications")
        moments = [moment_in(each, "indexedAt") for each in told]
        is_past = floor is not None and all(each is not None and each < floor for each in moments)
        following = "" if told and is_past else str(said.get("cursor") or "")
        wanted = [each for each in told if _is_wanted(each)]
        return Page(await self._with_posts(wanted), following)

    async def _with_posts(self, told: Sequence[Any]) -> list[Any]:
        """Adds what only the post tells: counts, its words now, or that it is gone."""
        named = [each.get("uri") for each in told if isinstance(each, dict)]
        uris = list(dict.fromkeys(uri for uri in named if isinstance(uri, str)))
        views: dict[Any, Any] = {}
        try:
            for start in range(0, len(uris), _PER_LOOK):
                some = {"uris": uris[start : start + _PER_LOOK]}
                posts, _ = await self.home.listed("app.bsky.feed.getPosts", some, "posts")
                views |= {each.get("uri"): each for each in posts if isinstance(each, dict)}
        except Unavailable as error:
            if error.rate_limited:
                raise
            return list(told)  # what was told is whole without its counts
        return [_joined(each, views) for each in told]

    def _item(self, raw: Any) -> Item | Deleted | None:
        if isinstance(raw, dict) and raw.get("notFound"):
            return Deleted(str(raw["uri"]))
        post = read_post(raw)
        self._heard[post.uri] = moment_in(raw, "toldAt") or as_utc(post.indexed_at)
        return to_item(post, raw, own_did=self._own_did)

    def _heard_at(self, item: Item) -> datetime | None:
        """Gives when it was told: what an author claims may be years back."""
        return self._heard.get(item.external_id)


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _is_wanted(entry: Any) -> bool:
    """Tells what was said from likes and follows; what cannot be read is not passed over."""
    return not isinstance(entry, dict) or entry.get("reason", "mention") in _REASONS


def _joined(entry: Any, views: Mapping[Any, Any]) -> Any:
    """Gives the post of a notification, with when and why we were told."""
    if not isinstance(entry, dict) or not isinstance(entry.get("uri"), str):
        return entry
    view = views.get(entry["uri"])
    if view is None:
        return {"uri": entry["uri"], "notFound": True}
    return {**view, "reason": entry.get("reason"), "toldAt": entry.get("indexedAt")}
