"""Listens to the reviews of one game.

Left to itself, Steam hides reviews of copies that were not bought there and those of a "review
bomb": both are asked for. The cursor of a page is good for one walk only and never kept.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from earmark_core.errors import Malformed, Unavailable
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.api import Api
from earmark_listeners.channels.steam.reviews import to_items
from earmark_listeners.contract import Batch, ChannelOptions, ChannelRules, Listener, Wiring
from earmark_listeners.going_back import Back, followed
from earmark_listeners.newest_first import Page, Walk, moved_at

_BEGIN: Final = "*"
_TOO_OFTEN: Final = timedelta(minutes=5)


class SteamOptions(ChannelOptions):
    """Options of a Steam source."""

    app_id: str = Field(
        pattern=r"^[0-9]{1,12}$", description="number of the game, as in its store page's address"
    )
    order: Literal["updated", "recent"] = Field(
        default="updated", description="updated: edits are heard too; recent: only what is new"
    )
    language: str = Field(
        default="all",
        pattern=r"^[a-z]{2,20}$",
        description="only reviews in one language, by Steam's name for it (english, schinese)",
    )
    purchase_type: Literal["all", "steam", "non_steam_purchase"] = Field(
        default="all", description="reviews of copies bought on Steam, elsewhere, or both"
    )
    include_off_topic: bool = Field(
        default=True, description="also reviews from times that Steam marked as off-topic"
    )
    is_ours: bool = Field(
        default=True, description="the game is ours: the developer's answers are our own"
    )
    per_page: int = Field(default=100, ge=1, le=100, description="reviews per page")
    max_pages: int = Field(default=10, ge=1, le=100, description="pages per poll at most")
    overlap_hours: int = Field(
        default=24, ge=0, le=720, description="how far each poll looks back again"
    )
    base_url: str = Field(
        default="https://store.steampowered.com",
        pattern=r"^https?://[^/@\s]+$",
        description="address of the store",
    )
    site: str = Field(
        default="https://steamcommunity.com",
        pattern=r"^https?://[^@\s]+$",
        description="address under which a review's page is found",
    )


class Steam(Listener[SteamOptions]):
    """Watches the reviews of one game; answers are written by hand."""

    channel: ClassVar[str] = "steam"
    summary: ClassVar[str] = "Reviews of a game on Steam, and its developer's answers"
    options_type: ClassVar[type[SteamOptions]] = SteamOptions
    collects: ClassVar[tuple[str, ...]] = ("reviews", "our answers")
    cannot: ClassVar[str] = (
        "replies (they are written in Steam's back office), stars (there are none), names of "
        "reviewers, what was taken away, discussions"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        quota="Steam names none; 150 requests in 5 minutes are known to go well",
        default_interval_seconds=900,
        min_interval_seconds=60,
        note="Steam takes no replies from programs: answer on the review's page as the developer.",
    )

    def __init__(self, options: SteamOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.api = Api(wiring.fetch, options.base_url)
        self._order: str = options.order
        self._answers: dict[str, Item] = {}
        self._counted = 0
        self._total = 0
        self._is_full = True
        self._oldest: datetime | None = None
        self._note = ""

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new and edited reviews, oldest page first, each followed by our answer to it."""
        options = self.options
        walk = Walk(
            self._page,
            self._item,
            self.clock,
            options.base_url,
            overlap=timedelta(hours=options.overlap_hours),
            max_pages=options.max_pages,
            moment=self._moment,
            pause=lambda: self.api.pause,
        )
        async for batch in walk.newest_first(since):
            yield self._completed(batch)

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields the reviews of a stretch, by when they were written, each with our answer."""
        self._order = "recent"

        async def ask(token: str, first: datetime, _until: datetime) -> Page:
            page = await self._page(token, first)
            return page if page.following else replace(page, wall=self._note)

        walk = Back(ask, self._item, self.options.base_url, pause=lambda: self.api.pause)
        async for batch in walk.pages(start, end, since):
            yield followed(batch, self._answers, start, end)

    async def _page(self, token: str, floor: datetime | None) -> Page:
        options, at = self.options, token or _BEGIN
        params = {
            "json": "1",
            "filter": self._order,
            "language": options.language,
            "review_type": "all",
            "purchase_type": options.purchase_type,
            "filter_offtopic_activity": "0" if options.include_off_topic else "1",
            "num_per_page": str(options.per_page),
            "cursor": at,  # encoded as any other parameter: it holds + / and =
        }
        entries, said = self._envelope(await self.api.get(f"/appreviews/{options.app_id}", params))
        if not token:
            self._begin(entries, said)
        self._counted += len(entries)
        if not entries and self._is_full and self._counted < self._total and floor is not None:
            self._note = f"Steam ended its list after {self._counted} of {self._total} reviews"
        self._is_full = len(entries) >= options.per_page
        cursor = said.get("cursor")
        # The list ends with an empty page, or with the cursor that was asked for.
        is_end = not entries or not isinstance(cursor, str) or cursor in (at, _BEGIN)
        return Page(entries, "" if is_end else str(cursor))

    def _envelope(self, said: Any) -> tuple[list[Any], dict[str, Any]]:
        """Gives the reviews and all of the answer; null is how Steam says "not so fast"."""
        if said is None:
            raise Unavailable(
                "Steam answered with nothing, as it does when it is asked too often.",
                retry_after=_TOO_OFTEN,
                rate_limited=True,
                subject=self.options.base_url,
            )
        success = said.get("success") if isinstance(said, dict) else None
        found = said.get("reviews") if isinstance(said, dict) else None
        if success != 1 or not isinstance(found, list) or not isinstance(said, dict):
            told = "" if success is None else f" (success {str(success)[:20]})"
            raise Malformed(
                f"Steam's answer holds no list of reviews{told}.",
                hint="Check app_id: the number in the address of the game's store page.",
                subject=self.options.base_url,
            )
        return found, said

    def _begin(self, entries: list[Any], said: dict[str, Any]) -> None:
        """Takes in the first page's totals; an empty list of many reviews is a fault of Steam's."""
        summary = said.get("query_summary")
        total = summary.get("total_reviews") if isinstance(summary, dict) else None
        self._total = total if isinstance(total, int) else 0
        if not entries and self._total > 0:
            raise Unavailable(
                f"Steam gave an empty list, although it counts {self._total} reviews.",
                hint="It does so at times; it will be tried again.",
                subject=self.options.base_url,
            )

    def _item(self, raw: Any) -> Item:
        item, answer = to_items(raw, self.options.app_id, self.options.site)
        if answer is not None and self.options.is_ours:
            self._answers[item.external_id] = answer
        moment = self._moment(item)
        if moment is not None:
            self._oldest = min(self._oldest or moment, moment)
        return item

    def _completed(self, batch: Batch) -> Batch:
        """Gives the batch with our answers behind their reviews, and what Steam kept back."""
        pairs = ((item, self._answers.get(item.external_id)) for item in batch.items)
        batch = replace(batch, items=tuple(each for pair in pairs for each in pair if each))
        if self._note and batch.state is WindowState.complete:
            note, oldest = self._note, self._oldest
            batch = replace(batch, state=WindowState.truncated, note=note, covers_from=oldest)
        return batch

    def _moment(self, item: Item) -> datetime | None:
        """Gives what Steam orders by."""
        return moved_at(item) if self._order == "updated" else item.published_at
