"""T1: a page becomes mentions, matches, a window and a moved cursor, or nothing does."""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, func, select

from earmark.ingest import LeaseLost, keep_page
from earmark.matching import load_watch
from earmark_core.clock import FixedClock
from earmark_core.errors import Malformed, Rejected, Unavailable
from earmark_core.model import Actor, Author, BadItem, Cursor, Item, Role, WindowState
from earmark_core.store import Store
from earmark_core.tables import (
    Brand,
    Match,
    Mention,
    MentionRevision,
    Monitor,
    PollWindow,
    Quarantine,
    RawPayload,
    Source,
)
from earmark_listeners.contract import Batch, Listener
from earmark_listeners.polling import Kept, Outcome, poll
from earmark_listeners.schedule import Due, claim_due, finish
from earmark_queue.judging import Judging

Ask = Callable[[Listener[Any]], Outcome]


@pytest.fixture
def rng() -> random.Random:
    return random.Random(7)


@pytest.fixture
def brand_id(store: Store, clock: FixedClock) -> int:
    with store.write() as session:
        brand = Brand(name="Brightcup", created_at=clock())
        session.add(brand)
        session.flush()
        session.add(
            Monitor(
                brand_id=brand.id, name="all", query="brightcup NOT hotel",
                created_at=clock(), updated_at=clock(),
            )
        )  # fmt: skip
        return brand.id or 0


def add_source(store: Store, clock: FixedClock, brand_id: int, name: str, **more: Any) -> int:
    with store.write() as session:
        source = Source(
            brand_id=brand_id, channel="fake", name=name, next_poll_at=clock(),
            created_at=clock(), **more,
        )  # fmt: skip
        session.add(source)
        session.flush()
        return source.id or 0


def poll_once(store: Store, clock: FixedClock, rng: random.Random, listener: Any) -> Outcome:
    [due] = claim_due(store, clock(), rng)

    async def keep(batch: Batch) -> Kept:
        return keep_page(store, due, batch, load_watch(store), clock())

    outcome = asyncio.run(poll(listener, due.cursor, keep, deadline=timedelta(seconds=30)))
    finish(store, due, outcome, now=clock(), rng=rng)
    return outcome


def all_of(store: Store, table: type[Any]) -> list[Any]:
    with store.read() as session:
        return list(session.exec(select(table).order_by(table.id)).all())


@pytest.fixture
def source_id(store: Store, clock: FixedClock, brand_id: int) -> int:
    return add_source(store, clock, brand_id, "one")


@pytest.fixture
def fake() -> Any:
    from tests.fakes import FakeListener

    return FakeListener


def item(key: str, text: str, **more: Any) -> Item:
    return Item(external_id=key, text=text, **more)


def test_items_matches_window_and_cursor_come_together(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any
) -> None:
    page = Batch((item("1", "I love my Brightcup"), item("2", "weather")), Cursor("c1"))
    outcome = poll_once(store, clock, rng, fake([page]))
    assert (outcome.new_items, outcome.state) == (2, WindowState.complete)
    first, second = all_of(store, Mention)
    assert (first.body, first.is_history, second.body) == ("I love my Brightcup", True, "weather")
    [match] = all_of(store, Match)
    assert (match.mention_id, "brightcup" in match.clause.lower()) == (first.id, True)
    [source] = all_of(store, Source)
    assert (source.cursor, source.lease_until, source.error_streak) == ("c1", None, 0)
    [window] = all_of(store, PollWindow)
    assert (window.state, window.items, window.new_items) == ("complete", 2, 2)


def test_what_the_first_poll_finds_is_history_and_the_rest_is_not(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any
) -> None:
    poll_once(store, clock, rng, fake([Batch((item("1", "a"),), Cursor("1"))]))
    clock.forward(timedelta(hours=1))
    poll_once(store, clock, rng, fake([Batch((item("2", "b"),), Cursor("2"))]))
    assert [m.is_history for m in all_of(store, Mention)] == [True, False]


def test_polling_the_same_again_changes_nothing(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any
) -> None:
    page = Batch((item("1", "brightcup", raw="{}"), item("2", "b")), Cursor("c"))
    poll_once(store, clock, rng, fake([page]))
    before = [m.model_dump() for m in all_of(store, Mention)]
    clock.forward(timedelta(hours=1))
    assert poll_once(store, clock, rng, fake([page])).new_items == 0
    assert [m.model_dump() for m in all_of(store, Mention)] == before
    assert len(all_of(store, Match)) == 1


def test_an_edit_is_a_revision_and_is_scored_and_decided_again(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any
) -> None:
    poll_once(store, clock, rng, fake([Batch((item("1", "nice", raw="old"),), Cursor("c"))]))
    with store.write() as session:
        mention = session.exec(select(Mention)).one()
        mention.scored_at = mention.decided_at = clock()
    clock.forward(timedelta(hours=1))
    poll_once(store, clock, rng, fake([Batch((item("1", "awful brightcup", raw="new"),))]))
    [mention] = all_of(store, Mention)
    assert (mention.body, mention.revision) == ("awful brightcup", 2)
    assert mention.scored_at is None
    assert mention.decided_at is None
    [old] = all_of(store, MentionRevision)
    assert (old.body, old.revision) == ("nice", 1)
    assert len(all_of(store, Match)) == 1
    with store.read() as session:
        assert session.exec(select(RawPayload.body)).one() == "new"


