"""Hacker News, by the search that Algolia runs for it."""

import json
import math
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from earmark_core.errors import Malformed
from earmark_core.model import Author, BadItem, Cursor, Item, WindowState
from earmark_core.text import clean
from earmark_listeners.contract import Batch, ChannelOptions, ChannelRules, Listener
from earmark_listeners.going_back import Back
from earmark_listeners.newest_first import Page, unreadable_place
from earmark_listeners.wire import Id, Wire, Word, bad_item, raw_text, read_as

_PER_PAGE = 100
_WALL = 1_000
_FEW = 2


class HackerNewsOptions(ChannelOptions):
    """Options of a Hacker News source."""

    query: str = Field(min_length=1, max_length=500, description="what to search for")
    tags: str = Field(
        default="(story,comment)",
        pattern=r"^[A-Za-z0-9_,()-]*$",
        description="kinds of post, as the search takes them",
    )
    base_url: str = Field(
        default="https://hn.algolia.com",
        pattern=r"^https?://[^/@\s]+$",
        description="address of the search",
    )
    site: str = Field(
        default="https://news.ycombinator.com",
        pattern=r"^https?://[^@\s]+$",
        description="address under which an item's page is found",
    )
    overlap_seconds: int = Field(
        default=3_600, ge=0, le=604_800, description="how far each poll looks back again"
    )
    max_pages: int = Field(default=10, ge=1, le=10, description="pages of 100 per poll at most")


class _Hit(Wire):
    objectID: Id
    created_at_i: int
    author: Word = ""
    title: Word = ""
    url: Word = ""
    story_text: Word = ""
    comment_text: Word = ""
    story_id: Word = ""
    parent_id: Word = ""
    points: int | None = None
    num_comments: int | None = None


