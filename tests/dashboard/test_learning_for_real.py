"""Learning on its pages over the real services and a real database."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from earmark.rescoring import Rescoring
from earmark.scoring import score_pending
from earmark_core import jobs
from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Label, Role
from earmark_core.store import Store, open_store
from earmark_core.tables import AuditEntry, Brand, Correction, Match, Mention, ScoreChange, Source
from earmark_dashboard import services
from earmark_dashboard.services import BrandRow
from earmark_queue.cases import Cases
from earmark_queue.judging import Judging
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.learning import Learning
from earmark_sentiment.rescores import Rescores
from earmark_sentiment.sampling import is_drawn
from tests.dashboard.fakes import FakeDesk, fake_services
from tests.dashboard.learning_visits import (
    accuracy,
    buttons,
    clean,
    learning,
    metrics,
    press,
    words,
)
from tests.toy import corpus, scorer

MIA = Actor("Mia", Role.responder, 2)


class Brands:
    """One brand of one's own."""

    def list(self, _actor: Actor) -> tuple[BrandRow, ...]:
        return (BrandRow(1, "Acme", False, False),)

    def has_demo(self) -> bool:
        return False


class Shop:
    """One brand with one source, whose mentions people judge."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.store, self.clock, self.scorers = store, clock, BrandScorers(scorer())
        self.judging, self.cases = Judging(store, clock), Cases(store, clock)
        self.rescores = Rescores(store, clock)
        with store.write() as session:
            session.add(Brand(id=1, name="Acme", created_at=clock()))
            session.flush()
            source = Source(
                id=1, brand_id=1, channel="town", name="s", next_poll_at=clock(), created_at=clock()
            )
            session.add(source)
        given = {
            "learning": Learning(store, clock, scorer()), "judging": self.judging,
            "rescores": self.rescores, "brands": Brands(), "clock": clock,
        }  # fmt: skip
        services.provide(replace(fake_services(FakeDesk(clock)), **given))

    def hear(self, texts: list[str]) -> list[int]:
        """Stores and scores mentions, and decides what is queued."""
        keys = []
        with self.store.write() as session:
            for text in texts:
                known = session.exec(select(Mention.id)).all()
                row = Mention(
                    source_id=1, external_id=str(len(known)), channel="town", body=text,
                    seen_at=self.clock(), happened_at=self.clock(), content_hash=text,
                    is_history=True,
                )  # fmt: skip
                session.add(row)
                session.flush()
                keys.append(int(row.id or 0))
                session.add(Match(mention_id=keys[-1], brand_id=1))
        while score_pending(self.store, self.scorers, (), self.clock):
            pass
        while self.cases.decide_pending():
            pass
        return keys

    def teach(self, rows: list[tuple[str, Label]]) -> None:
        keys = self.hear([text for text, _ in rows])
        for key, (_, label) in zip(keys, rows, strict=True):
            self.judging.label(MIA, [key], label)

    def all(self, table: Any) -> list[Any]:
        with self.store.read() as session:
            return list(session.exec(select(table).order_by(col(table.id))))


@pytest.fixture
def shop(sqlite_url: str, clock: FixedClock) -> Iterator[Shop]:
    store = open_store(sqlite_url)
    yield Shop(store, clock)
    services._provided.clear()
    store.close()


def run(page: Any) -> AppTest:
    return clean(AppTest.from_function(page, default_timeout=60).run())


def turn(app: AppTest, part: str) -> AppTest:
    return clean(app.segmented_control(key="learning_part").set_value(part).run())


def test_sixty_corrections_are_learned_accepted_and_rolled_back_on_the_page(shop: Shop) -> None:
    shop.teach(corpus(40, 20))
    app = run(learning)
    assert metrics(app) == {
        "In force": "What ships", "Corrections": "60", "Queued as negative": "where likeliest",
    }  # fmt: skip
    assert "Next: learn from them, 60 are new." in words(app)
    app = press(app, "Learn from corrections")
    assert "Version 1 is proposed" in words(app)
    assert "Cross-validated on 60 corrections" in words(app)
    app = press(app, "Accept version 1")
    assert metrics(app)["In force"] == "Version 1"
    assert app.dataframe[0].value["State"].tolist() == ["in force"]
    assert "Nothing was corrected since the newest version." in words(app)
    assert [mark.kind for mark in shop.all(ScoreChange)] == ["model"]
    app = press(app, "Go back to it")
    assert metrics(app)["In force"] == "What ships"
    app = press(app, "Go back to it")
    assert metrics(app)["In force"] == "Version 1"
    told = [(row.by, row.action) for row in shop.all(AuditEntry) if row.subject == "brand"]
    assert told == [("sam", each) for each in ("refit", "accept", "rollback", "rollback")]


def test_a_word_is_changed_on_the_page_scores_history_and_is_taken_back(shop: Shop) -> None:
    shop.teach(corpus(40, 20))
    machine = shop.hear([f"the trust has my lamp number {i}" for i in range(5)])
    before = [shop.all(Mention)[key - 1].label for key in machine]
    app = turn(run(learning), "Words")
    told = "“trust” +2.3 → −2.3: fixes 20 of 20 corrected, breaks 0, changes 5 of 5 others."
    assert told in words(app)
    app = clean(app.button(key="apply_proposal_0").click().run())
    assert metrics(app)["In force"] == "Version 1"
    assert "No word is found" in words(app)
    app = press(turn(app, "Score again"), "Score history again")
    job = jobs.claim(shop.store, shop.clock())
    assert job is not None
    Rescoring(shop.store, shop.clock, shop.scorers, job).run()
    app = clean(app.run())
    labels, moved = (one.value for one in app.dataframe)
    assert labels["Before"].sum() == labels["After"].sum() == 65
    assert moved["From → to"].tolist()[0] == "positive → negative"
    assert [shop.all(Mention)[key - 1].label for key in machine] == ["negative"] * 5 != before
    app = press(turn(app, "Words"), "Undo")
    assert "“trust” weighs what it did before." in words(app)
    assert told in words(app)


def test_the_blind_sample_is_labelled_on_the_page_and_its_n_grows(shop: Shop) -> None:
    keys = shop.hear([f"a lamp, number {i}" for i in range(300)])
    drawn = [key for key in keys if is_drawn(key)]
    assert len(drawn) >= 2
    app = run(accuracy)
    assert "Nothing can be said yet" in words(app)
    assert f"0 labelled, 0 in this sitting; {len(drawn)} wait." in words(app)
    for _ in drawn:
        app = press(app, "Neutral")
    assert "Nothing waits." in words(app)
    assert next(one.value for one in app.metric) == "100 %"
    assert f"n {len(drawn)}" in words(app)
    kept = shop.all(Correction)
    assert {row.mention_id for row in kept} == set(drawn)
    assert all(row.is_sample and row.by == "sam" for row in kept)
    assert "Neutral" not in buttons(app)
