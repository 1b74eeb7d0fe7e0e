"""Walks a platform's pages through an earlier stretch of time, so that a channel only asks.

The newest page comes first. Some platforms take the end of a stretch as a part of the question:
they are asked anew from the oldest moment reached, wherever they stop. Others list from now back:
what is newer than the stretch is passed over. Where a platform gives no more although there is
more, the walk ends there and says so.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from earmark_core.clock import as_utc
from earmark_core.errors import Rejected
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_listeners.contract import Batch
from earmark_listeners.newest_first import Ask, Page, Read, read_entries
from earmark_listeners.wire import bad_item

STEP: Final = timedelta(seconds=1)
_IDLE: Final = 40
_IN_A_CIRCLE: Final = "the platform gave the same page again"

AskBack = Callable[[str, datetime, datetime], Awaitable[Page]]
"""Gives a page of what was said from the first moment to before the second, the newest first.

"" asks for the first page, else what the page before named as following. A platform that takes no
moments lists from now back, and may pass over both.
"""


def listing(ask: Ask) -> AskBack:
    """Gives a list that runs from now back, and knows no end, as what is walked back."""

    async def from_now(token: str, start: datetime, _until: datetime) -> Page:
        return await ask(token, start)

    return from_now


def said_at(item: Item) -> datetime | None:
    """Gives when an item was said."""
    return item.published_at


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back a platform goes by its own words: from *since* on; *why* says it in words."""

    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Back:
    """How a channel is walked back.

    `moment` is what the platform orders by: no earlier than when an item was said, or when the
    thread began that it stands in. `when` gives
    it for an entry as it came; it is needed where entries are passed over, or some lie outside the
    order. `is_bounded` says that `ask` heeds its moments: a wall is then got round by asking anew.
    `keeps_token` says that what asks for the next page is good for good, whatever is said or taken
    away meanwhile: else a walk that is taken up again begins at its first page.
    """

    ask: AskBack
    read: Read
    subject: str
    moment: Callable[[Item], datetime | None] = said_at
    when: Callable[[Any], datetime | None] | None = None
    is_bounded: bool = False
    keeps_token: bool = False
    reach: Reach | None = None
    pause: Callable[[], timedelta | None] = lambda: None

    async def pages(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what `Listener.backfill` promises, page by page."""
        place = _read_place(since, self.subject) or _Place(end)
        if place.is_ended:
            return
        short, floor = "", start
        if self.reach is not None and start < self.reach.since:
            short, floor = self.reach.why, self.reach.since
            if end <= floor:
                raise Rejected(
                    f"Nothing of this stretch can be had: {short}.",
                    hint="Ask for a later stretch of time.",
                    subject=self.subject,
                )
        walk = _Steps(self, start, end, floor, replace(place, until=min(place.until, end)))
        while not walk.place.is_ended:
            yield await walk.step(short)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk stands: all since *until* is given, and what asks for the page after it.

    One that ended too early keeps the note that says why.
    """

    until: datetime
    token: str = ""
    is_ended: bool = False
    note: str = ""

    def cursor(self) -> Cursor:
        kept = {"until": self.until.isoformat(), "token": self.token, "ended": self.is_ended}
        return Cursor(json.dumps(kept | {"note": self.note}))


@dataclass(slots=True)
class _Steps:
    """A walk under way; `upper` is the end of what is asked for now."""

    back: Back
    start: datetime
    end: datetime
    floor: datetime
    place: _Place
    upper: datetime = field(init=False)
    token: str = field(init=False)
    lowest: datetime | None = None
    idle: int = 0
    seen: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=lambda: {""})

    def __post_init__(self) -> None:
        self.upper = self._before(self.place.until)
        self.token = self.place.token if self.back.keeps_token else ""
        self.tokens.add(self.token)

    async def step(self, short: str) -> Batch:
        """Gives one page, and moves on."""
        page = await self.back.ask(self.token, self.floor, self.upper)
        found = read_entries(page.entries, self.back.read, self.seen, self.back.subject)
        self.seen = found.names or self.seen  # what comes twice comes on pages side by side
        items, undated = self._inside(found.items)
        reached, is_past = self._reached(page, found.items)
        note = self._go_on(page, reached, is_past=is_past, is_fresh=found.is_fresh)
        if self.place.is_ended:
            until = self.place.until if note else self.floor
            note = note or short
            self.place = replace(self.place, until=until, note=note)
        return Batch(
            items, cursor=self.place.cursor(), bad_items=(*found.bad_items, *undated),
            gone=found.gone, covers_from=self.place.until, note=note,
            state=WindowState.truncated if note else WindowState.backfilled,
            next_poll_after=None if self.place.is_ended else self.back.pause(),
        )  # fmt: skip

    def _go_on(self, page: Page, reached: datetime | None, *, is_past: bool, is_fresh: bool) -> str:
        """Moves the place behind a page; gives in words why the walk ends too early, "" if not."""
        until = self.place.until
        if reached is not None:
            until = max(self.floor, min(until, reached))
        is_lower = reached is not None and (self.lowest is None or reached < self.lowest)
        self.lowest = reached if is_lower else self.lowest
        self.idle = 0 if is_lower else self.idle + 1
        note, token, is_ended = "", page.following, is_past
        if not is_past and (fault := self._fault(page, is_fresh=is_fresh)):
            note, is_ended = fault, True
        elif not is_past and not page.following:
            is_ended, is_cut = True, bool(page.wall) and until > self.floor
            if is_cut and self.back.is_bounded and self._before(until) < self.upper:
                self.upper, is_ended = self._before(until), False
                self.tokens, self.seen = {""}, set()
            elif is_cut:
                note = page.wall
        self.token = "" if is_ended else token
        self.place = _Place(until, self.token if self.back.keeps_token else "", is_ended)
        return note

    def _fault(self, page: Page, *, is_fresh: bool) -> str:
        if page.following and page.following in self.tokens:
            return _IN_A_CIRCLE
        self.tokens.add(page.following)
        if page.following and page.entries and not is_fresh:
            return _IN_A_CIRCLE
        if self.idle >= _IDLE:
            return f"the platform gave {_IDLE} pages that reach no further back"
        return ""

    def _reached(self, page: Page, items: tuple[Item, ...]) -> tuple[datetime | None, bool]:
        """Gives how far back a page reaches, and whether all of it lies before the stretch."""
        when, moment = self.back.when, self.back.moment
        found = map(when, page.entries) if when is not None else map(moment, items)
        known = [as_utc(at) for at in found if at is not None]
        if not known:
            return None, False
        return known[-1] if when is not None else min(known), max(known) < self.floor

    def _inside(self, items: tuple[Item, ...]) -> tuple[tuple[Item, ...], tuple[BadItem, ...]]:
        kept: list[tuple[datetime, Item]] = []
        undated: list[BadItem] = []
        for item in items:
            at = self.back.moment(item)
            if at is not None and self.upper < self.end and as_utc(at) >= self.upper:
                continue  # it came before the walk was taken up again
            if item.published_at is None:
                undated.append(bad_item("It does not say when it was said.", item.raw))
            elif is_within(item, self.start, self.end):
                kept.append((as_utc(item.published_at), item))
        kept.sort(key=lambda pair: (pair[0], pair[1].external_id))
        return tuple(item for _, item in kept), tuple(undated)

    def _before(self, until: datetime) -> datetime:
        """Gives the end of a question that holds the moment *until* itself, up to the end."""
        return min(self.end, until + STEP)


