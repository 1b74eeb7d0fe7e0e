"""What the source says is gone is blanked in the same transaction; counts and cases stay."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import SQLModel, select

from earmark.cleaning import Place, prepare
from earmark.ingest import keep_page, store_rows
from earmark.matching import load_watch
from earmark.withdrawing import withdraw
from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Author, Cursor, Item, Role
from earmark_core.store import Store
from earmark_core.tables import (
    Brand,
    Case,
    Match,
    Mention,
    MentionRevision,
    Monitor,
    RawPayload,
    Source,
)
from earmark_listeners.contract import Batch
from earmark_listeners.polling import Kept, poll
from earmark_listeners.schedule import claim_due, finish
from earmark_queue.cases import Cases
from earmark_queue.casework import key
from earmark_queue.views import Views
from earmark_queue.withdrawals import TAKEN_AWAY
from tests.fakes import FakeListener

MARA = Author("7", "mara", "Mara Quill", "https://a.example/mara")


@pytest.fixture
def heard(store: Store, clock: FixedClock) -> Any:
    """Polls one source once, with the pages given."""
    with store.write() as session:
        brand = Brand(name="Brightcup", created_at=clock())
        session.add(brand)
        session.flush()
        session.add(Monitor(brand_id=brand.id, name="all", query="brightcup",
                            created_at=clock(), updated_at=clock()))  # fmt: skip
        session.add(Source(brand_id=brand.id, channel="fake", name="one", next_poll_at=clock(),
                           created_at=clock()))  # fmt: skip
    rng = random.Random(7)

    def once(*pages: Batch) -> None:
        [due] = claim_due(store, clock(), rng)

        async def keep(batch: Batch) -> Kept:
            return keep_page(store, due, batch, load_watch(store), clock())

        outcome = asyncio.run(
            poll(FakeListener(pages), due.cursor, keep, deadline=timedelta(seconds=30))
        )
        assert outcome.went_well
        finish(store, due, outcome, now=clock(), rng=rng)
        clock.forward(timedelta(hours=7))

    return once


def everything(store: Store) -> str:
    with store.read() as session:
        tables = (Mention, MentionRevision, RawPayload)
        return repr([row.model_dump() for t in tables for row in session.exec(select(t)).all()])


def mention(store: Store, key: str = "1") -> Mention:
    with store.read() as session:
        return session.exec(select(Mention).where(Mention.external_id == key)).one()


SAID = Item("1", text="Brightcup leaks", title="Leak", author=MARA, url="https://a.example/1",
            raw='{"text": "Brightcup leaks"}', reply_ref={"acct": "mara"})  # fmt: skip


def test_nothing_of_it_is_left_and_the_row_and_its_match_stay(store, clock, heard):
    other = Item("2", text="Brightcup is fine", author=MARA)
    heard(Batch((SAID, other), Cursor("c")))
    heard(Batch((Item("1", text="Brightcup leaks badly", author=MARA, raw="more"),)))
    now = clock()
    heard(Batch(gone=("1", "never heard of")))
    shown = everything(store)
    assert "leak" not in shown.casefold()
    assert "https://a.example/1" not in shown
    assert "Brightcup is fine" in shown
    assert (mention(store).gone_at, mention(store).author_name) == (now, "")
    assert mention(store, "2").gone_at is None
    assert mention(store, "2").author_name == "Mara Quill"
    with store.read() as session:
        assert len(session.exec(select(Match)).all()) == 2


def test_a_late_copy_brings_nothing_back_and_saying_it_twice_changes_nothing(store, clock, heard):
    heard(Batch((SAID,), Cursor("c")))
    heard(Batch(gone=("1",)))
    before = everything(store)
    heard(Batch((SAID,), gone=("1",)))
    heard(Batch((SAID,)))
    assert everything(store) == before


def test_what_the_outbox_found_gone_is_blanked_when_the_source_says_so(store, clock, heard):
    heard(Batch((SAID,), Cursor("c")))
    earlier = clock()
    with store.write() as session:
        session.exec(select(Mention)).one().gone_at = earlier
    heard(Batch(gone=("1",)))
    assert (mention(store).body, mention(store).gone_at) == ("", earlier)


def test_no_table_keeps_a_word_of_it_and_the_case_tells_who_works_on_it(store, clock, heard):
    heard(Batch((SAID,), Cursor("c")))
    with store.write() as session:
        said = session.exec(select(Mention)).one()
        said.is_history = False
        said.scored_at, said.score_status, said.label, said.p_neg = clock(), "scored", "negative", 1
    cases = Cases(store, clock)
    assert cases.decide_pending() == 1
    ada = Actor("Ada", Role.manager, None)
    version = Views(store, clock).case(ada, 1).case.version
    heard(Batch(gone=("1",)))
    for table in SQLModel.metadata.sorted_tables:
        with store.read() as session:
            rows = repr(session.execute(table.select()).all()).casefold()
        assert "leak" not in rows, table.name
        assert table.name in {"contact", "identity"} or "mara" not in rows, table.name
    case = Views(store, clock).case(ada, 1)
    assert case.case.headline == TAKEN_AWAY
    assert case.case.version > version
    assert any("taken away" in entry.text for entry in case.entries if entry.kind == "event")


def test_a_headline_falls_back_to_what_is_still_there(store, clock, heard):
    more = Item("2", text="Brightcup still leaks, hello?", author=MARA, thread_id="1")
    heard(Batch((SAID, more), Cursor("c")))
    with store.write() as session:
        for said in session.exec(select(Mention)).all():
            said.is_history, said.scored_at, said.score_status = False, clock(), "scored"
            said.label, said.p_neg = "negative", 1
    Cases(store, clock).decide_pending()
    heard(Batch(gone=("2",)))
    with store.read() as session:
        assert [case.headline for case in session.exec(select(Case)).all()] == ["Leak"]


@pytest.fixture
def twice(store: Store, clock: FixedClock) -> Any:
    """The same post, found by two sources; gives what has a source say that it is gone."""
    uri = "https://a.example/p/1"
    item = Item("1", text="Brightcup leaks", author=MARA, uri=uri, raw="Brightcup leaks")
    with store.write() as session:
        brand = Brand(name="Brightcup", created_at=clock())
        session.add(brand)
        session.flush()
        session.add(Monitor(brand_id=brand.id, name="all", query="brightcup",
                            created_at=clock(), updated_at=clock()))  # fmt: skip
        sources = [Source(brand_id=brand.id, channel="fake", name=name, next_poll_at=clock(),
                          created_at=clock()) for name in "abc"]  # fmt: skip
        session.add_all(sources)
        session.flush()
        places = [Place(key(source), key(brand), "fake") for source in sources]
    for place in places:
        rows = prepare([item], place, clock())
        found = load_watch(store).matches(place, rows)
        with store.write() as session:
            store_rows(store, session, place, rows, found, clock())

    def gone(source: int) -> int:
        with store.write() as session:
            return withdraw(session, places[source].source_id, ["1"], clock())

    return gone


@pytest.mark.parametrize("source", [0, 1, 2], ids=["the first", "a twin", "the other twin"])
def test_a_post_that_is_gone_is_gone_wherever_it_was_found(store, clock, twice, source):
    with store.read() as session:
        assert [m.twin_of for m in session.exec(select(Mention).order_by(Mention.id))] == [
            None, 1, 1,
        ]  # fmt: skip
    assert twice(source) == 1
    assert "leak" not in everything(store).casefold()
    with store.read() as session:
        assert all(m.gone_at == clock() for m in session.exec(select(Mention)).all())
    assert [twice(again) for again in range(3)] == [0, 0, 0]


def test_a_twin_is_found_although_the_first_has_no_name_any_more(store, clock, twice):
    """As of a database in which only the first was blanked."""
    with store.write() as session:
        first = session.exec(select(Mention).where(Mention.twin_of.is_(None))).one()
        first.uri, first.body, first.gone_at = "", "", clock()
        session.delete(session.get_one(RawPayload, first.id))
    assert twice(1) == 1
    assert "leak" not in everything(store).casefold()
