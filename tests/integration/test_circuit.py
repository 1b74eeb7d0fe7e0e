"""A source in trouble: tried in its own pace, heard again at once, given up by a person only."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from sqlmodel import col, select

from earmark.ingest import keep_page
from earmark.matching import load_watch
from earmark_core.budgets import Budgets
from earmark_core.clock import FixedClock
from earmark_core.errors import Fault, ListenerError, Malformed, Rejected, Unavailable
from earmark_core.fetch import Fetcher, make_fetcher
from earmark_core.model import SYSTEM, Cursor, Item, WindowState
from earmark_core.store import Store, open_store
from earmark_core.tables import AuditEntry, Brand, Mention, PollWindow, Source
from earmark_listeners.contract import Batch, ChannelOptions, Listener
from earmark_listeners.health import SourceRow, Sources
from earmark_listeners.pace import OPENS_AFTER
from earmark_listeners.polling import Kept, poll
from earmark_listeners.schedule import claim_due, finish
from tests.fakes import NoOptions

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Peer:
    """A real server on this machine with places that each say something every seven minutes.

    It keeps what was said. `ill` names the places that answer 503; `asked` is who asked when.
    """

    clock: FixedClock
    began: datetime
    ill: set[str] = field(default_factory=set)
    asked: list[tuple[str, datetime, int]] = field(default_factory=list)
    port: int = 0

    def said(self, until: datetime) -> int:
        return (until - self.began) // (7 * MINUTE)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        place, _, after = head.split(b" ", 2)[1].decode().strip("/").partition("?after=")
        status = 503 if place in self.ill else 200
        self.asked.append((place, self.clock(), status))
        body = json.dumps(list(range(int(after) + 1, self.said(self.clock()) + 1))).encode()
        writer.write(b"HTTP/1.1 %d X\r\nconnection: close\r\ncontent-length: " % status)
        writer.write(b"%d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    def asks(self, place: str, start: datetime, end: datetime) -> list[datetime]:
        return [at for where, at, _ in self.asked if where == place and start <= at < end]


class PeerListener(Listener[NoOptions]):
    """Takes what a place said since the last number."""

    channel: ClassVar[str] = "fake"
    summary: ClassVar[str] = "Counts."
    options_type: ClassVar[type[ChannelOptions]] = NoOptions

    def __init__(self, fetch: Fetcher, url: str) -> None:
        self.fetch, self.url = fetch, url

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        answer = await self.fetch.get(f"{self.url}?after={since or 0}")
        numbers = answer.checked().json()
        found = tuple(Item(external_id=f"{self.url[-3:]}{n}", text=f"no. {n}") for n in numbers)
        yield Batch(found, Cursor(str(numbers[-1])) if numbers else None)


@pytest.fixture
def brand_id(store: Store, clock: FixedClock) -> int:
    with store.write() as session:
        brand = Brand(name="Acme", created_at=clock())
        session.add(brand)
        session.flush()
        return brand.id or 0


@pytest.fixture
def add(store: Store, clock: FixedClock, brand_id: int) -> Callable[..., int]:
    def make(name: str, **more: Any) -> int:
        with store.write() as session:
            facts = {"channel": "fake", "next_poll_at": clock(), "created_at": clock(), **more}
            source = Source(brand_id=brand_id, name=name, takes_all=True, **facts)
            session.add(source)
            session.flush()
            return source.id or 0

    return make


async def play(store: Store, peer: Peer, fetch: Fetcher, until: datetime, seed: int = 1) -> None:
    """Polls whatever is due, in the order of the clock, until a moment."""
    rng = random.Random(seed)
    while True:
        with store.read() as session:
            due_at = session.exec(select(Source.next_poll_at).order_by(Source.next_poll_at)).first()
        if due_at is None or due_at >= until:
            peer.clock.at = until
            return
        peer.clock.at = max(peer.clock(), due_at)
        for due in claim_due(store, peer.clock(), rng):

            async def keep(batch: Batch, due: Any = due) -> Kept:
                return keep_page(store, due, batch, load_watch(store), peer.clock())

            listener = PeerListener(fetch, f"http://127.0.0.1:{peer.port}/{due.name}")
            outcome = await poll(listener, due.cursor, keep, deadline=MINUTE)
            finish(store, due, outcome, now=peer.clock(), rng=rng)


def numbers(store: Store, source_id: int) -> list[int]:
    query = select(Mention.external_id).where(col(Mention.source_id) == source_id)
    with store.read() as session:
        return sorted(int(found[3:]) for found in session.exec(query))


def row(store: Store, source_id: int) -> Source:
    with store.read() as session:
        return session.get_one(Source, source_id)


def shown(store: Store, clock: FixedClock, source_id: int) -> SourceRow:
    return next(one for one in Sources(store, clock).rows(SYSTEM) if one.id == source_id)


def test_an_hour_of_errors_is_over_within_one_interval_and_loses_nothing(
    store: Store, store_url: str, clock: FixedClock, add: Callable[..., int]
) -> None:
    start, five = clock(), {"interval_seconds": 300, "min_interval_seconds": 60,
                            "max_interval_seconds": 300}  # fmt: skip
    sick, well = add("one", **five), add("two", **five)
    peer = Peer(clock, start)

    async def go() -> SourceRow:
        server = await asyncio.start_server(peer.answer, "127.0.0.1", 0)
        peer.port = server.sockets[0].getsockname()[1]
        allow = [f"127.0.0.1:{peer.port}"]
        async with server, make_fetcher(
            user_agent="t", allow=allow, clock=clock, budgets=Budgets(store)
        ) as fetch:  # fmt: skip
            await play(store, peer, fetch, start + HOUR)
            peer.ill.add("one")
            await play(store, peer, fetch, start + HOUR + 30 * MINUTE)
            halfway = shown(store, clock, sick)
            restarted = open_store(store_url)  # all that is known stands in the rows
            await play(restarted, peer, fetch, start + 2 * HOUR, seed=2)
            peer.ill.clear()
            await play(restarted, peer, fetch, start + 3 * HOUR)
            restarted.close()
            return halfway

    halfway = asyncio.run(go())
    assert halfway.state == "failing"
    assert "Not heard since" in halfway.words
    assert "the next try is at" in halfway.words
    storm = peer.asks("one", start + HOUR, start + 2 * HOUR)
    waits = [later - earlier for earlier, later in pairwise(storm)]
    assert waits[0] < 2.5 * MINUTE < 3 * MINUTE < min(waits[1:])
    assert max(waits) <= 5 * MINUTE
    assert OPENS_AFTER < len(storm) <= 16
    recovered = peer.asks("one", start + 2 * HOUR, start + 3 * HOUR)
    assert recovered[0] - (start + 2 * HOUR) <= 5 * MINUTE
    assert max(b - a for a, b in pairwise(recovered)) <= 5.5 * MINUTE
    after = row(store, sick)
    assert (after.error_streak, after.error, after.needs_person) == (0, "", False)
    for source_id in (sick, well):
        heard = numbers(store, source_id)
        assert heard == list(range(1, heard[-1] + 1))
        assert heard[-1] >= peer.said(start + 3 * HOUR - 6 * MINUTE)
    others = peer.asks("two", start + HOUR, start + 2 * HOUR)
    assert max(b - a for a, b in pairwise(others)) <= 5.5 * MINUTE
    with store.read() as session:
        failed = session.exec(select(PollWindow).where(PollWindow.state == WindowState.failed))
        assert {window.source_id for window in failed} == {sick}


class Polls:
    """Polls one source again and again, each with the outcome that a test asks for."""

    def __init__(self, store: Store, clock: FixedClock, fake: Any) -> None:
        self.store, self.clock, self.fake = store, clock, fake

    def __call__(self, result: Batch | ListenerError, *, at_due: bool = True) -> Source:
        rng = random.Random(5)
        if at_due:
            with self.store.read() as session:
                moment = session.exec(select(Source.next_poll_at)).one()
            self.clock.at = max(self.clock(), moment)
        [due] = claim_due(self.store, self.clock(), rng, only=None if at_due else 1)

        async def keep(batch: Batch) -> Kept:
            return Kept()

        outcome = asyncio.run(poll(self.fake([result]), due.cursor, keep, deadline=MINUTE))
        finish(self.store, due, outcome, now=self.clock(), rng=rng)
        return row(self.store, due.source_id)

    def until(self, moment: datetime, result: Callable[[], ListenerError]) -> Source:
        source = self(result())
        while source.next_poll_at < moment:
            source = self(result())
        return source


@pytest.fixture
def polls(store: Store, clock: FixedClock) -> Polls:
    from tests.fakes import FakeListener

    return Polls(store, clock, FakeListener)


def missing() -> Rejected:
    return Rejected("It is gone, or was never there (HTTP 404).", fault=Fault.not_found)


def unreachable() -> Unavailable:
    return Unavailable("The name of the host cannot be looked up.")


def test_nothing_at_an_address_that_was_never_heard_is_a_persons_business_at_once(
    clock: FixedClock, add: Callable[..., int], polls: Polls
) -> None:
    add("one")
    source = polls(missing())
    assert source.needs_person
    assert source.next_poll_at - clock() > 5 * HOUR


@pytest.mark.parametrize("trouble", [missing, unreachable], ids=["404", "no such host"])
def test_what_was_heard_before_is_given_to_a_person_after_a_week(
    store: Store, clock: FixedClock, add: Callable[..., int], polls: Polls, trouble: Any
) -> None:
    source_id, start = add("one", interval_seconds=21_600), clock()
    polls(Batch())
    source = polls.until(start + 6 * DAY, trouble)
    assert (source.needs_person, shown(store, clock, source_id).state) == (False, "failing")
    source = polls.until(start + 9 * DAY, trouble)
    told = shown(store, clock, source_id)
    assert (source.needs_person, told.state) == (True, "needs reconnecting")
    assert "for 7 days" in told.hint
    source = polls(Batch())
    assert (source.needs_person, source.error_streak) == (False, 0)
    assert shown(store, clock, source_id).state == "healthy"


def test_a_week_of_pause_is_no_week_of_trouble(
    store: Store, clock: FixedClock, add: Callable[..., int], polls: Polls
) -> None:
    source_id = add("one")
    polls(Batch())
    Sources(store, clock).pause(SYSTEM, source_id)
    clock.forward(10 * DAY)
    Sources(store, clock).resume(SYSTEM, source_id)
    for _ in range(OPENS_AFTER + 1):
        source = polls(unreachable())
    assert not source.needs_person


def test_what_is_gone_for_good_is_paused_with_its_reason(
    store: Store, clock: FixedClock, add: Callable[..., int], polls: Polls
) -> None:
    source_id = add("one")
    polls(Batch())
    gone = Rejected("It is gone for good (HTTP 410).", fault=Fault.not_found, for_good=True,
                    hint="Remove the source or change its address.")  # fmt: skip
    source = polls(gone)
    assert not source.is_enabled
    assert claim_due(store, clock.forward(DAY), random.Random(1)) == []
    told = shown(store, clock, source_id)
    assert (told.state, told.words) == (
        "paused", "Paused. The last poll said: It is gone for good (HTTP 410).",
    )  # fmt: skip
    assert told.hint == "Remove the source or change its address."
    with store.read() as session:
        [entry] = session.exec(select(AuditEntry)).all()
    assert (entry.by, entry.action, entry.after) == (
        "rule:gone for good", "pause", {"is_enabled": False},
    )  # fmt: skip
    Sources(store, clock).resume(SYSTEM, source_id)
    assert polls(Batch()).is_enabled


def test_what_cannot_be_read_is_asked_less_and_less(
    clock: FixedClock, add: Callable[..., int], polls: Polls
) -> None:
    start = clock()
    add("one")
    polls(Batch())
    source = polls.until(start + 3 * DAY, lambda: Malformed("No JSON."))
    assert source.error_streak < 14
    assert source.next_poll_at - clock() > 20 * HOUR


def test_a_limit_without_a_time_slows_the_source_down(
    clock: FixedClock, add: Callable[..., int], polls: Polls
) -> None:
    add("one", interval_seconds=600)
    for minutes in (20, 40, 80):
        source = polls(Unavailable("Slower.", rate_limited=True))
        assert (source.pace_seconds, source.error_streak) == (60 * minutes, 0)
        assert source.next_poll_at - clock() >= 0.9 * minutes * MINUTE


NEW = "https://new.test/feed"


def moved(to: str = NEW) -> Batch:
    return Batch(moved_to=to)


def test_a_move_for_good_is_followed_after_three_polls(
    store: Store, add: Callable[..., int], polls: Polls
) -> None:
    source_id = add("one", channel="feed", options={"url": "https://old.test/f"})
    polls(moved())
    polls(moved())
    polls(unreachable())  # says nothing of where it is
    assert row(store, source_id).options["url"] == "https://old.test/f"
    source = polls(moved())
    assert source.options == {"url": NEW}
    assert (source.moved_to, source.moved_polls) == ("", 0)
    with store.read() as session:
        [entry] = session.exec(select(AuditEntry)).all()
        notes = session.exec(select(PollWindow.note).order_by(col(PollWindow.id).desc())).all()
    assert (entry.by, entry.before, entry.after) == (
        "rule:moved for good", {"url": "https://old.test/f"}, {"url": NEW},
    )  # fmt: skip
    assert notes[0] == f"It has moved for good; from now on {NEW} is polled."


def test_a_move_that_does_not_last_is_forgotten(
    store: Store, add: Callable[..., int], polls: Polls
) -> None:
    source_id = add("one", channel="feed", options={"url": "https://old.test/f"})
    for batch in (moved(), moved(), Batch(), moved(), moved(), moved("https://other.test/f")):
        polls(batch)
    source = row(store, source_id)
    assert source.options["url"] == "https://old.test/f"
    assert (source.moved_to, source.moved_polls) == ("https://other.test/f", 1)


def test_a_move_that_is_not_ours_to_follow_is_told_to_a_person(
    store: Store, clock: FixedClock, add: Callable[..., int], polls: Polls
) -> None:
    source_id = add("one", channel="feed", options={"url": "env:SECRET_FEED"})
    for _ in range(5):
        source = polls(moved("https://new.test/feeds/opaque-part"))
    assert source.options == {"url": "env:SECRET_FEED"}
    told = shown(store, clock, source_id)
    assert told.state == "healthy"
    assert told.hint == "It has moved for good to https://new.test: give it the new address."
    assert "opaque" not in source.moved_to
