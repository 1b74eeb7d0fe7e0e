"""Listens to a Discourse forum.

All new posts come newest first, by ids that fall, and whole. A search and our notifications name
posts only: the list is read back to what was heard before, then each post is read in full, the
oldest first, so that what one poll cannot reach comes with the next.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from earmark_core.errors import Malformed
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_listeners.channels.discourse.history import HitsBack, looked_up
from earmark_listeners.channels.discourse.hits import Hit, Hits, Place
from earmark_listeners.channels.discourse.options import DiscourseOptions
from earmark_listeners.channels.discourse.posts import to_item
from earmark_listeners.channels.discourse.replying import MAX_LENGTH, MIN_LENGTH, Replying
from earmark_listeners.channels.discourse.server import Server
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import Back, listing
from earmark_listeners.newest_first import Deleted, Page, Walk
from earmark_listeners.replying import RepliesApart
from earmark_listeners.wire import bad_item, moment_in

_FEW = 2
_OVERLAP = timedelta(minutes=10)


class Discourse(RepliesApart, Listener[DiscourseOptions]):
    """Watches the posts of one forum, and answers there."""

    channel: ClassVar[str] = "discourse"
    summary: ClassVar[str] = "Posts, search and notifications of a Discourse forum, with replies"
    options_type: ClassVar[type[DiscourseOptions]] = DiscourseOptions
    needs: ClassVar[str] = (
        "nothing for what is public; an API key of the forum, or one that a person made for "
        "themself, for notifications and for replies"
    )
    collects: ClassVar[tuple[str, ...]] = ("topics", "posts", "mentions")
    cannot: ClassVar[str] = (
        "by a search, more than the last fitting post of each topic (listen to the latest posts "
        "to hear all); edits of what is older than overlap_seconds"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True, min_length=MIN_LENGTH, max_length=MAX_LENGTH, can_edit=True,
        can_delete=True, quota="as the forum permits; a person's key has 20 requests a minute",
        default_interval_seconds=300, min_interval_seconds=60,
        note="Markdown. The forum may hold a reply back until a moderator has seen it.",
    )  # fmt: skip

    def __init__(self, options: DiscourseOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.server = Server(options, wiring)
        self.can_answer = bool(options.api_key)
        self._replying = Replying(self.server, options.username)

    def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new posts, oldest page first."""
        if self.options.kind != "latest":
            return self._by_hits(since)
        walk = Walk(
            self._latest, self._read, self.clock, self.options.base_url,
            overlap=timedelta(seconds=self.options.overlap_seconds),
            max_pages=self.options.max_pages, first_pages=self.options.first_pages,
            moment=_said_at, pause=lambda: self.server.pause,
        )  # fmt: skip
        return walk.newest_first(since)

    def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what was said in a stretch: all posts by falling ids, or a list's hits in full."""
        where, pause = self.options.base_url, lambda: self.server.pause
        if self.options.kind == "latest":
            walk = Back(
                listing(self._latest), self._read, where,
                when=lambda raw: moment_in(raw, "created_at"), keeps_token=True, pause=pause,
            )  # fmt: skip
        else:
            hits = HitsBack(self.server, self.options, self._read)
            walk = Back(
                hits.ask, hits.read, where, when=lambda entry: moment_in(entry, "at"),
                is_bounded=self.options.kind == "search", pause=pause,
            )  # fmt: skip
        return walk.pages(start, end, since)

    async def _latest(self, token: str, _: datetime | None) -> Page:
        """Gives a page of posts with ids below *token*; only an empty one is the end.

        What we may not see is taken out after the page was cut, so that a short page says nothing.
        """
        params = {"before": token} if token else {}
        entries, _whole = await self.server.listed("/posts.json", "latest_posts", **params)
        ids = [each.get("id") for each in entries if isinstance(each, dict)]
        lowest = min((each for each in ids if isinstance(each, int)), default=None)
        return Page(entries, "" if lowest is None else str(lowest))

    def _read(self, raw: Any, title: str = "") -> Item | Deleted | None:
        return to_item(raw, self.options.base_url, self.options.username, title)

    async def _by_hits(self, since: Cursor | None) -> AsyncIterator[Batch]:
        place = Place.of(since, self.options.base_url)
        floor = None
        if place.after is not None:
            floor = place.after if place.is_behind else place.after - _OVERLAP
        listing = Hits(self.server, self.options)
        hits, lost = await listing.since(floor)
        most = self.options.look_ups
        chosen = hits[-most:] if floor is None else hits[:most]
        is_behind = floor is not None and len(hits) > most
        note = f"only the newest {len(hits)} were listed" if lost else ""
        if is_behind:
            note = note or "what follows comes with the next poll"
        items, gone, bad_items = await self._looked_up(chosen)
        heard = [hit.at for hit in chosen]
        latest = max([*heard, *([place.after] if place.after else [])], default=self.clock())
        yield Batch(
            tuple(items), cursor=Place(min(latest, self.clock()), is_behind).cursor(),
            bad_items=(*listing.bad_items, *bad_items), gone=tuple(gone), note=note,
            state=WindowState.truncated if note else WindowState.complete,
            covers_from=hits[0].at if lost and hits else None,
            next_poll_after=self.server.pause,
        )  # fmt: skip

    async def _looked_up(self, hits: Sequence[Hit]) -> tuple[list[Item], list[str], list[BadItem]]:
        items: dict[str, Item] = {}
        gone: list[str] = []
        bad_items: list[BadItem] = []
        for hit in hits:
            is_hidden, raw = await looked_up(self.server, hit)
            if is_hidden:
                continue
            if raw is None:
                gone += [hit.post_id] if hit.post_id else []
                continue
            try:
                found = self._read(raw, hit.title)
            except Malformed as error:
                bad_items.append(bad_item(error.message, raw))
                continue
            if isinstance(found, Deleted):
                gone.append(found.external_id)
            elif found is not None:
                items[found.external_id] = found
        if len(bad_items) > _FEW and not items:
            raise Malformed("None of the posts can be read.", subject=self.options.base_url)
        return list(items.values()), gone, bad_items


def _said_at(item: Item) -> datetime | None:
    """What the latest posts are ordered by: an edit moves nothing."""
    return item.published_at
