"""Listens to an Instagram account, and answers there.

Comments and their answers come inside the newest media and are read on below those where more
than the first are new. A mention has no list: its number is given, or told by Meta's webhook.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from earmark_core.errors import Fault, Malformed, Rejected
from earmark_core.model import Cursor, Item
from earmark_listeners.channels.instagram.deliveries import COMMENT, taker
from earmark_listeners.channels.instagram.items import (
    COMMENT_FIELDS,
    HASHTAG_FIELDS,
    TAGGED_FIELDS,
    Found,
    Named,
    comment_item,
    made_at,
    media_item,
    named_item,
)
from earmark_listeners.channels.instagram.options import InstagramOptions
from earmark_listeners.channels.instagram.replying import Replying
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import Back, Reach
from earmark_listeners.graph import Below, Graph, edge_of
from earmark_listeners.graph_deliveries import gathered, greeted
from earmark_listeners.newest_first import Deleted, Page, Walk, read_entries
from earmark_listeners.receiving import Incoming
from earmark_listeners.replying import RepliesApart

_MOST_BACK = 100  # pages of comments read below one page of media
_INSIDE = 50
_COMMENTS = f"{COMMENT_FIELDS},replies.limit({_INSIDE}){{{COMMENT_FIELDS}}}"
_NAMED_COMMENT = "id,text,timestamp,username,like_count,media"
_NAMED_MEDIA = "id,caption,media_type,permalink,timestamp,username,comments_count,like_count"
_NAMED_EDGES = {
    False: ("mentioned_media", "media_id", _NAMED_MEDIA),
    True: ("mentioned_comment", "comment_id", _NAMED_COMMENT),
}


class Instagram(RepliesApart, Listener[InstagramOptions]):
    """Watches one professional account, and answers comments as that account."""

    channel: ClassVar[str] = "instagram"
    summary: ClassVar[str] = "Comments, tags and hashtags on Instagram, with replies to comments"
    options_type: ClassVar[type[InstagramOptions]] = InstagramOptions
    needs: ClassVar[str] = (
        "a professional account, a reviewed app and a token with instagram_basic and "
        "instagram_manage_comments (at graph.instagram.com: instagram_business_basic and "
        "instagram_business_manage_comments, comments only)"
    )
    collects: ClassVar[tuple[str, ...]] = ("comments", "posts", "mentions")
    cannot: ClassVar[str] = (
        "comments below older media than the newest (as many as the option posts says) and "
        "mentions whose number is not given, unless Meta delivers them (webhook); who wrote what "
        "a hashtag finds; stories; words outside a hashtag; what was taken away"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    is_push: ClassVar[bool] = True
    shares_address: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=300,
        can_delete=True,
        default_interval_seconds=900,
        min_interval_seconds=120,
        note="4 hashtags and one link at most; what a tag or hashtag finds is answered in the app.",
    )

    def __init__(self, options: InstagramOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.graph = Graph(options, wiring)
        self._own = options.username
        self._below = Below(self.graph, made_at, None, 0)
        self._replying = Replying(self.graph, options.user_id, self._own_name)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what is new or may have been edited, oldest page first."""
        walk = Walk(
            self._ask, self._item, self.clock, f"account {self.options.user_id}",
            overlap=timedelta(hours=self.options.overlap_hours),
            max_pages=self.options.max_pages, pause=lambda: self.graph.api.pause,
        )  # fmt: skip
        if self.options.kind != "hashtag":
            await self._own_name()
        async for batch in walk.newest_first(since):
            yield self._below.told(batch)

    def handshake(self, query: Mapping[str, str]) -> str:
        """Answers Meta, which asks whether the address is ours."""
        return greeted(query, self.options, self.secret)

    def receive(self, incoming: Incoming) -> Batch:
        """Gives what Meta tells of the account; see `Receiver.receive`."""
        user_id = self.options.user_id
        take = taker(self.options.kind, self._own)
        return gathered(
            incoming, self.options, self.secret, what="instagram", account=user_id, take=take
        )

    async def read(self, names: Sequence[str]) -> Batch:
        """Reads mentions of which only the number was told; see `Reader.read`."""
        await self._own_name()
        found: list[Any] = []
        for name in names:
            is_comment = name.startswith(COMMENT)
            number = name.partition(":")[2]
            try:
                found.append(await self._one_named(number, is_comment=is_comment))
            except Rejected as error:
                if error.fault is not Fault.not_found:
                    raise
                found.append(Deleted(number))
        read = read_entries(found, lambda raw: raw if isinstance(raw, Deleted) else self._item(raw),
                            (), self.options.user_id)  # fmt: skip
        return Batch(read.items, bad_items=read.bad_items, gone=read.gone)

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what a list holds of a stretch; a hashtag tells of its last 24 hours only.

        Comments are looked for below the media of the stretch and the newest before it, as many
        as a poll looks below: only once all are read is it known how far back all was heard.
        """
        kind = self.options.kind
        if kind != "hashtag":
            await self._own_name()
        is_below = kind in {"comments", "mentioned"}

        async def ask(token: str, first: datetime, _until: datetime) -> Page:
            if kind == "comments":
                return await self._comments_back(token, first)
            return await self._ask(token, first)

        day = Reach(self.clock() - timedelta(days=1), "a hashtag tells of its last 24 hours")
        walk = Back(
            ask, self._item, f"account {self.options.user_id}",
            when=(lambda _: None) if is_below else made_at, pause=lambda: self.graph.api.pause,
            reach=day if kind == "hashtag" else None,
        )  # fmt: skip
        async for batch in walk.pages(start, end, since):
            yield batch

    async def _ask(self, following: str, floor: datetime | None) -> Page:
        account, limit = f"/{self.options.user_id}", str(self.options.page_size)
        if self.options.kind == "comments":
            return await self._comments(await self._media("id"), floor, self.options.max_pages)
        if self.options.kind == "mentioned":
            return await self._named()
        if self.options.kind == "tagged":
            edge = f"{account}/tags"
            return await self.graph.page(edge, following, fields=TAGGED_FIELDS, limit=limit)
        edge = f"/{quote(await self._hashtag_id(), safe='')}/recent_media"
        asked = {"user_id": self.options.user_id, "fields": HASHTAG_FIELDS, "limit": "50"}
        return await self.graph.page(edge, following, **asked)

    async def _media(self, fields: str, following: str = "") -> Page:
        """Gives our newest media, each with its newest comments."""
        fields = f"{fields},permalink,comments.limit({_INSIDE}){{{_COMMENTS}}}"
        path, limit = f"/{self.options.user_id}/media", str(self.options.posts)
        return await self.graph.page(path, following, fields=fields, limit=limit)

    async def _comments_back(self, token: str, start: datetime) -> Page:
        """Gives the comments since *start* below a page of media, the last one made before it."""
        media = await self._media("id,timestamp", token)
        page = await self._comments(media, start, _MOST_BACK)
        short = self._below.note
        made = [made_at(each) for each in media.entries]
        is_last = not media.following or all(at is not None and at < start for at in made)
        if is_last or short:
            return Page(page.entries, wall=short)
        return Page(page.entries, media.following)

    async def _comments(self, listed: Page, floor: datetime | None, most: int) -> Page:
        """Gives all comments below these media that are newer than *floor*, as one page."""
        below = self._below = Below(self.graph, made_at, floor, most)
        found: list[Any] = []
        for media in listed.entries:
            if not isinstance(media, dict):
                continue
            media_id, url = str(media.get("id") or ""), str(media.get("permalink") or "")
            path = f"/{quote(media_id, safe='')}/comments"
            more = {"fields": _COMMENTS, "limit": str(_INSIDE)}
            for raw in await below.all_of(path, edge_of(media, "comments"), **more):
                found.append(Found(media_id, url, "", _without_replies(raw)))
                found += [Found(media_id, url, *each) for each in await self._replies(below, raw)]
        return Page(found)

    async def _replies(self, below: Below, raw: Any) -> list[tuple[str, Any]]:
        first = edge_of(raw, "replies")
        comment_id = str(raw.get("id") or "") if isinstance(raw, dict) else ""
        path = f"/{quote(comment_id, safe='')}/replies"
        more = {"fields": COMMENT_FIELDS, "limit": str(_INSIDE)}
        return [(comment_id, each) for each in await below.all_of(path, first, **more)]

    async def _named(self) -> Page:
        """Gives the media and comments of the numbers that were given, as one page."""
        found: list[Any] = []
        missing: Rejected | None = None
        for ids, is_comment in ((self.options.media_ids, False), (self.options.comment_ids, True)):
            for number in ids.replace(",", " ").split():
                try:
                    found.append(await self._one_named(number, is_comment=is_comment))
                except Rejected as error:
                    if error.fault is not Fault.not_found:
                        raise
                    missing = error
        if missing is not None and not found:
            raise missing
        return Page(found)

    async def _one_named(self, number: str, *, is_comment: bool) -> Named:
        account = f"/{self.options.user_id}"
        edge, key, fields = _NAMED_EDGES[is_comment]
        said = await self.graph.get(account, fields=f"{edge}.{key}({number}){{{fields}}}")
        if edge not in said:
            raise Malformed(f"The answer holds no {edge}.", subject=account)
        return Named(said[edge], is_comment)

    async def _hashtag_id(self) -> str:
        """Gives the number of the hashtag, which never changes; asking costs one of 30."""
        key = f"instagram hashtag {self.options.hashtag.casefold()}"
        if key not in self.wiring.memory:
            asked = {"user_id": self.options.user_id, "q": self.options.hashtag}
            page = await self.graph.page("/ig_hashtag_search", **asked)
            first = page.entries[0] if page.entries else None
            number = str(first.get("id") or "") if isinstance(first, dict) else ""
            if not number:
                raise Malformed("The hashtag has no number.", subject=self.options.hashtag)
            self.wiring.memory[key] = number
        return str(self.wiring.memory[key])

    async def _own_name(self) -> str:
        """Gives the name of our account."""
        key = f"instagram name {self.options.user_id}"
        self._own = self._own or str(self.wiring.memory.get(key, ""))
        if not self._own:
            said = await self.graph.get(f"/{self.options.user_id}", fields="username")
            self._own = str(said.get("username") or "")
            self.wiring.memory[key] = self._own
        return self._own

    def _item(self, raw: Any) -> Item | Deleted:
        if isinstance(raw, Found):
            return comment_item(raw, self._own)
        return named_item(raw, self._own) if isinstance(raw, Named) else media_item(raw, self._own)


def _without_replies(raw: Any) -> Any:
    """Gives a comment as it came, but for the answers: each of these is an item of its own."""
    return {k: v for k, v in raw.items() if k != "replies"} if isinstance(raw, dict) else raw
