"""Walks X's pages: each is bought once, counted, and moves the place.

An answer without `data` is an empty page only if it counts 0 itself; who wrote a post stands
beside the posts; a partial failure is told beside what succeeded. X's own cap comes as 429 like
a short limit, and is not over in 15 minutes.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from earmark_core.answer import Answer
from earmark_core.clock import Clock, as_utc
from earmark_core.errors import Malformed, Unavailable
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_listeners.api import Api
from earmark_listeners.channels.x.options import XOptions
from earmark_listeners.channels.x.place import (
    SMALLEST_PAGE,
    Place,
    Spending,
    moment_of,
    not_after,
    order,
    read_place,
    write_place,
    written,
)
from earmark_listeners.channels.x.posts import FIELDS, USER_FIELDS, authors_in, to_item
from earmark_listeners.contract import Batch
from earmark_listeners.going_back import Back, Reach
from earmark_listeners.newest_first import Page
from earmark_listeners.wire import bad_item, moment_in

_FEW = 2
_MARGIN = timedelta(minutes=1)
_LEAST = timedelta(seconds=1)
_MOST_MENTIONS = 700
_CIRCLE = "the platform gave the same page again; what lies below it was not heard"


@dataclass(slots=True)
class _Leg:
    """One way back: from the newest, or from a hole's upper end (*before*), down to *floor*.

    *until* is the moment at which an earlier stretch of time ends.
    """

    floor: str
    before: str = ""
    token: str = ""
    top: str = ""
    cut: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a page gave: its ids, newest first, and whether more lies below it."""

    batch: Batch
    ids: list[str]
    has_more: bool
    is_circle: bool


