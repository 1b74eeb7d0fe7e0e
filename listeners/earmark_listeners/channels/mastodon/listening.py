"""Listens to a Mastodon server.

Hashtags and notifications are walked forward from the cursor by `min_id`, oldest page first, up
to an empty page: posts that arrive between two pages come with the next, and none is passed over
(`since_id` would jump to the newest). Search has no such order: it is read from the newest back
to what was seen before.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from earmark_core.errors import Malformed
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_listeners.channels.mastodon.length import MAX_LENGTH, status_length
from earmark_listeners.channels.mastodon.options import MastodonOptions
from earmark_listeners.channels.mastodon.paging import (
    Entries,
    end_of,
    is_beyond,
    is_passable,
    last_of,
    oldest_of,
    read_cursor,
    sorted_once,
    write_cursor,
)
from earmark_listeners.channels.mastodon.posts import (
    Status,
    full_acct,
    order,
    place_of,
    read_status,
    to_item,
)
from earmark_listeners.channels.mastodon.replying import Replying
from earmark_listeners.channels.mastodon.server import Server, Threads
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import Back
from earmark_listeners.newest_first import Page
from earmark_listeners.replying import RepliesApart
from earmark_listeners.wire import bad_item, moment_in

_BEFORE_ALL = "0"


class Mastodon(RepliesApart, Listener[MastodonOptions]):
    """Watches a hashtag, a search or our mentions on one server, and answers there."""

    channel: ClassVar[str] = "mastodon"
    summary: ClassVar[str] = "Hashtags, search and mentions on a Mastodon server, with replies"
    options_type: ClassVar[type[MastodonOptions]] = MastodonOptions
    needs: ClassVar[str] = (
        "nothing for a hashtag on most servers; an access token with read:search for search, "
        "read:notifications for mentions, and write:statuses to answer"
    )
    collects: ClassVar[tuple[str, ...]] = ("posts", "mentions")
    cannot: ClassVar[str] = "posts that the server was never sent; what was edited or taken away"
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=MAX_LENGTH,
        length_of=status_length,
        url_length=23,
        visibility="as the source says (public, unlisted, private, direct), never wider than "
        "what is answered",
        counted_in="characters; a link counts 23, @name@server only as @name",
        can_edit=True,
        can_delete=True,
        default_interval_seconds=120,
        min_interval_seconds=30,
        note="Begins with the @name of who is answered; it is put in front if you leave it out.",
    )

    def __init__(self, options: MastodonOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        token = wiring.secret(options.token) if options.token else ""
        self.server = Server(wiring.fetch, options.base_url, token)
        self.can_answer = bool(token)
        self._replying = Replying(self.server, options.visibility)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new posts, oldest page first; the first poll gives the newest pages only."""
        threads = Threads(self.server)
        own_id = "" if self.options.own_acct else await self.server.own_id()
        after = read_cursor(since)
        if self.options.kind == "search":
            pages = self._back(after)
        else:
            pages = self._newest() if after is None else self._forward(after)
        async for entries, shape in pages:
            yield await self._batch(entries, shape, threads, own_id)

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields posts from the newest back by `max_id`, until the server tells of older ones.

        Ids are opaque: only a post itself says when it was posted.
        """
        own_id = "" if self.options.own_acct else await self.server.own_id()
        threads, roots = Threads(self.server), dict[str, str]()

        async def ask(token: str, _start: datetime, _until: datetime) -> Page:
            entries = await self._page(**({"max_id": token} if token else {}))
            for entry in entries:
                with suppress(Malformed):  # it is told apart where it is read
                    status = self._wanted_in(entry)
                    if status is not None:
                        roots[status.id] = await threads.root(status)
            named = [place_of(entry) for entry in entries if place_of(entry)]
            return Page(entries, named[-1] if named else "")

        def read(entry: Any) -> Item | None:
            status = self._wanted_in(entry)
            return self._item(entry, status, roots[status.id], own_id) if status else None

        walk = Back(
            ask, read, self.options.base_url, keeps_token=True,
            when=lambda entry: moment_in(entry, "created_at"),
        )  # fmt: skip
        async for batch in walk.pages(start, end, since):
            yield batch

    async def _page(self, **place: str) -> Sequence[Any]:
        options = self.options
        limit = {"limit": str(options.limit), **place}
        if options.kind == "notifications":
            return await self.server.entries(
                "/api/v1/notifications", {"types[]": "mention", **limit}
            )
        if options.kind == "search":
            found = {"q": options.query, "type": "statuses", "limit": str(min(40, options.limit))}
            return await self.server.entries("/api/v2/search", {**found, **place}, "statuses")
        tag = quote(options.tag, safe="")
        return await self.server.entries(f"/api/v1/timelines/tag/{tag}", limit)

    async def _newest(self) -> AsyncIterator[Entries]:
        """Reads history back as far as asked; the cursor comes with the newest page, given last."""
        pages = [await self._page()]
        seen: set[str] = set()
        while len(pages) < self.options.first_pages:
            ids = {place_of(entry) for entry in pages[-1]} - {""}
            if not ids - seen:
                break  # the end, or a server that gives the same page for ever
            seen |= ids
            pages.append(await self._page(max_id=min(ids, key=order)))
        for entries in reversed(pages[1:]):
            yield entries, Batch()
        yield pages[0], Batch(cursor=write_cursor(last_of(pages[0]) or _BEFORE_ALL))

    async def _forward(self, after: str) -> AsyncIterator[Entries]:
        for number in range(1, self.options.max_pages + 1):
            entries = await self._page(min_id=after)
            if order(last_of(entries)) <= order(after):
                yield end_of(entries, after)
                return
            fresh = [each for each in entries if is_beyond(each, after)]
            after = last_of(fresh)
            if number < self.options.max_pages:
                yield fresh, Batch(cursor=write_cursor(after))
        note = f"{self.options.max_pages} pages were read; what follows comes with the next poll"
        yield fresh, Batch(cursor=write_cursor(after), state=WindowState.truncated, note=note)

    async def _back(self, after: str | None) -> AsyncIterator[Entries]:
        """Reads from the newest page back to one that holds nothing new, then gives the oldest."""
        pages: list[list[Any]] = []
        seen: set[str] = set()
        note = f"only the newest {self.options.max_pages} pages were read"
        for _ in range(self.options.max_pages):
            entries = await self._page(offset=str(len(seen)) if seen else "0")
            fresh = [each for each in entries if place_of(each) not in seen]
            seen.update(place_of(each) for each in fresh)
            pages.append(fresh)
            if entries and not fresh:
                note = "the server sent the same page again"
                break
            if after is None or all(order(place_of(each)) <= order(after) for each in fresh):
                note = ""
                break
        newest = max((*seen, after or _BEFORE_ALL), key=order)
        shape = Batch()
        if note:
            oldest = oldest_of(pages)
            shape = Batch(state=WindowState.truncated, covers_from=oldest, note=note)
        for page in reversed(pages[1:]):
            yield page, shape
        yield pages[0], replace(shape, cursor=write_cursor(newest))

    async def _batch(
        self, entries: Sequence[Any], shape: Batch, threads: Threads, own_id: str
    ) -> Batch:
        items: list[Item] = []
        bad_items: list[BadItem] = []
        for entry in sorted_once(entries):
            try:
                status = self._wanted_in(entry)
            except Malformed as error:
                bad_items.append(bad_item(error.message, entry))
                continue
            if status is not None:
                items.append(self._item(entry, status, await threads.root(status), own_id))
        if entries and len(bad_items) == len(entries) and not is_passable(entries):
            raise Malformed("None of the posts can be read.", subject=self.options.base_url)
        return replace(shape, items=tuple(items), bad_items=tuple(bad_items))

    def _item(self, entry: Any, status: Status, thread_id: str, own_id: str) -> Item:
        raw, own = self._status_in(entry), self._is_own(status, own_id)
        base_url = self.options.base_url
        return to_item(status, raw, base_url=base_url, thread_id=thread_id, is_own=own)

    def _wanted_in(self, entry: Any) -> Status | None:
        """Gives the post within an entry of a page; None for one that is passed over."""
        raw = self._status_in(entry)
        status = read_status(raw) if raw is not None else None
        return status if status is not None and self._is_wanted(status) else None

    def _status_in(self, entry: Any) -> Any:
        """Gives the post within an entry of a page; None for a notification of another type."""
        if self.options.kind != "notifications":
            return entry
        if not isinstance(entry, dict):
            raise Malformed("A notification is no object.")
        return entry.get("status", {}) if entry.get("type") == "mention" else None

    def _is_wanted(self, status: Status) -> bool:
        """Passes over boosts, other languages, and people who do not want to be found.

        Nearly every account has `indexable` false, for it is the server's default; it speaks of
        full-text search only, while `discoverable` false is a person's own choice.
        """
        if status.reblog is not None:
            return False
        wanted = self.options.language
        if wanted and status.language and status.language != wanted:
            return False
        if self.options.kind == "notifications" or not self.options.skip_undiscoverable:
            return True
        hidden = status.account.discoverable is False
        return not (hidden or (self.options.kind == "search" and status.account.indexable is False))

    def _is_own(self, status: Status, own_id: str) -> bool:
        if own_id:
            return status.account.id == own_id
        base_url = self.options.base_url
        ours = full_acct(self.options.own_acct, base_url).casefold()
        acct = full_acct(status.account.acct or status.account.username, base_url)
        return bool(ours) and acct.casefold() == ours
