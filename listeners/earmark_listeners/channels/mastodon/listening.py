"""Listens to a Mastodon server.

Hashtags and notifications are walked forward from the cursor by `min_id`, oldest page first, up
to an empty page: posts that arrive between two pages come with the next, and none is passed over
(`since_id` would jump to the newest). Search has no such order: it is read from the newest back
to what was seen before.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed, Rejected
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_listeners.channels.mastodon.length import MAX_LENGTH, status_length
from earmark_listeners.channels.mastodon.options import MastodonOptions
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
    Gone,
    Listener,
    Outgoing,
    Sent,
    Target,
    Wiring,
)
from earmark_listeners.wire import bad_item

_BEFORE_ALL = "0"
_FEW = 2


class Mastodon(Listener[MastodonOptions]):
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
        after = _read_cursor(since)
        if self.options.kind == "search":
            pages = self._back(after)
        else:
            pages = self._newest() if after is None else self._forward(after)
        async for entries, shape in pages:
            yield await self._batch(entries, shape, threads, own_id)

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Reads the post again."""
        return await self._replying.target(ref)

    async def send(self, reply: Outgoing) -> Sent:
        """Posts the reply below its target."""
        return await self._replying.send(reply)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our own reply below the target, then among our own posts."""
        return await self._replying.find(reply)

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

    async def _newest(self) -> AsyncIterator["_Page"]:
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
        yield pages[0], Batch(cursor=_cursor(_last(pages[0]) or _BEFORE_ALL))

    async def _forward(self, after: str) -> AsyncIterator["_Page"]:
        for number in range(1, self.options.max_pages + 1):
            entries = await self._page(min_id=after)
            if order(_last(entries)) <= order(after):
                yield _end(entries, after)
                return
            fresh = [each for each in entries if _is_beyond(each, after)]
            after = _last(fresh)
            if number < self.options.max_pages:
                yield fresh, Batch(cursor=_cursor(after))
        note = f"{self.options.max_pages} pages were read; what follows comes with the next poll"
        yield fresh, Batch(cursor=_cursor(after), state=WindowState.truncated, note=note)

    async def _back(self, after: str | None) -> AsyncIterator["_Page"]:
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
            oldest = _oldest(pages)
            shape = Batch(state=WindowState.truncated, covers_from=oldest, note=note)
        for page in reversed(pages[1:]):
            yield page, shape
        yield pages[0], replace(shape, cursor=_cursor(newest))

    async def _batch(
        self, entries: Sequence[Any], shape: Batch, threads: Threads, own_id: str
    ) -> Batch:
        items: list[Item] = []
        bad_items: list[BadItem] = []
        for entry in _sorted_once(entries):
            try:
                raw = self._status_in(entry)
                status = read_status(raw) if raw is not None else None
            except Malformed as error:
                bad_items.append(bad_item(error.message, entry))
                continue
            if status is not None and self._is_wanted(status):
                key = await threads.root(status)
                own = self._is_own(status, own_id)
                base_url = self.options.base_url
                items.append(to_item(status, raw, base_url=base_url, thread_id=key, is_own=own))
        if entries and len(bad_items) == len(entries) and not _is_passable(entries):
            raise Malformed("None of the posts can be read.", subject=self.options.base_url)
        return replace(shape, items=tuple(items), bad_items=tuple(bad_items))

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


_Page = tuple[Sequence[Any], Batch]


def _end(entries: Sequence[Any], after: str) -> _Page:
    """Ends a walk: at an empty page, or at one that holds nothing beyond the cursor."""
    unreadable = [each for each in entries if not place_of(each)]
    if unreadable:
        return unreadable, Batch()
    if all(place_of(each) == after for each in entries):
        return (), Batch()
    note = "the server sent an earlier page again"
    return (), Batch(state=WindowState.truncated, note=note)


def _is_beyond(entry: Any, after: str) -> bool:
    """Says whether an entry is new; one without an id is, so that it is not lost in silence."""
    place = place_of(entry)
    return not place or order(place) > order(after)


def _oldest(pages: Sequence[Sequence[Any]]) -> datetime | None:
    """Gives when the oldest readable post of these pages was posted."""
    moments: list[datetime] = []
    for entry in (entry for page in pages for entry in page):
        with suppress(Malformed):
            moments.append(as_utc(read_status(entry).created_at))
    return min(moments, default=None)


def _sorted_once(entries: Sequence[Any]) -> list[Any]:
    """Gives a page oldest first; an entry that comes twice is given once."""
    nameless = [each for each in entries if not place_of(each)]
    named = {place_of(each): each for each in entries if place_of(each)}
    return [*nameless, *(named[place] for place in sorted(named, key=order))]


def _is_passable(entries: Sequence[Any]) -> bool:
    """Says whether a page of which nothing can be read is a few odd posts, to be passed.

    More than a few, or none with an id, means that the server speaks another language.
    """
    return len(entries) <= _FEW and bool(_last(entries))


def _last(entries: Sequence[Any]) -> str:
    return max((place_of(each) for each in entries), key=order, default="")


def _cursor(after: str) -> Cursor:
    return Cursor(json.dumps({"after": after}))


def _read_cursor(since: Cursor | None) -> str | None:
    if since is None:
        return None
    try:
        after = json.loads(since)["after"]
    except (ValueError, KeyError, TypeError):
        after = None
    if not isinstance(after, str) or not after:
        raise Rejected(
            "The place where the last poll ended cannot be read.",
            hint="Reset the source; it then begins at the newest posts.",
            subject="mastodon",
        )
    return after
