"""Walks a platform's pages between two polls, so that a channel only asks and reads.

Two ways: `newest_first`, from the newest page back to what was seen before, for platforms that
list the newest first; `oldest_first`, onward from what was seen before, for those that can. Both
serve a time window as well: what is asked for is told from which moment on it matters.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from earmark_core.clock import Clock, as_utc
from earmark_core.errors import Malformed, Rejected
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_listeners.contract import Batch
from earmark_listeners.wire import bad_item

_FEW = 2
_LEAST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Page:
    """One page as the platform gave it: its entries, and what asks for the next one ("": none).

    `wall` says in words that none follows because the platform gives no more, not because there
    is no more.
    """

    entries: Sequence[Any]
    following: str = ""
    wall: str = ""


@dataclass(frozen=True, slots=True)
class Deleted:
    """In place of an item: the source says that the one of this id is no longer there."""

    external_id: str


Ask = Callable[[str, datetime | None], Awaitable[Page]]
"""Gives a page: "" asks for the first, else what the page before named as following.

The moment is from when on items matter, None at the first poll.
"""

Read = Callable[[Any], Item | Deleted | None]
"""Gives an entry as an item, None to pass it over; raises `Malformed` where it cannot be read."""


def moved_at(item: Item) -> datetime | None:
    """Gives when an item last changed."""
    return item.edited_at or item.published_at


@dataclass(frozen=True, slots=True)
class Walk:
    """How a channel is walked.

    `overlap` is how far behind the mark each poll looks again, for what was late or edited.
    `max_pages` bounds a poll and `first_pages` the first one, which has no mark. `moment` is what
    the platform orders by. `pause` gives the wait that the platform asked for meanwhile.
    """

    ask: Ask
    read: Read
    clock: Clock
    subject: str
    overlap: timedelta = timedelta(minutes=10)
    max_pages: int = 10
    first_pages: int = 1
    moment: Callable[[Item], datetime | None] = moved_at
    pause: Callable[[], timedelta | None] = lambda: None

    async def newest_first(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields the pages between now and the mark, oldest page first.

        The mark moves with the last one only. Where not all pages down to the mark could be read,
        the window is truncated, and `covers_from` says from when on all was heard.
        """
        mark = read_mark(since, self.subject)
        floor = None if mark is None else mark - self.overlap
        batches, note = await self._back(floor)
        heard = [moment for batch in batches for moment in self._moments(batch)]
        state = WindowState.truncated if note else WindowState.complete
        covers_from = min(heard, default=None) if note else None
        for place in range(len(batches) - 1, -1, -1):
            yield replace(
                batches[place],
                cursor=self._mark(heard, mark) if place == 0 else None,
                state=state,
                covers_from=covers_from,
                next_poll_after=self.pause(),
                note=note,
            )

    async def oldest_first(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields pages as they come, oldest first, and moves the mark with each.

        For a platform that lists what changed since a moment in that order. What a poll does not
        reach comes with the next one.
        """
        mark = read_mark(since, self.subject)
        floor = _resumes_at(since) or (mark and mark - self.overlap)
        reading = _Reading(self)
        latest: datetime | None = None
        token, most = "", self.max_pages
        for number in range(1, most + 1):
            page = await self.ask(token, floor)
            batch, is_fresh = reading.batch(page)
            moments = self._moments(batch)
            latest = max([latest, *moments]) if latest else max(moments, default=None)
            cursor = self._mark(moments, mark)
            mark = read_mark(cursor, self.subject)
            note = reading.fault(page, is_fresh=is_fresh)
            if not note and page.following and number == most:
                note = f"{most} pages were read; what follows comes with the next poll"
                cursor = self._broken_off(latest, floor, mark)
            state = WindowState.truncated if note else WindowState.complete
            pause = self.pause()
            yield replace(batch, cursor=cursor, state=state, note=note, next_poll_after=pause)
            if note or not page.following:
                return
            token = page.following

    def _broken_off(
        self, latest: datetime | None, floor: datetime | None, mark: datetime | None
    ) -> Cursor:
        """Gives the mark, and beside it the moment at which the next poll goes on.

        Without it a poll whose pages all lie within the overlap would be followed by the same
        one, for ever. A moment that fills all pages is left behind; the note says so.
        """
        cursor = self._mark((), mark)
        if latest is None:
            return cursor
        onward = floor + _LEAST if floor is not None and latest <= floor else latest
        return Cursor(json.dumps(json.loads(cursor) | {"from": onward.isoformat()}))

    async def _back(self, floor: datetime | None) -> tuple[list[Batch], str]:
        """Gives the pages from the newest on, and in words what is missing, "" if nothing is."""
        reading = _Reading(self)
        batches: list[Batch] = []
        token = ""
        most = self.first_pages if floor is None else self.max_pages
        for _ in range(most):
            page = await self.ask(token, floor)
            batch, is_fresh = reading.batch(page)
            batches.append(batch)
            note = reading.fault(page, is_fresh=is_fresh)
            if note or not page.following or self._is_past(batch, floor):
                return batches, note
            token = page.following
        return batches, "" if floor is None else f"only the newest {most} pages were read"

    def _is_past(self, batch: Batch, floor: datetime | None) -> bool:
        """Tells whether a page holds only what an earlier poll has heard."""
        moments = [self.moment(item) for item in batch.items]
        known = [as_utc(moment) for moment in moments if moment is not None]
        if floor is None or not known or len(known) < len(moments):
            return False
        return all(moment < floor for moment in known)

    def _moments(self, batch: Batch) -> list[datetime]:
        found = [self.moment(item) for item in batch.items]
        return [as_utc(moment) for moment in found if moment is not None]

    def _mark(self, heard: Sequence[datetime], mark: datetime | None) -> Cursor:
        """Gives the new mark; an item from the future cannot blind us."""
        now = self.clock()
        latest = max([*heard, *([mark] if mark else [])], default=now)
        return write_mark(min(latest, now))


class _Reading:
    """Reads the pages of one poll; an item that comes twice is taken once."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._seen: set[str] = set()
        self._tokens: set[str] = {""}

    def batch(self, page: Page) -> tuple[Batch, bool]:
        """Gives a page's items, oldest first, and whether anything of it is new in this poll."""
        found = read_entries(page.entries, self._walk.read, self._seen, self._walk.subject)
        self._seen |= found.names
        items = tuple(sorted(found.items, key=self._order))
        return Batch(items, bad_items=found.bad_items, gone=found.gone), found.is_fresh

    def fault(self, page: Page, *, is_fresh: bool) -> str:
        """Says in words that the platform leads in a circle; "" if it does not."""
        is_known = page.following in self._tokens and page.following != ""
        self._tokens.add(page.following)
        if is_known or (page.entries and page.following and not is_fresh):
            return "the platform gave the same page again"
        return ""

    def _order(self, item: Item) -> tuple[float, str]:
        moment = self._walk.moment(item)
        return (as_utc(moment).timestamp() if moment else 0.0, item.external_id)


@dataclass(frozen=True, slots=True)
class Entries:
    """What a page's entries are: items as they came, what is gone, and what cannot be read.

    `names` are the ids of this page; `is_fresh` tells whether it holds anything that was not
    known before.
    """

    items: tuple[Item, ...]
    gone: tuple[str, ...]
    bad_items: tuple[BadItem, ...]
    names: set[str]
    is_fresh: bool


def read_entries(
    entries: Sequence[Any], read: Read, known: Container[str], subject: str
) -> Entries:
    """Reads a page; what is *known*, or comes twice on it, is taken once.

    Raises `Malformed` where nothing of a page can be read and it is more than an odd entry or two.
    """
    items: list[Item] = []
    gone: list[str] = []
    bad_items: list[BadItem] = []
    names: set[str] = set()
    passed = 0
    for entry in entries:
        try:
            found = read(entry)
        except Malformed as error:
            bad_items.append(bad_item(error.message, entry))
            continue
        passed += found is None
        if found is None or found.external_id in names:
            continue
        names.add(found.external_id)
        if found.external_id in known:
            continue
        if isinstance(found, Deleted):
            gone.append(found.external_id)
        else:
            items.append(found)
    if len(bad_items) > _FEW and len(bad_items) == len(entries):
        raise Malformed("None of the items can be read.", subject=subject)
    is_fresh = bool(items or gone or passed)
    return Entries(tuple(items), tuple(gone), tuple(bad_items), names, is_fresh)


def write_mark(moment: datetime) -> Cursor:
    """Gives a cursor that stands at *moment*."""
    return Cursor(json.dumps({"after": as_utc(moment).isoformat()}))


def _resumes_at(since: Cursor | None) -> datetime | None:
    """Gives the moment at which a poll was broken off that left pages unread."""
    kept = json.loads(since).get("from") if since is not None else None
    try:
        return as_utc(datetime.fromisoformat(kept)) if kept else None
    except (ValueError, TypeError, OverflowError):
        return None


def read_mark(since: Cursor | None, subject: str) -> datetime | None:
    """Gives the moment of a cursor; raises `Rejected` for one that is none of ours."""
    if since is None:
        return None
    try:
        return as_utc(datetime.fromisoformat(json.loads(since)["after"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        raise unreadable_place(subject) from None


def unreadable_place(subject: str, then: str = "it then begins at the newest items.") -> Rejected:
    """Gives the error for a cursor that is none of ours; *then* says what a reset comes to."""
    return Rejected(
        "The place where the last poll ended cannot be read.",
        hint=f"Reset the source; {then}",
        subject=subject,
    )
