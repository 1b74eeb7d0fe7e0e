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
    Gone,
    Listener,
    Outgoing,
    Sent,
    Target,
    Wiring,
)
from earmark_listeners.graph import Below, Graph, GraphOptions, edge_of
from earmark_listeners.newest_first import Page, Walk

_ORDER = {"filter": "stream", "order": "reverse_chronological"}
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


class Facebook(Listener[FacebookOptions]):
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
        "the newest (as many as the option posts says); what was taken away"
    )
    has_thread: ClassVar[bool] = True
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

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Reads the comment or post again."""
        return await self._replying.target(ref)

    async def send(self, reply: Outgoing) -> Sent:
        """Comments below it as the Page."""
        return await self._replying.send(reply)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for the Page's own comment with these words."""
        return await self._replying.find(reply)

    async def _ask(self, following: str, floor: datetime | None) -> Page:
        options = self.options
        page = f"/{quote(options.page_id, safe='')}"
        if options.kind != "comments":
            edge, fields = _EDGES[options.kind]
            limit = str(options.page_size)
            return await self.graph.page(f"{page}/{edge}", following, fields=fields, limit=limit)
        how = "".join(f".{name}({value})" for name, value in _ORDER.items())
        fields = f"id,comments{how}.limit({_INSIDE}){{{COMMENT_FIELDS}}}"
        posts = await self.graph.page(f"{page}/feed", fields=fields, limit=str(options.posts))
        return await self._comments(posts, floor)

    async def _comments(self, posts: Page, floor: datetime | None) -> Page:
        """Gives all comments below these posts that are newer than *floor*, as one page."""
        options = self.options
        below = self._below = Below(self.graph, made_at, floor, options.max_pages)
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
