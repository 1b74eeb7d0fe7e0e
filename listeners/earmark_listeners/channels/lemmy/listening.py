"""Listens to a Lemmy server.

Posts and comments come in lists of their own, newest first. They are read beside each other, page
by page, back to what was heard before. Comments that their authors took away stay in the list and
say so; posts vanish from it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected
from earmark_core.model import Cursor, Item
from earmark_listeners.channels.lemmy.options import LemmyOptions
from earmark_listeners.channels.lemmy.replying import Replying
from earmark_listeners.channels.lemmy.server import Server
from earmark_listeners.channels.lemmy.views import read_view, to_item
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import Back, together
from earmark_listeners.newest_first import Deleted, Page, Walk
from earmark_listeners.replying import RepliesApart

_LISTS = {
    "posts": ("/post/list", "posts"),
    "comments": ("/comment/list", "comments"),
    "mentions": ("/user/mention", "mentions"),
    "replies": ("/user/replies", "replies"),
}


class Lemmy(RepliesApart, Listener[LemmyOptions]):
    """Watches a community, a search or our inbox on one server, and answers there."""

    channel: ClassVar[str] = "lemmy"
    summary: ClassVar[str] = "Communities, search and mentions on a Lemmy server, with replies"
    options_type: ClassVar[type[LemmyOptions]] = LemmyOptions
    needs: ClassVar[str] = "nothing on most servers; an account for the inbox, and to answer"
    collects: ClassVar[tuple[str, ...]] = ("posts", "comments", "mentions", "replies")
    cannot: ClassVar[str] = (
        "communities that nobody on the server follows; that a post was deleted; servers that "
        "speak only /api/v4"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=10_000,
        can_edit=True,
        can_delete=True,
        default_interval_seconds=300,
        min_interval_seconds=60,
        quota="as the server says (often 6 comments in 10 minutes)",
        note="Written in Markdown.",
    )

    def __init__(self, options: LemmyOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.server = Server(options, wiring)
        self.can_answer = self.server.has_account
        self._own_id = ""
        self._replying = Replying(self.server)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new posts and comments, oldest page first."""
        self._own_id = await self.server.own_id()
        walk = Walk(
            self._page, self._item, self.clock, self.options.base_url,
            overlap=timedelta(minutes=self.options.overlap_minutes),
            max_pages=self.options.max_pages, first_pages=self.options.first_pages,
            moment=lambda item: item.published_at, pause=lambda: self.server.api.pause,
        )  # fmt: skip
        async for batch in walk.newest_first(since):
            yield batch

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what was said in a stretch: the lists beside each other, from now back."""
        self._own_id = await self.server.own_id()
        lists = {name: self._walk_back(name) for name in self._lists()}
        if self.options.kind == "search" and self.options.content == "all":
            lists = {kind: self._walk_back("search", kind) for kind in ("Posts", "Comments")}
        async for batch in together(lists, start, end, since):
            yield batch

    def _walk_back(self, name: str, kind: str = "") -> Back:
        async def ask(token: str, _start: datetime, _until: datetime) -> Page:
            found = await self._list(name, token or "1", kind)
            return Page(found, str(int(token or 1) + 1) if found else "")

        where, pause = self.options.base_url, lambda: self.server.api.pause
        return Back(ask, self._item, where, when=_said_at, pause=pause)

    async def _page(self, token: str, floor: datetime | None) -> Page:
        """Gives page *n* of every list that went on; *token* is `n:list+list`.

        A list that is read back to *floor* is done, whatever the other still holds.
        """
        number, _, names = token.partition(":")
        asked = names.split("+") if names else self._lists()
        entries: list[Any] = []
        onward = []
        for name in asked:
            found = await self._list(name, number or "1")
            entries += found
            onward += [name] if found and not _is_past(found, floor) else []
        following = f"{int(number or 1) + 1}:{'+'.join(onward)}" if onward else ""
        return Page(entries, following)

    def _lists(self) -> list[str]:
        if self.options.kind == "inbox":
            return ["mentions", "replies"]
        if self.options.kind == "search":
            return ["search"]
        return ["posts", "comments"] if self.options.content == "all" else [self.options.content]

    async def _list(self, name: str, number: str, kind: str = "") -> list[Any]:
        options = self.options
        params = {"sort": "New", "limit": str(options.limit), "page": number}
        if name == "search":
            kind = kind or options.content.title()
            params |= {"q": options.query, "type_": kind, "listing_type": "All"}
        elif name in ("posts", "comments"):
            params["type_"] = "All"
        else:
            params["unread_only"] = "false"
        if options.community and options.kind != "inbox":
            params["community_name"] = options.community
        path, *keys = _LISTS.get(name, ("/search", "posts", "comments"))
        try:
            lists = await self.server.listed(path, params, *keys)
        except Rejected as error:
            if error.fault is Fault.not_found:
                error.hint = (
                    "Check base_url and community; a community of another server is known only "
                    "once somebody here has looked it up."
                )
            raise
        return [entry for found in lists for entry in found]

    def _item(self, raw: Any) -> Item | Deleted:
        return to_item(raw, base_url=self.options.base_url, own_id=self._own_id)


def _said_at(raw: Any) -> datetime | None:
    """Gives when an entry was said, also of one that is gone; None for one that cannot be read."""
    try:
        return as_utc(read_view(raw).written.published)
    except Malformed:
        return None


def _is_past(found: Sequence[Any], floor: datetime | None) -> bool:
    """Tells whether all of a page was heard before; a pinned old post alone says nothing."""
    if floor is None:
        return False
    try:
        return all(as_utc(read_view(raw).written.published) < floor for raw in found)
    except Malformed:
        return False