def is_within(item: Item, start: datetime, end: datetime) -> bool:
    """Tells whether an item was said in a stretch of time."""
    return item.published_at is not None and start <= as_utc(item.published_at) < end


def followed(batch: Batch, answers: Mapping[str, Item], start: datetime, end: datetime) -> Batch:
    """Gives a page with each item followed by our answer to it, where that was said in time too."""
    items: list[Item] = []
    for item in batch.items:
        answer = answers.get(item.external_id)
        items += [item, answer] if answer and is_within(answer, start, end) else [item]
    return replace(batch, items=tuple(items))


async def together(
    lists: Mapping[str, Back], start: datetime, end: datetime, since: Cursor | None
) -> AsyncIterator[Batch]:
    """Yields the pages of several lists, each time of the one that is least far back.

    So `covers_from` speaks for all of them. Where one ends too early it stays there, while the
    others are read to their ends.
    """
    places = _read_places(since, lists)
    walks = {name: back.pages(start, end, places.get(name)) for name, back in lists.items()}
    reached = {name: _reached_by(places.get(name), end) for name in lists}
    notes = {name: _note_of(places.get(name)) for name in lists}
    while walks:
        name = max(walks, key=lambda each: reached[each])
        batch = await anext(walks[name], None)
        if batch is None:
            del walks[name]
            continue
        places[name] = batch.cursor or places.get(name)
        reached[name] = batch.covers_from or reached[name]
        notes[name] = batch.note
        note = next(filter(None, notes.values()), "")
        kept = {key: str(place) for key, place in places.items() if place is not None}
        yield replace(
            batch, cursor=Cursor(json.dumps(kept)), covers_from=max(reached.values()), note=note,
            state=WindowState.truncated if note else WindowState.backfilled,
        )  # fmt: skip


def _read_places(since: Cursor | None, lists: Mapping[str, Back]) -> dict[str, Cursor | None]:
    if since is None:
        return {}
    try:
        kept = {name: Cursor(at) for name, at in json.loads(since).items() if name in lists}
    except (ValueError, AttributeError):
        kept = {}
    if not kept:
        raise _unreadable(" and ".join(lists))
    return dict(kept)


def _reached_by(place: Cursor | None, end: datetime) -> datetime:
    kept = _read_place(place, "")
    return min(kept.until, end) if kept else end


def _note_of(place: Cursor | None) -> str:
    kept = _read_place(place, "")
    return kept.note if kept else ""


def _read_place(since: Cursor | None, subject: str) -> _Place | None:
    if since is None:
        return None
    try:
        kept = json.loads(since)
        until = as_utc(datetime.fromisoformat(kept["until"]))
        return _Place(until, str(kept["token"]), kept["ended"] is True, str(kept["note"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        raise _unreadable(subject) from None


def _unreadable(subject: str) -> Rejected:
    return Rejected(
        "The place where the backfill ended cannot be read.",
        hint="Ask for another stretch of time; what comes twice is stored once.",
        subject=subject,
    )
