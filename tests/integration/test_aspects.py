"""What mentions find of topics: kept with the score and replaced with it, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from earmark.rescoring import Rescoring
from earmark.scoring import score_pending
from earmark_core import jobs
from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Label, Role
from earmark_core.store import Store
from earmark_core.tables import Aspect, Brand, Correction, Match, Mention, Source, Topic
from earmark_queue.judging import Judging
from earmark_queue.views import Views
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.rescores import Rescores
from earmark_sentiment.scorer import HeadScorer
from earmark_sentiment.trends import Trends

BOSS = Actor("Ada", Role.manager)
SCORER = HeadScorer()
TEXT = "great screen but the battery dies"
Told = dict[str, tuple[str | None, str | None]]


class Shop:
    """A brand with topics, one without, and what is said of them."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.store, self.clock = store, clock
        self.judging, self.views = Judging(store, clock), Views(store, clock)
        self.trends = Trends(store, clock)
        with store.write() as session:
            brands = [Brand(name=name, created_at=clock()) for name in ("Acme", "Globex")]
            session.add_all(brands)
            session.flush()
            self.acme, self.globex = (int(brand.id or 0) for brand in brands)
            source = Source(
                brand_id=self.acme, channel="town", name="s", next_poll_at=clock(),
                created_at=clock(),
            )  # fmt: skip
            session.add(source)
            session.flush()
            self.source = int(source.id or 0)
        self.topic("Product", "Screen", "screen")
        self.topic("Product", "Battery", "batter*")
        self.said = 0

    def topic(self, area: str, name: str, *words: str, brand: int = 0) -> None:
        with self.store.write() as session:
            session.add(
                Topic(
                    brand_id=brand or self.acme, area=area, name=name, words=list(words),
                    created_at=self.clock(),
                )
            )  # fmt: skip

    def hear(self, text: str, *brands: int, **more: Any) -> int:
        self.said += 1
        with self.store.write() as session:
            mention = Mention(
                **{
                    "source_id": self.source, "external_id": str(self.said), "channel": "town",
                    "body": text, "seen_at": self.clock(), "happened_at": self.clock(),
                    "content_hash": str(self.said), **more,
                }
            )  # fmt: skip
            session.add(mention)
            session.flush()
            key = int(mention.id or 0)
            for brand in brands or (self.acme,):
                session.add(Match(mention_id=key, brand_id=brand))
        return key

    def change(self, key: int, **values: Any) -> None:
        with self.store.write() as session:
            mention = session.get_one(Mention, key)
            for name, value in values.items():
                setattr(mention, name, value)

    def score(self) -> None:
        while score_pending(self.store, BrandScorers(SCORER), ("Acme",), self.clock):
            pass

    def rescore(self) -> None:
        job_id = Rescores(self.store, self.clock).ask(BOSS, None)
        job = jobs.claim(self.store, self.clock(), only=job_id)
        assert job is not None
        Rescoring(self.store, self.clock, BrandScorers(SCORER), job).run()

    def told(self, key: int) -> Told:
        with self.store.read() as session:
            rows = session.exec(select(Aspect).where(Aspect.mention_id == key))
            return {row.topic: (row.label, row.human_label) for row in rows}

    def period(self) -> tuple[Any, Any]:
        return self.clock() - timedelta(days=1), self.clock() + timedelta(days=1)


@pytest.fixture
def shop(store: Store, clock: FixedClock) -> Shop:
    return Shop(store, clock)


def test_a_mention_is_stored_with_what_it_finds_of_each_topic(shop: Shop) -> None:
    key = shop.hear(TEXT)
    plain = shop.hear("nothing of that")
    foreign = shop.hear(
        "Die Batterie und der battery Screen sind leider schon wieder kaputt gegangen"
    )
    elsewhere = shop.hear(TEXT, shop.globex)
    both = shop.hear(TEXT, shop.acme, shop.globex)
    shop.score()
    assert shop.told(key) == {"Screen": ("positive", None), "Battery": ("negative", None)}
    assert shop.told(plain) == shop.told(elsewhere) == {}
    assert shop.told(foreign) == {"Screen": (None, None), "Battery": (None, None)}
    assert shop.told(both) == shop.told(key)
    with shop.store.read() as session:
        rows = session.exec(select(Aspect)).all()
        assert {row.brand_id for row in rows} == {shop.acme}
        assert {row.happened_at for row in rows} == {shop.clock()}
        row = next(row for row in rows if row.mention_id == key and row.topic == "Battery")
        assert (row.area, row.words) == ("Product", "battery")
        assert row.p_neg is not None


def test_an_edited_mention_finds_anew_and_keeps_what_a_person_said(shop: Shop) -> None:
    key = shop.hear(TEXT)
    shop.score()
    shop.judging.aspect(BOSS, [key], shop.acme, "Product", "Screen", Label.negative)
    shop.change(key, body="the battery is great", content_hash="other", scored_at=None)
    shop.score()
    assert shop.told(key) == {"Screen": (None, "negative"), "Battery": ("positive", None)}
    shop.change(key, body="nothing at all", content_hash="third", scored_at=None)
    shop.score()
    assert shop.told(key) == {"Screen": (None, "negative")}


