"""Listens to a Facebook Page, and answers there.

Comments come inside the newest posts, the newest first; where more than the first few are new,
they are read on below that post. Meta gives no list of all comments of a Page.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field

from earmark_core.model import Cursor, Item
from earmark_listeners.channels.facebook.deliveries import taker
from earmark_listeners.channels.facebook.items import (
    COMMENT_FIELDS,
    POST_FIELDS,
    RATING_FIELDS,
    Found,
    comment_item,
    made_at,
    post_item,
    rating_item,
)
from earmark_listeners.channels.facebook.replying import Replying
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import Back
from earmark_listeners.graph import Below, Graph, GraphOptions, edge_of
from earmark_listeners.graph_deliveries import gathered, greeted
from earmark_listeners.newest_first import Page, Walk
from earmark_listeners.receiving import Incoming
from earmark_listeners.replying import RepliesApart

_ORDER = {"filter": "stream", "order": "reverse_chronological"}
_MOST_BACK = 100  # pages of comments read below one page of posts
_INSIDE = 25  # with more in one answer Meta asks for less
_EDGES = {
    "posts": ("feed", POST_FIELDS),
    "ratings": ("ratings", RATING_FIELDS),
    "tagged": ("tagged", POST_FIELDS),
}


class FacebookOptions(GraphOptions):
    """Options of a Facebook source."""

    kind: Literal["comments", "posts", "ratings", "tagged"] = Field(
        default="comments",
        description="what is listened to: comments below our posts and visitors', posts on the "
        "Page, recommendations, or posts elsewhere that tag the Page",
    )
    page_id: str = Field(pattern=r"^[0-9]{1,40}$", description="number of the Page")


class Facebook(RepliesApart, Listener[FacebookOptions]):
    """Watches one Page, and answers as the Page."""

    channel: ClassVar[str] = "facebook"
    summary: ClassVar[str] = "Comments, posts and recommendations of a Facebook Page, with replies"
    options_type: ClassVar[type[FacebookOptions]] = FacebookOptions
    needs: ClassVar[str] = (
        "a reviewed app and a Page token with pages_read_engagement and pages_read_user_content; "
        "pages_manage_engagement to answer"
    )
    collects: ClassVar[tuple[str, ...]] = ("comments", "posts", "recommendations")
    cannot: ClassVar[str] = (
        "what is said off the Page, except posts that tag it; comments below older posts than "
        "the newest (as many as the option posts says) and what was taken away, unless Meta "
        "delivers them (webhook)"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    is_push: ClassVar[bool] = True
    shares_address: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=8_000,
        can_edit=True,
        can_delete=True,
        default_interval_seconds=900,
        min_interval_seconds=120,
        note="The reply is said by the Page, in public, below the comment or post.",
    )

    def __init__(self, options: FacebookOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.graph = Graph(options, wiring)
        self._below = Below(self.graph, made_at, None, 0)
        self._replying = Replying(self.graph, options.page_id)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what is new or may have been edited, oldest page first."""
        walk = Walk(
            self._ask, self._item, self.clock, f"Page {self.options.page_id}",
            overlap=timedelta(hours=self.options.overlap_hours),
            max_pages=self.options.max_pages, pause=lambda: self.graph.api.pause,
        )  # fmt: skip
        async for batch in walk.newest_first(since):
            yield self._below.told(batch)

    def handshake(self, query: Mapping[str, str]) -> str:
        """Answers Meta, which asks whether the address is ours."""
        return greeted(query, self.options, self.secret)

    def receive(self, incoming: Incoming) -> Batch:
        """Gives what Meta tells of the Page; see `Receiver.receive`."""
        page_id = self.options.page_id
        take = taker(self.options.kind, page_id)
        return gathered(
            incoming, self.options, self.secret, what="page", account=page_id, take=take
        )

    def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what a list holds of a stretch.

        Comments are looked for below the posts of the stretch and the newest before it, as many
        as a poll looks below: only once all are read is it known how far back all was heard.
        """
        is_below = self.options.kind == "comments"

        async def ask(token: str, first: datetime, until: datetime) -> Page:
            if is_below:
                return await self._comments_back(token, first, until)
            return await self._ask(token, first, until)

        walk = Back(
            ask, self._item, f"Page {self.options.page_id}",
            when=(lambda _: None) if is_below else made_at, pause=lambda: self.graph.api.pause,
        )  # fmt: skip
        return walk.pages(start, end, since)

    async def _ask(
        self, following: str, floor: datetime | None, until: datetime | None = None
    ) -> Page:
        options = self.options
        page = f"/{quote(options.page_id, safe='')}"
        if options.kind != "comments":
            edge, fields = _EDGES[options.kind]
            asked = {"fields": fields, "limit": str(options.page_size)}
            if until is not None and not following and options.kind == "posts":
                asked["until"] = f"{until.timestamp():.0f}"
            return await self.graph.page(f"{page}/{edge}", following, **asked)
        posts = await self._posts(fields="id")
        return await self._comments(posts, floor, options.max_pages)

    async def _posts(self, following: str = "", *, fields: str, **asked: str) -> Page:
        """Gives the newest posts, each with its newest comments."""
        how = "".join(f".{name}({value})" for name, value in _ORDER.items())
        fields = f"{fields},comments{how}.limit({_INSIDE}){{{COMMENT_FIELDS}}}"
        path, limit = f"/{quote(self.options.page_id, safe='')}/feed", str(self.options.posts)
        return await self.graph.page(path, following, fields=fields, limit=limit, **asked)

    async def _comments_back(self, token: str, start: datetime, until: datetime) -> Page:
        """Gives the comments since *start* below a page of posts, the last one made before it."""
        asked = {} if token else {"until": f"{until.timestamp():.0f}"}
        posts = await self._posts(token, fields="id,created_time", **asked)
        page = await self._comments(posts, start, _MOST_BACK)
        short = self._below.note
        made = [made_at(each) for each in posts.entries]
        is_last = not posts.following or all(at is not None and at < start for at in made)
        if is_last or short:
            return Page(page.entries, wall=short)
        return Page(page.entries, posts.following)

    async def _comments(self, posts: Page, floor: datetime | None, most: int) -> Page:
        """Gives all comments below these posts that are newer than *floor*, as one page."""
        options = self.options
        below = self._below = Below(self.graph, made_at, floor, most)
        more = {**_ORDER, "fields": COMMENT_FIELDS, "limit": str(options.page_size)}
        found: list[Any] = []
        for post in posts.entries:
            post_id = str(post.get("id") or "") if isinstance(post, dict) else ""
            path = f"/{quote(post_id, safe='')}/comments"
            entries = await below.all_of(path, edge_of(post, "comments"), **more)
            found += [Found(post_id, raw) for raw in entries]
        return Page(found)

    def _item(self, raw: Any) -> Item:
        own = self.options.page_id
        if isinstance(raw, Found):
            return comment_item(raw, own)
        return rating_item(raw, own) if self.options.kind == "ratings" else post_item(raw, own)
