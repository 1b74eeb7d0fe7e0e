"""Mentions with nearly the same text become one group, on both databases, whatever gets between."""

import multiprocessing
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, func, select

from earmark import copies, scoring
from earmark.scoring import score_pending
from earmark_core.clock import FixedClock
from earmark_core.model import Score, ScoreStatus, Text
from earmark_core.store import Store, open_store
from earmark_core.tables import (
    Brand,
    Case,
    CaseMention,
    CopyGroup,
    Match,
    Mention,
    NearKey,
    Source,
)
from earmark_queue.cases import Cases
from earmark_queue.copy_rows import copies_in
from earmark_sentiment.brand_scorers import BrandScorers

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEXT = (
    "Acme has put up its prices for the third time this year and nobody there could tell me why. "
    "I have been a customer for ten years and this is how they thank me."
)
SAME = f"RT @ann: {TEXT} https://t.example/x #acme"
NEAR = TEXT.replace("nobody there", "nobody")
CUT = TEXT[: TEXT.index("customer")].strip() + "…"
OTHER = (
    "The new Acme kettle boils in half the time, and the handle stays cool. We bought a second one "
    "for the office, and everybody is happy with it so far."
)


class Plain:
    """A scorer that has no opinion."""

    model_id = "plain"

    def score_batch(self, texts: Any, *, brand: object = None) -> list[Score]:
        return [Score(status=ScoreStatus.unscored_empty, model_id="plain") for _ in texts]

    def explain(self, text: Text) -> None:
        return None