class Walking:
    """One poll of a search or of our mentions."""

    def __init__(self, api: Api, options: XOptions, spending: Spending, clock: Clock) -> None:
        self._api = api
        self._options = options
        self._spending = spending
        self._clock = clock
        self._seen: set[str] = set()

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields the pages, each with the place where the next poll goes on."""
        place = await self._spending.begun(read_place(since, "x"))
        self._spending.refuse_if_used_up("x")
        self._seen.clear()
        old, left = place.after, self._options.max_pages
        for leg in self._legs(place):
            is_on = True
            while is_on and left > 0 and not self._spending.is_used_up:
                heard = await self._heard(leg, is_first=not old)
                left -= 1
                place = replace(self._moved(place, leg, heard, old), read=self._spending.read)
                yield self._told(heard, place, leg, left)
                is_on = heard.has_more

    def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields a stretch of the last days; each page is bought, and refused once none is left."""
        options, authors, listed = self._options, dict[str, Any](), 0

        async def ask(token: str, first: datetime, until: datetime) -> Page:
            nonlocal listed
            await self._spending.begun(Place())
            self._spending.refuse_if_used_up("x")
            is_now = until > self._clock() - _MARGIN  # X takes no end that has only just been
            leg = _Leg(written(first), token=token, until="" if is_now else written(until + _LEAST))
            page, said = await self._page(leg)
            authors.update(authors_in(said))
            listed += len(page.entries)
            is_cut = options.kind == "mentions" and not page.following and listed >= _MOST_MENTIONS
            return replace(page, wall="X lists the newest 800 mentions" if is_cut else "")

        days = f"X's search reaches back {options.reach_days} days"
        walk = Back(
            ask, lambda raw: to_item(raw, authors, options), "x",
            when=lambda raw: moment_in(raw, "created_at"), pause=lambda: self._api.pause,
            reach=Reach(self._earliest(), days) if options.kind == "search" else None,
        )  # fmt: skip
        return walk.pages(start, end, since)

    def _legs(self, place: Place) -> Iterator[_Leg]:
        """Gives the hole first, then the newest; no floor lies beyond the reach of the search."""
        ways = [_Leg(place.after)]
        if place.hole is not None:
            ways.insert(0, _Leg(*place.hole))
        for leg in ways:
            moment = _moment(leg.floor)
            if moment is not None and self._is_beyond(moment):
                self._cut(leg)
            yield leg

    async def _heard(self, leg: _Leg, *, is_first: bool) -> _Heard:
        page, said = await self._page(leg)
        batch, ids, is_fresh = self._batch(page, said)
        has_more = bool(page.following) and not is_first
        is_circle = page.following == leg.token or (bool(page.entries) and not is_fresh)
        leg.token = page.following
        return _Heard(batch, ids, has_more and not is_circle, has_more and is_circle)

    def _moved(self, place: Place, leg: _Leg, heard: _Heard, old: str) -> Place:
        """Gives the place after a page: the newest post heard, and what lies below the page."""
        hole = place.hole if heard.has_more else None
        if heard.has_more and heard.ids:
            hole = leg.floor, heard.ids[-1]
        if leg.before:
            return replace(place, hole=hole)
        leg.top = max([*heard.ids, leg.top], key=order)
        settled = self._clock() - timedelta(seconds=self._options.overlap_seconds)
        top = not_after(leg.top, settled)
        if top and (not old.isdecimal() or order(top) > order(old)):
            return replace(place, after=top, hole=hole)
        return replace(place, after=old or written(self._clock()), hole=hole)

    def _told(self, heard: _Heard, place: Place, leg: _Leg, left: int) -> Batch:
        note, is_spent = self._note(heard, leg, left), self._spending.is_used_up
        moments = [item.published_at for item in heard.batch.items if item.published_at]
        from_when = _moment(leg.floor) if leg.cut else min(moments, default=None)
        return replace(
            heard.batch,
            cursor=write_place(place),
            state=WindowState.truncated if note else WindowState.complete,
            covers_from=from_when if note else None,
            next_poll_after=self._spending.wait() if is_spent else self._api.pause,
            note=note,
        )

    def _note(self, heard: _Heard, leg: _Leg, left: int) -> str:
        """Says in words what is missing, "" if nothing is; after a hole the newest is."""
        is_owed = heard.has_more or bool(leg.before)
        if heard.is_circle:
            return _CIRCLE
        if is_owed and self._spending.is_used_up:
            return self._spending.words()
        if is_owed and left == 0:
            most = self._options.max_pages
            return f"{most} pages were read; what follows comes with the next poll"
        return leg.cut

    async def _page(self, leg: _Leg) -> tuple[Page, Mapping[str, Any]]:
        above = _moment(leg.before)
        if above is not None and self._is_beyond(above):
            self._cut(leg)
            return Page([]), {}
        path, params = self._request(leg)
        answer = await self._api.call("GET", path, params=params)
        # Should X's reach be another than ours: it names what it finds too old.
        if answer.status == 400 and leg.floor.isdecimal() and b"since_id" in answer.body:
            self._cut(leg)
            return await self._page(leg)
        if answer.status == 400 and leg.before and b"until_id" in answer.body:
            self._cut(leg)
            return Page([]), {}
        self._refuse_if_capped(answer)
        return await self._opened(self._api.read(answer))

    async def _opened(self, said: Any) -> tuple[Page, Mapping[str, Any]]:
        entries, meta = (said.get(k) if isinstance(said, dict) else None for k in ("data", "meta"))
        count = meta.get("result_count") if isinstance(meta, dict) else None
        if entries is None and count == 0:
            entries = []
        if not isinstance(entries, list) or not isinstance(meta, dict):
            raise Malformed(
                "The answer holds neither posts nor the word that there are none.",
                hint="Check that base_url is X's API.",
                subject=self._options.base_url,
            )
        await self._spending.add(len(entries))
        return Page(entries, str(meta.get("next_token") or "")), said

    def _request(self, leg: _Leg) -> tuple[str, dict[str, str]]:
        options = self._options
        size = min(options.page_size, max(SMALLEST_PAGE, self._spending.left))
        params = {
            "max_results": str(size),
            "tweet.fields": FIELDS,
            "expansions": "author_id",
            "user.fields": USER_FIELDS,
        }
        if leg.floor.isdecimal():
            params["since_id"] = leg.floor
        elif leg.floor:
            params["start_time"] = leg.floor
        if leg.before:
            params["until_id"] = leg.before
        if leg.until:
            params["end_time"] = leg.until
        if options.kind == "mentions":
            params |= {"pagination_token": leg.token} if leg.token else {}
            return f"/2/users/{quote(options.user_id, safe='')}/mentions", params
        params |= {"next_token": leg.token} if leg.token else {}
        return "/2/tweets/search/recent", params | {"query": options.search}

    def _is_beyond(self, moment: datetime) -> bool:
        """Tells whether a moment lies further back than a search reaches."""
        return self._options.kind == "search" and moment < self._earliest() - _MARGIN

    def _earliest(self) -> datetime:
        return self._clock() - timedelta(days=self._options.reach_days) + 2 * _MARGIN

    def _cut(self, leg: _Leg) -> None:
        days = self._options.reach_days
        leg.floor = written(self._earliest())
        leg.cut = f"X's search reaches back {days} days: what was said before then is not heard"

    def _refuse_if_capped(self, answer: Answer) -> None:
        """Raises for X's own cap, which is told as a 429 and lasts until the month is over."""
        is_capped = b"usage-capped" in answer.body or b"UsageCapExceeded" in answer.body
        if answer.status not in (403, 429) or not is_capped:
            return
        now = self._clock().astimezone(UTC)
        tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        is_daily = b'"daily"' in answer.body.lower()
        raise Unavailable(
            "What your X plan may read is used up.",
            retry_after=tomorrow - now if is_daily else self._spending.wait(),
            rate_limited=True,
            hint="See the usage page of your X project, and set month_begins to the day on which "
            "it begins anew.",
            subject="x",
        )

    def _batch(self, page: Page, said: Mapping[str, Any]) -> tuple[Batch, list[str], bool]:
        """Gives a page's items, oldest first, all its ids, newest first, and if any is new."""
        authors = authors_in(said)
        items: list[Item] = []
        bad_items: list[BadItem] = []
        found = [str(raw["id"]) for raw in page.entries if isinstance(raw, dict) and "id" in raw]
        ids = sorted(filter(str.isdecimal, found), key=order, reverse=True)
        is_fresh = not self._seen.issuperset(ids)
        for raw in page.entries:
            try:
                item = to_item(raw, authors, self._options)
            except Malformed as error:
                bad_items.append(bad_item(error.message, raw))
                continue
            if item is not None and item.external_id not in self._seen:
                items.append(item)
                self._seen.add(item.external_id)
        self._seen.update(ids)
        if len(bad_items) > _FEW and len(bad_items) == len(page.entries):
            raise Malformed("None of the posts can be read.", subject=self._options.base_url)
        items.sort(key=lambda item: order(item.external_id))
        return Batch(tuple(items), bad_items=tuple(bad_items)), ids, is_fresh


def _moment(floor: str) -> datetime | None:
    """Gives the moment of a post's id, or the one that is written out."""
    if not floor or floor.isdecimal():
        return moment_of(floor)
    try:
        return as_utc(datetime.fromisoformat(floor))
    except ValueError:
        return None
