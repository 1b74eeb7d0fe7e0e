"""Listens to the reviews of one app, by either of the store's two doors."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from earmark_core.errors import Rejected
from earmark_core.model import Cursor, Item
from earmark_listeners.api import Api
from earmark_listeners.channels.appstore.connect import Connect
from earmark_listeners.channels.appstore.options import AppStoreOptions
from earmark_listeners.channels.appstore.public_feed import PublicFeed
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
from earmark_listeners.going_back import Back, followed
from earmark_listeners.newest_first import Ask, Page, Read, Walk

MAX_LENGTH = 5_970
"""Characters of a reply; Apple's own figure is in no public document, two other tools use this."""


class _Door(Protocol):
    """What both ways of reading have in common."""

    api: Api

    @property
    def page(self) -> Ask:
        """Gives a page of reviews."""
        ...

    @property
    def item(self) -> Read:
        """Gives a review as an item."""
        ...

    def completed(self, batch: Batch) -> Batch:
        """Gives a batch with what the walk cannot know."""
        ...


class AppStore(Listener[AppStoreOptions]):
    """Watches the reviews of one app; answers them where the app is ours."""

    channel: ClassVar[str] = "appstore"
    summary: ClassVar[str] = "App Store reviews: any app by the public feed, our own with replies"
    options_type: ClassVar[type[AppStoreOptions]] = AppStoreOptions
    needs: ClassVar[str] = (
        "nothing for the public feed; for App Store Connect an API key with the role Customer "
        "Support, App Manager or Admin"
    )
    collects: ClassVar[tuple[str, ...]] = ("reviews", "our replies")
    cannot: ClassVar[str] = (
        "ratings without words; by the feed more than the newest 500 of a country, what was taken "
        "away, and replies; edits of reviews older than the newest page and the overlap"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=MAX_LENGTH,
        one_reply_per_item=True,
        can_edit=True,
        can_delete=True,
        quota="3,500 requests an hour and key, reading included",
        default_interval_seconds=3_600,
        min_interval_seconds=300,
        note="A review has one reply, which all see; Apple may take a day to show it.",
    )

    def __init__(self, options: AppStoreOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self._connect = Connect(options, wiring) if options.kind == "connect" else None
        self.can_answer = self._connect is not None

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new and edited reviews, oldest page first."""
        options = self.options
        door: _Door = self._connect or PublicFeed(options, self.fetch)
        walk = Walk(
            door.page,
            door.item,
            self.clock,
            door.api.base_url,
            overlap=timedelta(hours=options.overlap_hours),
            max_pages=options.max_pages,
            moment=_placed_at,
            pause=lambda: door.api.pause,
        )
        async for batch in walk.newest_first(since):
            yield door.completed(batch)

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields the reviews of a stretch, from the newest back, with our replies of that time.

        The public feed shows the newest 500 of a country, and says no more.
        """
        feed = None if self._connect else PublicFeed(self.options, self.fetch)
        door: _Door = feed or self._answering()

        async def ask(token: str, first: datetime, _until: datetime) -> Page:
            page = await door.page(token, first)
            return page if feed is None else feed.walled(page, token)

        walk = Back(ask, door.item, door.api.base_url, pause=lambda: door.api.pause)
        replies = self._connect.replies if self._connect else {}
        async for batch in walk.pages(start, end, since):
            yield followed(batch, replies, start, end)

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Reads the review again."""
        return await self._answering().target(ref)

    async def send(self, reply: Outgoing) -> Sent:
        """Puts our reply below the review; the same again changes nothing."""
        return await self._answering().send(reply)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our reply below the review."""
        return await self._answering().find(reply)

    def _answering(self) -> Connect:
        if self._connect is None:
            raise Rejected(
                "The public feed takes no replies.",
                hint="Add a source of kind connect with an App Store Connect key.",
                subject=self.channel,
            )
        return self._connect


def _placed_at(item: Item) -> datetime | None:
    """Gives what the store orders by."""
    return item.published_at