class Town:
    """A source and what is heard there."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.store, self.clock = store, clock
        self.said = 0
        with store.write() as session:
            brand = Brand(name="Acme", created_at=clock())
            session.add(brand)
            session.flush()
            source = Source(
                brand_id=brand.id or 0, channel="town", name="s", next_poll_at=clock(),
                created_at=clock(),
            )  # fmt: skip
            session.add(source)
            session.flush()
            self.brand, self.source = int(brand.id or 0), int(source.id or 0)

    def hear(self, body: str, **more: Any) -> int:
        self.said += 1
        values = {
            "source_id": self.source, "external_id": str(self.said), "channel": "town",
            "body": body, "seen_at": self.clock(), "happened_at": self.clock(),
            "content_hash": body, **more,
        }  # fmt: skip
        with self.store.write() as session:
            mention = Mention(**values)
            session.add(mention)
            session.flush()
            session.add(Match(mention_id=mention.id or 0, brand_id=self.brand))
            return int(mention.id or 0)

    def edit(self, key: int, **values: Any) -> None:
        with self.store.write() as session:
            mention = session.get_one(Mention, key)
            for name, value in ({"scored_at": None} | values).items():
                setattr(mention, name, value)
            mention.content_hash = mention.body

    def score(self, limit: int = 200) -> int:
        return score_pending(self.store, BrandScorers(Plain()), ("Acme",), self.clock, limit=limit)

    def together(self) -> list[list[int]]:
        """Gives the groups, each as the mentions in it."""
        found: dict[int, list[int]] = defaultdict(list)
        with self.store.read() as session:
            rows = session.execute(
                sa.select(col(Mention.copy_group_id), col(Mention.id))
                .where(col(Mention.copy_group_id).is_not(None))
                .order_by(col(Mention.id))
            )
            for group, key in rows:
                found[group].append(key)
        return sorted(found.values())

    def groups(self) -> list[tuple[int, datetime, datetime]]:
        with self.store.read() as session:
            rows = session.exec(select(CopyGroup).order_by(col(CopyGroup.id)))
            return [(row.n, row.first_at, row.last_at) for row in rows]

    def holders(self) -> set[int]:
        with self.store.read() as session:
            return set(session.exec(select(NearKey.mention_id)).all())


@pytest.fixture
def town(store: Store, clock: FixedClock) -> Town:
    return Town(store, clock)


def test_a_group_is_made_with_the_second_of_a_text_and_counts_the_rest(town: Town) -> None:
    first = town.hear(TEXT)
    other = town.hear(OTHER)
    town.score()
    assert town.together() == []
    started = town.clock()
    town.clock.forward(timedelta(hours=1))
    second = town.hear(SAME)
    town.score()
    town.clock.forward(timedelta(hours=1))
    third, fourth = town.hear(NEAR), town.hear(CUT)
    town.score()
    assert town.together() == [[first, second, third, fourth]]
    assert town.groups() == [(4, started, town.clock())]
    assert town.holders() == {first, other}, "a copy adds no keys"


def test_two_copies_in_one_batch_are_one_group(town: Town) -> None:
    keys = [town.hear(text) for text in (TEXT, OTHER, SAME, NEAR)]
    town.score()
    assert town.together() == [[keys[0], keys[2], keys[3]]]
    assert [n for n, _, _ in town.groups()] == [3]


def test_what_does_not_stand_for_somebody_else_is_left_alone(town: Town) -> None:
    first = town.hear(TEXT)
    town.hear(TEXT, is_own=True)
    town.hear(TEXT, twin_of=first)
    town.hear(TEXT, gone_at=town.clock())
    town.hear("love it"), town.hear("love it")
    town.score()
    assert town.together() == []
    old = town.hear(TEXT, is_history=True)
    town.score()
    assert town.together() == [[first, old]]


def test_alike_complaints_of_two_people_are_not_copies(town: Town) -> None:
    town.hear("My order #4711 has not arrived after three weeks, please help me with it")
    town.hear("My order #4712 has not arrived after three weeks, please help me with it")
    town.hear("My order of shoes has not arrived and nobody answers my mails since last week")
    town.hear("My order of lamps has not arrived and nobody answers my mails since last week")
    town.score()
    assert town.together() == []


def test_an_edit_decides_anew(town: Town) -> None:
    first, second, third = (town.hear(text) for text in (TEXT, SAME, NEAR))
    town.score()
    town.edit(second, body=OTHER)
    town.score()
    assert town.together() == [[first, third]]
    assert [n for n, _, _ in town.groups()] == [2]
    assert town.holders() == {first, second}
    town.edit(second, body=TEXT + " Pass it on!")
    town.score()
    assert town.together() == [[first, second, third]]


def test_a_first_that_is_edited_leaves_its_keys_to_a_copy(town: Town) -> None:
    first, second, third = (town.hear(text) for text in (TEXT, SAME, NEAR))
    town.score()
    town.edit(first, body=OTHER)
    town.score()
    fourth = town.hear(TEXT)
    town.score()
    assert town.together() == [[second, third, fourth]]
    assert town.holders() == {first, second}


def test_one_that_is_left_alone_is_no_group(town: Town) -> None:
    first, second = town.hear(TEXT), town.hear(SAME)
    town.score()
    town.edit(first, body=OTHER)
    town.score()
    assert town.together() == []
    assert town.groups() == []
    third = town.hear(TEXT)
    town.score()
    assert town.together() == [[second, third]]


def test_a_first_that_is_gone_still_has_copies(town: Town) -> None:
    first, second = town.hear(TEXT), town.hear(SAME)
    town.score()
    town.edit(first, body="", gone_at=town.clock(), scored_at=town.clock())
    third = town.hear(TEXT)
    town.score()
    assert town.together() == [[first, second, third]]


def test_scoring_again_without_an_edit_changes_no_group(town: Town) -> None:
    keys = [town.hear(text) for text in (TEXT, SAME, NEAR)]
    town.score()
    for key in keys:
        town.edit(key)
        town.score()
        assert town.together() == [keys]
        assert [n for n, _, _ in town.groups()] == [3]
    assert len(town.holders()) == 1


def test_after_two_weeks_of_silence_a_text_is_said_anew(town: Town) -> None:
    first = town.hear(TEXT)
    town.score()
    town.clock.forward(timedelta(days=13))
    second = town.hear(TEXT)
    town.score()
    town.clock.forward(timedelta(days=13))
    assert copies.forget(town.store, town.clock()) == 0, "the group is still growing"
    third = town.hear(TEXT)
    town.score()
    assert town.together() == [[first, second, third]]
    town.clock.forward(timedelta(days=15))
    assert copies.forget(town.store, town.clock()) == 1
    assert town.holders() == set()
    last = town.hear(TEXT)
    town.score()
    assert town.together() == [[first, second, third]]
    assert town.holders() == {last}


def test_keys_are_forgotten_in_batches_and_empty_groups_with_them(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "FORGOTTEN", 2)
    for number in range(5):
        town.hear(f"Text number {number} of some that have nothing else to do with each other")
    pair = [town.hear(TEXT), town.hear(TEXT)]
    town.score()
    town.clock.forward(timedelta(days=15))
    young = town.hear(OTHER)
    town.score()
    with town.store.write() as session:
        session.execute(sa.delete(Mention).where(col(Mention.id).in_(pair)))
    assert copies.forget(town.store, town.clock()) == 5
    assert town.holders() == {young}
    assert town.groups() == []


def test_a_crowd_under_one_key_is_bounded(town: Town) -> None:
    for number in range(30):
        town.hear(f"Order {number}: the parcel has not arrived after three weeks, please help me")
    town.score()
    with town.store.read() as session:
        crowd = select(func.count()).select_from(NearKey).group_by(col(NearKey.key))
        assert max(session.exec(crowd)) == copies.CROWDED


def test_a_transaction_that_breaks_off_leaves_nothing_and_is_done_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [town.hear(text) for text in (TEXT, SAME, NEAR)]

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(scoring, "recount", cut)
        town.score()
    assert town.together() == []
    assert town.holders() == set()
    town.score()
    assert town.together() == [keys]


def test_the_order_of_arrival_does_not_change_who_stands_together(
    sqlite_store: Store, clock: FixedClock
) -> None:
    texts = {"a": TEXT, "b": SAME, "c": CUT, "d": OTHER, "e": f"{OTHER} http://x.example"}
    seen = set()
    for number, order in enumerate(permutations(texts)):
        with sqlite_store.write() as session:
            for table in (NearKey, Match, Mention, CopyGroup, Source, Brand):
                session.execute(sa.delete(table))
        town = Town(sqlite_store, clock)
        names = {town.hear(texts[name]): name for name in order}
        town.score(limit=1 + number % 5)
        while town.score(limit=1 + number % 5):
            pass
        seen.add(frozenset(frozenset(names[key] for key in one) for one in town.together()))
    assert seen == {frozenset({frozenset("abc"), frozenset("de")})}


def _take_part(url: str, keys: list[int], start: Any) -> None:
    store = open_store(url)
    start.wait()
    for key in keys:
        with store.read() as session:
            rows = session.execute(select(*scoring.columns()).where(col(Mention.id) == key)).all()
        likes = copies.read(rows)
        with store.write() as session:
            copies.begin(store, session)
            copies.group(session, rows, likes, NOW)
    store.close()


def test_copies_taken_by_processes_at_the_same_time_are_one_group(
    store_url: str, clock: FixedClock
) -> None:
    store = open_store(store_url)
    town = Town(store, clock)
    keys = [town.hear(TEXT) for _ in range(24)]
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    workers = [
        context.Process(target=_take_part, args=(store_url, keys[part::3], start))
        for part in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert town.together() == [keys]
    assert [n for n, _, _ in town.groups()] == [24]
    assert len(town.holders()) == 1
    store.close()


def _decide(url: str, start: Any) -> None:
    store = open_store(url)
    cases = Cases(store, FixedClock(NOW))
    start.wait()
    while cases.decide_pending():
        pass
    store.close()


def test_copies_decided_by_processes_at_the_same_time_are_one_case(
    store_url: str, clock: FixedClock
) -> None:
    store = open_store(store_url)
    town = Town(store, clock)
    for text, people in ((TEXT, range(40)), (OTHER, range(40, 80))):
        for n in people:
            town.hear(
                text, identity=f"town:{n}", thread_key=f"{n % 7}-{n}", author_handle=f"a{n}",
                label="negative", p_neg=0.9,
            )  # fmt: skip
    while town.score():
        pass
    with store.write() as session:
        session.execute(sa.update(Mention).values(label="negative", p_neg=0.9, decided_at=None))
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    workers = [context.Process(target=_decide, args=(store_url, start)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    with store.read() as session:
        cases = session.exec(select(Case).order_by(col(Case.id))).all()
        links = session.exec(select(CaseMention.mention_id)).all()
        assert sorted(links) == sorted(session.exec(select(Mention.id)))
        assert [copies_in(case) for case in cases] == [39, 39]
        assert {case.priority for case in cases} == {"urgent"}
    store.close()
