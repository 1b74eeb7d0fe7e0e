"""What the source says is gone is blanked in the same transaction; counts and cases stay."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from earmark.ingest import keep_page
from earmark.matching import load_watch
from earmark_core.clock import FixedClock
from earmark_core.model import Author, Cursor, Item
from earmark_core.store import Store
from earmark_core.tables import (
    Brand,
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