def test_an_error_on_the_second_page_keeps_the_first_and_moves_only_to_it(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any
) -> None:
    pages = [Batch((item("1", "a"),), Cursor("1")), Malformed("This is no list.")]
    outcome = poll_once(store, clock, rng, fake(pages))
    assert outcome.error == "This is no list."
    [source] = all_of(store, Source)
    assert (source.cursor, source.error_streak, source.needs_person) == ("1", 1, False)
    assert source.first_polled_at is None  # the next poll is still the first
    assert [w.state for w in all_of(store, PollWindow)] == ["failed"]
    assert len(all_of(store, Mention)) == 1


def test_a_page_that_breaks_half_way_keeps_neither_items_nor_cursor(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, monkeypatch: Any
) -> None:
    [due] = claim_due(store, clock(), rng)
    monkeypatch.setattr("earmark.ingest._grow_window", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        keep_page(store, due, Batch((item("1", "a"),), Cursor("c")), load_watch(store), clock())
    assert all_of(store, Mention) == []
    assert all_of(store, Source)[0].cursor is None


def test_who_lost_the_lease_stores_nothing(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int
) -> None:
    [slow] = claim_due(store, clock(), rng)
    clock.forward(timedelta(minutes=6))
    [quick] = claim_due(store, clock(), rng)
    with pytest.raises(LeaseLost):
        keep_page(store, slow, Batch((item("1", "a"),), Cursor("x")), load_watch(store), clock())
    assert all_of(store, Mention) == []
    keep_page(store, quick, Batch((item("1", "a"),), Cursor("y")), load_watch(store), clock())
    assert finish(store, slow, Outcome(), now=clock(), rng=rng) is None
    assert all_of(store, Source)[0].lease_token == quick.token


def test_a_claimed_source_is_not_due_until_its_lease_runs_out(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int
) -> None:
    assert len(claim_due(store, clock(), rng)) == 1
    assert claim_due(store, clock(), rng) == []
    clock.forward(timedelta(minutes=6))
    assert len(claim_due(store, clock(), rng)) == 1
    assert [w.state for w in all_of(store, PollWindow)] == ["down", "down"]


def test_a_bad_item_is_kept_apart_and_the_rest_stored(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any
) -> None:
    page = Batch((item("1", "a"),), Cursor("c"), bad_items=(BadItem("no id", "{\x00}"),))
    assert poll_once(store, clock, rng, fake([page])).bad_items == 1
    assert len(all_of(store, Mention)) == 1
    [bad] = all_of(store, Quarantine)
    assert (bad.reason, "\x00" in bad.raw) == ("no id", False)


def test_hostile_text_is_stored_clean_on_both_databases(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any
) -> None:
    ugly = "a\x00b\ud800c\x1b[31m\ufffe"
    author = Author(id=ugly, handle=ugly, name=ugly, url="javascript:alert(1)")
    page = Batch((item(ugly, ugly, title=ugly, author=author, raw=ugly, url="data:x"),))
    assert poll_once(store, clock, rng, fake([page])).new_items == 1
    [mention] = all_of(store, Mention)
    assert mention.url == mention.author_url == ""
    for value in (mention.body, mention.external_id, mention.author_name):
        assert not set(value) & {"\x00", "\ud800", "\x1b", "\ufffe"}


def test_the_same_post_from_a_second_source_is_a_twin_and_no_second_mention(
    store: Store, clock: FixedClock, rng: random.Random, brand_id: int, source_id: int, fake: Any
) -> None:
    post = item("s1", "my machine leaks", uri="https://a.example/1")
    poll_once(store, clock, rng, fake([Batch((post,), Cursor("c"))]))
    with store.write() as session:
        first = session.exec(select(Mention)).one()
        first.scored_at = first.decided_at = clock()
        source = session.get_one(Source, source_id)
        source.next_poll_at = clock() + timedelta(days=1)
    add_source(store, clock, brand_id, "two", takes_all=True)
    poll_once(store, clock, rng, fake([Batch((post,), Cursor("c"))]))
    first, twin = all_of(store, Mention)
    assert (twin.twin_of, twin.decided_at) == (first.id, clock())
    [match] = all_of(store, Match)  # the first becomes the brand's, and is decided anew
    assert match.mention_id == first.id
    assert first.decided_at is None


def test_a_mention_of_two_brands_is_one_mention_with_two_matches(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any
) -> None:
    with store.write() as session:
        rival = Brand(name="Koffa", is_competitor=True, created_at=clock())
        session.add(rival)
        session.flush()
        session.add(
            Monitor(brand_id=rival.id, name="k", query="koffa", created_at=clock(),
                    updated_at=clock())
        )  # fmt: skip
    poll_once(store, clock, rng, fake([Batch((item("1", "Brightcup or Koffa?"),))]))
    assert len(all_of(store, Mention)) == 1
    assert len({m.brand_id for m in all_of(store, Match)}) == 2


def test_include_and_exclude_belong_to_the_source(
    store: Store, clock: FixedClock, rng: random.Random, brand_id: int, fake: Any
) -> None:
    add_source(store, clock, brand_id, "s", include="coffee", exclude="job")
    texts = ("brightcup coffee", "brightcup", "brightcup coffee job", "brightcup hotel coffee")
    page = Batch(tuple(item(str(i), text) for i, text in enumerate(texts)))
    poll_once(store, clock, rng, fake([page]))
    assert [m.mention_id for m in all_of(store, Match)] == [all_of(store, Mention)[0].id]
    assert len(all_of(store, Mention)) == 4


@pytest.mark.parametrize(
    ("error", "state", "person"),
    [
        (Rejected("The token is invalid."), "failed", True),
        (Unavailable("Down.", retry_after=timedelta(seconds=90)), "failed", False),
        (
            Unavailable("Slow.", retry_after=timedelta(seconds=90), rate_limited=True),
            "rate_limited",
            False,
        ),
        (RuntimeError("a fault of ours"), "failed", False),
    ],
)
def test_an_error_becomes_an_outcome_with_a_wait(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any,
    error: Exception, state: str, person: bool,
) -> None:  # fmt: skip
    poll_once(store, clock, rng, fake([error]))
    [source] = all_of(store, Source)
    assert source.needs_person is person
    assert [w.state for w in all_of(store, PollWindow)] == [state]
    assert source.next_poll_at > clock()
    if isinstance(error, Unavailable):
        assert source.not_before == clock() + timedelta(seconds=90)
        source_due = clock() + timedelta(seconds=89)
        assert claim_due(store, source_due, rng, only=source_id) == []
        assert len(claim_due(store, clock() + timedelta(seconds=90), rng, only=source_id)) == 1


def test_two_quiet_polls_make_one_window(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, fake: Any
) -> None:
    for _ in range(4):
        poll_once(store, clock, rng, fake([Batch(cursor=Cursor("c"))]))
        clock.forward(timedelta(hours=7))
    [window] = all_of(store, PollWindow)
    assert window.ended_at - window.started_at == timedelta(hours=21)
    with store.read() as session:
        count = session.exec(select(func.count(col(Mention.id)))).one()
    assert count == 0


def test_due_sources_are_claimed_once_by_whoever_comes_first(
    store: Store, clock: FixedClock, rng: random.Random, brand_id: int
) -> None:
    for n in range(30):
        add_source(store, clock, brand_id, f"s{n}")
    claims: list[Due] = []
    for _ in range(10):
        claims += claim_due(store, clock(), rng, limit=4)
    assert len({due.source_id for due in claims}) == len(claims) == 30


def match_rows(store: Store) -> list[tuple[int, int | None, bool]]:
    rows = all_of(store, Match)
    return sorted((row.mention_id, row.monitor_id, row.is_relevant) for row in rows)


def watch_more(store: Store, clock: FixedClock, brand_id: int, query: str) -> int:
    with store.write() as session:
        monitor = Monitor(
            brand_id=brand_id, name=query, query=query, created_at=clock(), updated_at=clock()
        )
        session.add(monitor)
        session.flush()
        return monitor.id or 0


def test_what_a_person_said_is_not_about_us_stays_so_whatever_else_matches(
    store: Store, clock: FixedClock, rng: random.Random, source_id: int, brand_id: int, fake: Any
) -> None:
    with store.write() as session:
        other = Brand(name="Kettle & Co", created_at=clock())
        session.add(other)
        session.flush()
        other_id = other.id or 0
    link = "https://x.example/p"
    first = item("1", "Brightcup is a band", url=link)
    poll_once(store, clock, rng, fake([Batch((first,), Cursor("c1"))]))
    boss = Actor("Mia", Role.manager)
    Judging(store, clock).relevance(boss, [1], brand_id, is_relevant=False)
    band = watch_more(store, clock, brand_id, "band")
    kettle = watch_more(store, clock, other_id, "kettle")
    clock.forward(timedelta(hours=1))
    edited = item("1", "Brightcup is a band, not a kettle", url=link)
    poll_once(store, clock, rng, fake([Batch((edited,), Cursor("c2"))]))
    assert match_rows(store) == [(1, 1, False), (1, band, False), (1, kettle, True)]

    # found by a second source, as a twin
    again = watch_more(store, clock, brand_id, "kettle OR band")
    add_source(store, clock, brand_id, "two", takes_all=True)
    with store.write() as session:
        session.execute(
            sa.update(Source).where(col(Source.id) == source_id).values(is_enabled=False)
        )
        session.execute(sa.update(Mention).values(scored_at=clock(), decided_at=clock()))
    poll_once(store, clock, rng, fake([Batch((item("9", edited.text, url=link),), Cursor("c1"))]))
    mention, twin = all_of(store, Mention)
    assert twin.twin_of == mention.id
    assert (1, again, False) in match_rows(store)
    assert [row for row in match_rows(store) if row[2]] == [(1, kettle, True)]
    assert mention.decided_at is not None  # nobody has to look at it again
