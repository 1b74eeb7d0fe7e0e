"""RSS, Atom and JSON Feed: blogs, news, forums, news search, alerts. Read only."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

from pydantic import Field, field_validator

from earmark_core.errors import ListenerError, Malformed
from earmark_core.fetch import Answer
from earmark_core.model import Cursor, WindowState
from earmark_listeners.contract import (
    Batch,
    ChannelOptions,
    ChannelRules,
    Listener,
)
from earmark_listeners.feeds.entry import MAX_ENTRIES, Feed
from earmark_listeners.feeds.freshness import lasting_validators, wait_from
from earmark_listeners.feeds.items import Read, items_of
from earmark_listeners.feeds.lanes import read_aside
from earmark_listeners.feeds.links import host_of
from earmark_listeners.feeds.memory import Memory, recall

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/xml;q=0.9, */*;q=0.5"
)
_PAGE = 500
_REFERENCES = ("env:", "file:", "keyring:")


class FeedOptions(ChannelOptions):
    """Where the feed is."""

    url: str = Field(
        description="address of the feed; env:NAME or file:/path where it holds a key",
        max_length=4_000,
    )
    google_news: bool | None = Field(
        default=None,
        description="read titles as 'Headline - Publisher'; left out: where Google News is asked",
    )
    max_new_guard: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="share of old entries under new ids above which the feed was renumbered",
    )

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        url = url.strip()
        if not url.startswith(_REFERENCES) and not (
            url.startswith(("http://", "https://")) and host_of(url)
        ):
            # The value is not repeated here: it may be a secret.
            raise ValueError("must be an http or https address, or env:NAME or file:/path")
        return url


class FeedListener(Listener[FeedOptions]):
    """Reads one feed, asking only for what changed."""

    channel = "feed"
    summary = "RSS, Atom and JSON feeds: blogs, news search, alerts, forums"
    options_type = FeedOptions
    rules = ChannelRules(note="open the article and answer there", default_interval_seconds=900)
    collects = ("entries",)
    cannot = "entries that left the feed between two polls; what was taken away"
    stability = "feed"
    needs = "a feed address"

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields the whole document if it changed, oldest entry first; see `Listener.poll`."""
        url = self._address()
        try:
            for batch in await self._batches(url, since):
                yield batch
        except ListenerError as error:
            # The rest of the address may be a key.
            error.subject = f"feed at {host_of(url)}"
            raise

    def _address(self) -> str:
        url = self.options.url
        return self.secret(url).strip() if url.startswith(_REFERENCES) else url

    async def _batches(self, url: str, since: Cursor | None) -> list[Batch]:
        now, memory = self.clock(), recall(since, url)
        conditions = _conditions(memory, now)
        headers = {"Accept": _ACCEPT, **conditions}
        answer = await self.fetch.get(url, headers=headers)
        # What the server says of a failure is left out: it may repeat the key in the address.
        (answer if answer.status < 400 else replace(answer, body=b"")).checked()
        if answer.status == 304:
            if not conditions:
                raise Malformed("The server says 'not modified' to a request for everything.")
            wait = wait_from(answer.headers, None, now) or memory.wait
            # Validators are only sent with a memory that is up to date, so it stays as it is.
            return [Batch(cursor=since, next_poll_after=wait, moved_to=self._moved_to(answer))]
        digest = hashlib.sha256(answer.body).hexdigest()
        if digest == memory.body:
            memory = replace(_validated(memory, answer), full_at=now.isoformat())
            wait = wait_from(answer.headers, None, now) or memory.wait
            moved_to = self._moved_to(answer)
            return [Batch(cursor=memory.dump(), next_poll_after=wait, moved_to=moved_to)]
        content_type = answer.headers.get("content-type", "")
        feed = await read_aside(answer.body, content_type=content_type, url=answer.url)
        return self._heard(feed, answer, replace(memory, body=digest), url)

    def _heard(self, feed: Feed, answer: Answer, memory: Memory, url: str) -> list[Batch]:
        now = self.clock()
        read = self._items(feed, answer, url, by_link=memory.by_link)
        after = memory.marked(read.items)
        state, notes = _judge(feed, memory, after)
        if memory.is_renamed(after, self.options.max_new_guard):
            state = WindowState.backfilled
            notes.append("Old entries came under new ids; from now on their links tell them apart.")
            read = self._items(feed, answer, url, by_link=True)
            after = replace(after.marked(read.items), by_link=True)
        notes += _moved(url, answer.url)
        wait = wait_from(answer.headers, feed.ttl_minutes, now)
        after = replace(_validated(after, answer), full_at=now.isoformat()).waiting(wait)
        if feed.is_cut:
            # The same bytes must not pass for known next time.
            after = replace(after, etag="", modified="", body="")
        last = Batch(
            bad_items=read.bad,
            cursor=after.dump(),
            state=state,
            covers_from=_covered(read),
            next_poll_after=wait,
            note=" ".join(notes),
            moved_to=self._moved_to(answer),
        )
        return _pages(read, last)

    def _moved_to(self, answer: Answer) -> str:
        """Gives where the feed has moved for good; "" for an address that is kept as a secret."""
        return "" if self.options.url.startswith(_REFERENCES) else answer.moved_to

    def _items(self, feed: Feed, answer: Answer, url: str, *, by_link: bool) -> Read:
        is_news = self.options.google_news
        if is_news is None:
            is_news = "news.google.com" in {host_of(url), host_of(feed.link)}
        return items_of(
            feed, url=answer.url, now=self.clock(), google_news=is_news, by_link=by_link
        )


def _conditions(memory: Memory, now: datetime) -> dict[str, str]:
    if not memory.may_ask_conditionally(now):
        return {}
    sent = {"If-None-Match": memory.etag, "If-Modified-Since": memory.modified}
    return {name: value for name, value in sent.items() if value}


def _validated(memory: Memory, answer: Answer) -> Memory:
    etag, modified = lasting_validators(answer.headers)
    return replace(memory, etag=etag, modified=modified)


def _judge(feed: Feed, before: Memory, after: Memory) -> tuple[WindowState, list[str]]:
    notes = []
    if feed.fault:
        notes.append("The feed is not well-formed; what can be read of it was kept.")
    if feed.is_cut:
        notes.append("The document ends before its end.")
    if feed.is_capped:
        notes.append(f"Only its first {MAX_ENTRIES} entries were read.")
    is_short = feed.is_cut or feed.is_capped
    if before.has_missed(after):
        is_short = True
        notes.append("Every entry is new since the last poll: some between may have been missed.")
    return (WindowState.truncated if is_short else WindowState.complete), notes


def _moved(asked: str, answered: str) -> list[str]:
    old, new = host_of(asked), host_of(answered)
    return [] if old == new else [f"The feed is answered by {new} in place of {old}."]


def _covered(read: Read) -> datetime | None:
    dates = [item.published_at for item in read.items if item.published_at is not None]
    return min(dates) if dates and len(dates) == len(read.items) else None


def _pages(read: Read, last: Batch) -> list[Batch]:
    """Cuts what was read into pages; the cursor goes with the last, when all is stored."""
    items = read.items
    starts = range(0, max(len(items), 1), _PAGE)
    pages = [replace(last, items=items[start : start + _PAGE]) for start in starts]
    early = [replace(page, cursor=None, bad_items=(), note="", moved_to="") for page in pages[:-1]]
    return early + pages[-1:]