def test_history_follows_changed_topics_on_a_rescore(shop: Shop) -> None:
    key = shop.hear(f"{TEXT}, and support was awful")
    gone = shop.hear(TEXT)
    shop.score()
    shop.topic("Service", "Support", "support")
    with shop.store.write() as session:
        screen = session.exec(select(Topic).where(Topic.name == "Screen")).one()
        screen.is_enabled = False
    shop.judging.relevance(BOSS, [gone], shop.acme, is_relevant=False)
    shop.rescore()
    assert shop.told(key) == {"Battery": ("negative", None), "Support": ("negative", None)}
    assert shop.told(gone) == {}
    before = shop.told(key)
    shop.rescore()
    assert shop.told(key) == before


def test_a_person_says_what_a_mention_finds_of_a_topic(shop: Shop) -> None:
    key, plain = shop.hear(TEXT), shop.hear("nothing of that")
    shop.score()
    say = shop.judging.aspect
    assert say(BOSS, [key, plain], shop.acme, "Product", "Battery", Label.positive) == 2
    assert say(BOSS, [key, plain], shop.acme, "Product", "Battery", Label.positive) == 0
    assert say(BOSS, [key], shop.acme, "Product", "Screen", None) == 1
    assert shop.told(key) == {"Screen": ("positive", "none"), "Battery": ("negative", "positive")}
    assert shop.told(plain) == {"Battery": (None, "positive")}
    with shop.store.read() as session:
        rows = session.exec(select(Correction).order_by(col(Correction.id))).all()
        assert [(row.kind, row.brand_id, row.machine_label, row.label) for row in rows] == [
            ("aspect", shop.acme, "negative", "Product > Battery: positive"),
            ("aspect", shop.acme, "none", "Product > Battery: positive"),
            ("aspect", shop.acme, "positive", "Product > Screen: none"),
        ]
    shop.rescore()
    assert shop.told(key) == {"Screen": ("positive", "none"), "Battery": ("negative", "positive")}
    assert shop.told(plain) == {"Battery": (None, "positive")}


def test_trends_by_topic_count_people_first_and_only_what_counts(shop: Shop) -> None:
    for _ in range(3):
        shop.hear(TEXT)
    corrected, denied, refused = (shop.hear(TEXT) for _ in range(3))
    shop.hear(TEXT, is_own=True)
    shop.hear(TEXT, twin_of=corrected)
    shop.hear("Der battery Zustand ist leider schon wieder ganz und gar nicht in Ordnung")
    shop.hear(TEXT, happened_at=shop.clock() - timedelta(days=9))
    shop.score()
    shop.judging.aspect(BOSS, [corrected], shop.acme, "Product", "Battery", Label.neutral)
    shop.judging.aspect(BOSS, [denied], shop.acme, "Product", "Battery", None)
    shop.judging.relevance(BOSS, [refused], shop.acme, is_relevant=False)
    battery, screen = shop.trends.by_topic(BOSS, shop.acme, *shop.period())
    tally = battery.tally
    assert (battery.area, battery.topic, screen.topic) == ("Product", "Battery", "Screen")
    assert (tally.n, tally.negative, tally.neutral, tally.unscored) == (5, 3, 1, 1)
    assert (screen.tally.n, screen.tally.positive) == (5, 5)
    assert tally.net == -75
    assert tally.low is not None
    assert tally.low < -75 < (tally.high or 0)
    assert shop.trends.by_topic(BOSS, shop.globex, *shop.period()) == ()


def test_a_list_of_mentions_shows_aspects_and_what_is_not_about_us(shop: Shop) -> None:
    key, gone = shop.hear(TEXT), shop.hear("a great screen")
    shop.score()
    shop.judging.relevance(BOSS, [gone], shop.acme, is_relevant=False)
    [entry] = shop.views.mentions(BOSS, shop.acme).rows
    assert (entry.id, entry.is_relevant) == (key, True)
    assert [(one.area, one.topic, one.label, one.words) for one in entry.aspects] == [
        ("Product", "Battery", "negative", "battery"), ("Product", "Screen", "positive", "screen"),
    ]  # fmt: skip
    [entry] = shop.views.mentions(BOSS, shop.acme, is_relevant=False).rows
    assert (entry.id, entry.is_relevant, len(entry.aspects)) == (gone, False, 1)
    assert shop.views.mentions(BOSS, shop.globex, is_relevant=False).rows == ()


def test_a_brand_without_topics_costs_no_more_than_asking(shop: Shop) -> None:
    with shop.store.write() as session:
        for topic in session.exec(select(Topic)):
            session.delete(topic)
    key = shop.hear(TEXT)
    shop.score()
    assert shop.told(key) == {}