class HackerNews(Listener[HackerNewsOptions]):
    """Watches a search on Hacker News; answers are posted by hand."""

    channel: ClassVar[str] = "hackernews"
    summary: ClassVar[str] = "Stories and comments on Hacker News that hold given words"
    options_type: ClassVar[type[HackerNewsOptions]] = HackerNewsOptions
    collects: ClassVar[tuple[str, ...]] = ("stories", "comments", "polls")
    cannot: ClassVar[str] = "more than 1,000 hits between two polls; what was taken away"
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        default_interval_seconds=300,
        min_interval_seconds=60,
        note="Hacker News takes no replies from programs: open the post and answer there.",
    )

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new hits, oldest page first, once the newest page down to the last is read.

        The search ends at 1,000 hits: what is older is not heard, and the window is truncated.
        """
        after = _read_cursor(since)
        pages, note = await self._pages(after)
        read = [self._read(page) for page in pages]
        newest = self._newest([item for items, _ in read for item in items], after)
        heard = [item.published_at for items, _ in read for item in items if item.published_at]
        state = WindowState.truncated if note else WindowState.complete
        covers_from = min(heard, default=None) if note else None
        for place in range(len(read) - 1, -1, -1):
            items, bad_items = read[place]
            yield Batch(
                items=items,
                cursor=newest if place == 0 else None,
                bad_items=bad_items,
                state=state,
                covers_from=covers_from,
                note=note,
            )

    def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields the hits of a stretch of time, from its end back to its start.

        The search gives no more than 1,000 hits to one question: then it is asked anew for what
        is not newer than the oldest of them. More than that in one second are not all given.
        """
        base_url, site = self.options.base_url, self.options.site
        walk = Back(self._between, lambda hit: _to_item(hit, site), base_url, is_bounded=True)
        return walk.pages(start, end, since)

    async def _between(self, token: str, start: datetime, until: datetime) -> Page:
        first, last, number = _seconds(start), _seconds(until) - 1, int(token or 0)
        hits, _ = await self._page(number, f"created_at_i>={first},created_at_i<={last}")
        made = [hit.get("created_at_i") for hit in hits if isinstance(hit, dict)]
        if any(isinstance(moment, int) and not first <= moment <= last for moment in made):
            raise Malformed(
                "The search does not keep to the stretch of time that was asked for.",
                subject=self.options.base_url,
            )
        if len(hits) < _PER_PAGE:
            return Page(hits)
        is_last = (number + 1) * _PER_PAGE >= _WALL
        wall = f"the search gives {_WALL} hits, and there were more in one second"
        return Page(hits, "", wall) if is_last else Page(hits, str(number + 1))

    async def _pages(self, after: int | None) -> tuple[list[list[Any]], str]:
        """Gives the pages from the newest on, and what is missing in words, "" if nothing is."""
        pages: list[list[Any]] = []
        seen: set[str] = set()
        for number in range(self.options.max_pages):
            wanted = None
            if after is not None:
                wanted = f"created_at_i>{after - self.options.overlap_seconds}"
            hits, total = await self._page(number, wanted)
            fresh = {_key(hit): hit for hit in hits if _key(hit) not in seen}
            seen.update(fresh)
            pages.append(list(fresh.values()))
            if hits and not fresh:
                return pages, "the search sent the same page again"
            if after is None or len(hits) < _PER_PAGE or len(seen) >= total:
                lost = after is not None and total > len(seen) and len(seen) >= _WALL
                return pages, f"{total} hits, of which {_WALL} are given" if lost else ""
        return pages, f"only the newest {len(seen)} hits were read"

    async def _page(self, number: int, within: str | None) -> tuple[list[Any], int]:
        params = {
            "query": self.options.query,
            "tags": self.options.tags,
            "typoTolerance": "false",
            "hitsPerPage": str(_PER_PAGE),
            "page": str(number),
        }
        if within is not None:
            params["numericFilters"] = within
        base_url = self.options.base_url
        answer = await self.fetch.get(
            f"{base_url}/api/v1/search_by_date",
            params=params,
            headers={"Accept": "application/json"},
        )
        envelope = answer.checked(base_url).json()
        hits = envelope.get("hits") if isinstance(envelope, dict) else None
        if not isinstance(hits, list):
            said = envelope.get("message") if isinstance(envelope, dict) else None
            detail = f": {clean(said, limit=200)}" if isinstance(said, str) else ""
            raise Malformed(f"The answer holds no hits{detail}.", subject=base_url)
        total = envelope.get("nbHits")
        return hits, total if isinstance(total, int) else len(hits)

    def _read(self, hits: Sequence[Any]) -> tuple[tuple[Item, ...], tuple[BadItem, ...]]:
        items: list[Item] = []
        bad_items: list[BadItem] = []
        for hit in hits:
            try:
                items.append(_to_item(hit, self.options.site))
            except Malformed as error:
                bad_items.append(bad_item(error.message, hit))
        if len(bad_items) > _FEW and not items:
            raise Malformed("None of the hits can be read.", subject=self.options.base_url)
        items.sort(key=lambda item: (item.published_at, item.external_id))
        return tuple(items), tuple(bad_items)

    def _newest(self, items: Sequence[Item], after: int | None) -> Cursor:
        """Gives the cursor: the newest hit, or now; one from the future cannot blind us."""
        now = int(self.clock().timestamp())
        moments = [int(item.published_at.timestamp()) for item in items if item.published_at]
        if after is not None:
            moments.append(after)
        return Cursor(json.dumps({"after": min(now, max(moments, default=now))}))


def _seconds(moment: datetime) -> int:
    return math.ceil(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _key(hit: Any) -> str:
    return str(hit.get("objectID")) if isinstance(hit, dict) else repr(hit)


def _to_item(raw: Any, site: str) -> Item:
    hit = read_as(_Hit, raw)
    try:
        published_at = _moment(hit.created_at_i)
    except OverflowError:
        raise Malformed("created_at_i is no moment of this calendar") from None
    tags = raw.get("_tags")
    kind = tags[0] if isinstance(tags, list) and tags and isinstance(tags[0], str) else "post"
    counts = {"points": hit.points, "num_comments": hit.num_comments}
    kept = {key: value for key, value in raw.items() if key != "_highlightResult"}
    return Item(
        external_id=hit.objectID,
        kind=kind,
        text=hit.comment_text or hit.story_text,
        title=hit.title,
        is_html=True,
        url=f"{site}/item?id={hit.objectID}",
        author=Author(hit.author, hit.author, hit.author, f"{site}/user?id={hit.author}")
        if hit.author
        else None,
        published_at=published_at,
        thread_id=hit.story_id or hit.objectID,
        parent_id=hit.parent_id,
        metrics={name: count for name, count in counts.items() if count is not None},
        raw=raw_text(kept),
    )


def _read_cursor(since: Cursor | None) -> int | None:
    if since is None:
        return None
    try:
        after = json.loads(since)["after"]
    except (ValueError, KeyError, TypeError):
        after = None
    if not isinstance(after, int):
        raise unreadable_place("hackernews", "it then begins at the newest hits.")
    return after
