"""What is worked on or recent is read again at its source, within a budget, on both databases."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from earmark import rechecking
from earmark.cleaning import Place, prepare
from earmark.ingest import store_rows
from earmark.matching import load_watch
from earmark.rechecking import Rechecked, Rechecking
from earmark_core.clock import FixedClock
from earmark_core.errors import EarmarkError, ReplyRefused, Unavailable
from earmark_core.model import Author, Item
from earmark_core.store import Store
from earmark_core.tables import (
    Brand,
    Case,
    CaseMention,
    Mention,
    MentionRevision,
    Monitor,
    RawPayload,
    Source,
)
from earmark_listeners.contract import Gone, Outgoing, Sent, Target


class Platform:
    """A responder that knows what became of each post, and counts who asks."""

    def __init__(self) -> None:
        self.now: dict[str, Target | Gone | EarmarkError] = {}
        self.asked: list[str] = []

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        key = str(ref["id"])
        self.asked.append(key)
        found = self.now.get(key, Target(f"acme post {key}"))
        if isinstance(found, EarmarkError):
            raise found
        return found

    async def send(self, reply: Outgoing) -> Sent:
        raise AssertionError("a second look sends nothing")

    async def find(self, reply: Outgoing) -> Sent | None:
        raise AssertionError("a second look sends nothing")


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def looking(store: Store, clock: FixedClock, platform: Platform) -> Rechecking:
    with store.write() as session:
        brand = Brand(name="Acme", created_at=clock())
        session.add(brand)
        session.flush()
        for name in ("one", "two"):
            session.add(Source(brand_id=brand.id, channel="fake", name=name, next_poll_at=clock(),
                               created_at=clock()))  # fmt: skip
        session.add(Monitor(brand_id=brand.id, name="all", query="acme", created_at=clock(),
                            updated_at=clock()))  # fmt: skip
    return Rechecking(store, clock, lambda _source: platform, lambda channel: channel == "fake")


def hear(store: Store, clock: FixedClock, *keys: str, source: int = 1, ref: bool = True) -> None:
    items = [
        Item(key, text=f"acme post {key}", author=Author("7", "mara", "Mara"), raw=f"raw {key}",
             published_at=clock(), reply_ref={"id": key} if ref else {})
        for key in keys
    ]  # fmt: skip
    place = Place(source, 1, "fake")
    rows = prepare(items, place, clock())
    matches = load_watch(store).matches(place, rows)
    with store.write() as session:
        store_rows(store, session, place, rows, matches, clock())


def mention(store: Store, key: str) -> Mention:
    with store.read() as session:
        return session.exec(select(Mention).where(Mention.external_id == key)).one()


def test_what_is_gone_is_blanked_and_what_was_edited_is_revised(store, clock, platform, looking):
    hear(store, clock, "a", "b", "c")
    clock.forward(timedelta(hours=1))
    platform.now = {
        "a": Gone("deleted"),
        "b": Target("acme post b, and it broke", edited_at=clock()),
        "c": Target("acme post c, worded otherwise"),  # no edit is told of
    }
    assert asyncio.run(looking.round()) == Rechecked(looked=3, gone=1, edited=1)
    assert (mention(store, "a").body, mention(store, "a").gone_at) == ("", clock())
    edited = mention(store, "b")
    assert (edited.body, edited.revision) == ("acme post b, and it broke", 2)
    assert (edited.scored_at, edited.decided_at, edited.edited_at) == (None, None, clock())
    assert (edited.author_name, edited.identity) == ("Mara", "fake:7")
    assert mention(store, "c").revision == 1
    with store.read() as session:
        assert [row.body for row in session.exec(select(MentionRevision)).all()] == ["acme post b"]
        assert "raw b" not in [row.body for row in session.exec(select(RawPayload)).all()]
    assert asyncio.run(looking.round()) == Rechecked(looked=2)


def test_what_is_old_is_looked_at_only_while_somebody_works_on_it(store, clock, platform, looking):
    hear(store, clock, "old", "worked", "done")
    hear(store, clock, "mute", ref=False)
    for key, status in (("worked", "waiting"), ("done", "resolved")):
        a_case(store, clock(), mention(store, key), status)
    clock.forward(rechecking.RECENT + timedelta(hours=1))
    hear(store, clock, "new")
    asyncio.run(looking.round())
    assert platform.asked == ["new", "worked"]


def a_case(store: Store, now: datetime, said: Mention, status: str) -> None:
    with store.write() as session:
        case = Case(
            brand_id=1, channel="fake", thread_key=said.thread_key, status=status,
            priority="normal", priority_rank=1, opened_at=now, updated_at=now, last_inbound_at=now,
            resolved_at=now if status == "resolved" else None,
        )  # fmt: skip
        session.add(case)
        session.flush()
        session.add(CaseMention(case_id=case.id, mention_id=said.id))


def test_rounds_walk_through_all_and_begin_again(store, clock, platform, looking):
    many = [f"{number:03}" for number in range(rechecking.A_ROUND + 5)]
    hear(store, clock, *many)
    asyncio.run(looking.round())
    assert len(platform.asked) == rechecking.A_ROUND
    asyncio.run(looking.round())
    assert sorted(platform.asked) == many
    asyncio.run(looking.round())
    assert len(platform.asked) == len(many) + rechecking.A_ROUND


def test_a_source_that_cannot_answer_is_left_alone_and_the_others_are_not(
    store, clock, platform, looking
):
    hear(store, clock, "a", "b")
    hear(store, clock, "c", source=2)
    platform.now = {"b": Unavailable("down"), "c": Gone("deleted")}
    assert asyncio.run(looking.round()) == Rechecked(looked=1, gone=1, failed=1)
    assert sorted(platform.asked) == ["b", "c"]
    assert mention(store, "a").gone_at is None


def test_what_takes_no_answer_is_not_gone(store, clock, platform, looking):
    hear(store, clock, "a", "b")
    platform.now = {"b": ReplyRefused("locked")}
    assert asyncio.run(looking.round()) == Rechecked(looked=2)
    assert mention(store, "b").gone_at is None


def test_a_source_without_an_account_or_that_waits_for_a_person_is_not_asked(
    store, clock, platform, looking
):
    hear(store, clock, "a")
    hear(store, clock, "b", source=2)
    with store.write() as session:
        session.exec(select(Source).where(Source.id == 2)).one().needs_person = True
    assert asyncio.run(looking.round()) == Rechecked(looked=1)
    assert platform.asked == ["a"]
    for responder, may_look in ((None, True), (platform, False)):
        silent = Rechecking(store, clock, lambda _s, r=responder: r, lambda _c, m=may_look: m)
        assert asyncio.run(silent.round()) == Rechecked()
