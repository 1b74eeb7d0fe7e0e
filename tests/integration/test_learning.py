"""Corrections become a model of the brand, a model becomes scores, on both databases."""

import math
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from earmark.rescoring import Rescoring
from earmark.scoring import score_pending
from earmark_core import jobs, migrations
from earmark_core.clock import FixedClock
from earmark_core.errors import EarmarkError, NotAllowed
from earmark_core.model import Actor, Label, Role, Text
from earmark_core.store import Store
from earmark_core.tables import (
    AuditEntry,
    Brand,
    Case,
    CaseMention,
    Match,
    Mention,
    RollupHour,
    RollupModel,
    ScoreChange,
    Source,
)
from earmark_queue.cases import Cases
from earmark_queue.casework import terms_of
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.learning import Learning
from earmark_sentiment.rescores import Rescores
from earmark_sentiment.sampling import is_drawn
from earmark_sentiment.trends import Trends
from tests.toy import corpus, scorer

BOSS = Actor("Ada", Role.manager)
MIA = Actor("Mia", Role.responder)
VIEWER = Actor("Vic", Role.viewer)


class World:
    """Two brands, a source of the first, and people who correct."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.store, self.clock = store, clock
        self.scorers = BrandScorers(scorer())
        self.learning = Learning(store, clock, scorer())
        self.rescores = Rescores(store, clock)
        self.cases = Cases(store, clock)
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
        self.said = 0

    def hear(self, text: str, *brands: int, **more: Any) -> int:
        self.said += 1
        with self.store.write() as session:
            mention = Mention(
                **{
                    "source_id": self.source, "external_id": str(self.said), "channel": "town",
                    "body": text, "seen_at": self.clock(), "happened_at": self.clock(),
                    "content_hash": str(self.said), "is_history": True, **more,
                }
            )  # fmt: skip
            session.add(mention)
            session.flush()
            key = int(mention.id or 0)
            for brand in brands or (self.acme,):
                session.add(Match(mention_id=key, brand_id=brand))
        return key

    def score(self) -> None:
        while score_pending(self.store, self.scorers, (), self.clock):
            pass

    def teach(self, honest: int, misled: int, meant: Label = Label.negative) -> list[int]:
        rows = corpus(honest, misled, meant=meant)
        keys = [self.hear(text) for text, _ in rows]
        self.score()
        for key, (_, label) in zip(keys, rows, strict=True):
            self.cases.correct(MIA, key, label)
        return keys

    def mention(self, key: int) -> Mention:
        with self.store.read() as session:
            return session.get_one(Mention, key)

    def scores(self) -> dict[int, tuple[Any, ...]]:
        with self.store.read() as session:
            return {
                m.id or 0: (m.label, m.p_neg, m.p_neu, m.p_pos, m.compound, m.model_id)
                for m in session.exec(select(Mention))
            }

    def rescore(self, brand_id: int | None = None, *, batches: int | None = None) -> Rescoring:
        job_id = self.rescores.ask(BOSS, brand_id)
        job = jobs.claim(self.store, self.clock(), only=job_id)
        assert job is not None
        rescoring = Rescoring(self.store, self.clock, self.scorers, job)
        if batches is None:
            rescoring.run()
        else:
            assert all(rescoring.step() for _ in range(batches))
        return rescoring

    def rollups(self) -> Counter[tuple[int, str]]:
        found: Counter[tuple[int, str]] = Counter()
        with self.store.read() as session:
            for row in session.exec(select(RollupHour)):
                for label in ("n", "negative", "neutral", "positive", "unscored"):
                    found[row.brand_id, label] += getattr(row, label)
        return +found

    def recomputed(self) -> Counter[tuple[int, str]]:
        """What the rollups should say, from the mentions themselves."""
        found: Counter[tuple[int, str]] = Counter()
        with self.store.read() as session:
            rows = session.exec(
                select(Match.brand_id, Mention)
                .join(Mention, col(Mention.id) == col(Match.mention_id))
                .where(col(Match.is_relevant))
            )
            for brand, mention in rows:
                found[brand, "n"] += 1
                found[brand, mention.human_label or mention.label or "unscored"] += 1
        return found

    def marks(self) -> list[ScoreChange]:
        with self.store.read() as session:
            return list(session.exec(select(ScoreChange).order_by(col(ScoreChange.id))))


@pytest.fixture
def world(store: Store, clock: FixedClock) -> World:
    return World(store, clock)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.rescoring.BATCH", 7)


def test_from_corrections_to_a_model_in_force_and_back(world: World) -> None:
    world.teach(120, 60)
    status = world.learning.status(VIEWER, world.acme)
    assert (status.corrections, status.usable, status.new) == (180, 180, 180)
    assert (status.active, status.is_calibrated, status.queue_from) == (None, False, None)
    proposed = world.learning.refit(BOSS, world.acme)
    assert (proposed.version, proposed.kind, proposed.state, proposed.n) == (
        1, "stacked", "proposed", 180,
    )  # fmt: skip
    assert proposed.figures["after"]["accuracy"] > proposed.figures["before"]["accuracy"]
    key = world.hear("the trust has my lamp since may and the shelf")
    world.score()
    assert world.mention(key).label == "positive"  # nothing is in force yet

    accepted = world.learning.accept(BOSS, world.acme)
    assert (accepted.state, accepted.activated_at) == ("active", world.clock())
    learned = world.hear("the trust has my lamp since may and the mirror")
    other = world.hear("the trust has my lamp since may and the mirror", world.globex)
    world.score()
    assert world.mention(learned).label == "negative"
    assert accepted.name in world.mention(learned).model_id
    assert world.mention(other).label == "positive"
    assert world.mention(other).model_id == scorer().model_id
    status = world.learning.status(VIEWER, world.acme)
    assert (status.is_calibrated, status.new) == (True, 0)
    with world.store.read() as session:
        assert terms_of(session, world.acme).queue_negative_from == status.queue_from
        assert terms_of(session, world.globex).queue_negative_from == 0

    assert world.learning.rollback(BOSS, world.acme) is None
    back = world.hear("the trust has my lamp since may and the mirror")
    world.score()
    assert world.mention(back).label == "positive"
    assert world.mention(back).model_id == scorer().model_id
    assert world.learning.rollback(BOSS, world.acme, to=1) is not None
    with world.store.read() as session:
        actions = [
            (entry.by, entry.action)
            for entry in session.exec(select(AuditEntry).order_by(col(AuditEntry.id)))
            if entry.subject == "brand"
        ]
    assert actions == [("Ada", a) for a in ("refit", "accept", "rollback", "rollback")]
    assert [mark.kind for mark in world.marks()] == ["model"] * 3
    assert world.marks()[0].from_model == scorer().model_id
    assert accepted.name in world.marks()[0].to_model


def test_what_does_not_stand_the_measure_is_refused(world: World) -> None:
    world.teach(60, 0)
    row = world.learning.refit(BOSS, world.acme)
    with world.store.write() as session:
        from earmark_core.tables import BrandModel

        kept = session.get_one(BrandModel, row.id)
        kept.figures = {**kept.figures, "worse": ["F1 of negative would fall from 0.9 to 0.8."]}
        session.add(kept)
    with pytest.raises(EarmarkError, match="would fall"):
        world.learning.accept(BOSS, world.acme)
    assert world.learning.status(VIEWER, world.acme).active is None


def test_a_proposal_measured_against_another_model_is_refused(world: World) -> None:
    world.teach(60, 0)
    world.learning.refit(BOSS, world.acme)
    world.learning.apply_change(BOSS, world.acme, "trust", 0.0)
    with pytest.raises(EarmarkError, match="no longer in force"):
        world.learning.accept(BOSS, world.acme, 1)
    world.learning.refit(BOSS, world.acme)
    assert world.learning.accept(BOSS, world.acme).lexicon == {"trust": 0.0}
    with pytest.raises(EarmarkError, match="Nothing is proposed"):
        world.learning.accept(BOSS, world.acme)


def test_too_few_corrections_say_how_many_are_missing(world: World) -> None:
    world.teach(6, 0)
    with pytest.raises(EarmarkError, match="10 corrections are needed, 6 are there"):
        world.learning.refit(BOSS, world.acme)
    assert "6 are there" in world.learning.status(VIEWER, world.acme).words


def test_roles_are_asked(world: World) -> None:
    world.teach(30, 0)
    world.learning.refit(BOSS, world.acme)
    learning = world.learning
    for refused in (
        lambda: learning.refit(MIA, world.acme),
        lambda: learning.accept(MIA, world.acme),
        lambda: learning.rollback(MIA, world.acme),
        lambda: learning.apply_change(MIA, world.acme, "trust"),
        lambda: learning.undo_change(MIA, 1),
        lambda: learning.sample(VIEWER, world.acme),
        lambda: world.rescores.ask(MIA),
        lambda: world.cases.correct(VIEWER, 1, Label.neutral),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_a_word_is_changed_by_consent_and_undone_to_the_byte(world: World) -> None:
    world.teach(60, 31, meant=Label.neutral)
    for i in range(5):
        world.hear(f"trust the lamp number {i}")
    world.score()
    before = world.scores()
    effect = world.learning.proposals(VIEWER, world.acme)[0]
    assert (effect.word, effect.fixes, effect.breaks, effect.changes) == ("trust", 31, 0, 5)
    assert world.scores() == before
    change = world.learning.apply_change(BOSS, world.acme, effect.word, effect.after)
    assert change.is_in_force
    assert change.words == effect.words
    world.rescore(world.acme)
    assert world.scores() != before
    assert world.learning.proposals(VIEWER, world.acme) == ()
    undone = world.learning.undo_change(BOSS, change.id)
    assert (undone.undoes, undone.after) == (change.id, None)
    world.rescore(world.acme)
    assert world.scores() == before
    assert world.rollups() == world.recomputed()
    with pytest.raises(EarmarkError, match="no longer in force"):
        world.learning.undo_change(BOSS, change.id)
    assert [row.is_in_force for row in world.learning.status(VIEWER, world.acme).changes] == [
        False, False,
    ]  # fmt: skip


def test_rescoring_moves_scores_counts_cases_and_says_what_changed(
    world: World, small_batches: None
) -> None:
    world.teach(120, 60)
    machine = [world.hear(f"the trust has my lamp since day {i}") for i in range(20)]
    shared = world.hear("the trust has my shelf", world.acme, world.globex)
    world.score()
    with world.store.write() as session:
        case = Case(
            brand_id=world.acme, channel="town", thread_key="t", status="open", priority="low",
            priority_rank=0, label="positive", opened_at=world.clock(), updated_at=world.clock(),
            last_inbound_at=world.clock(), last_mention_id=machine[0],
        )  # fmt: skip
        session.add(case)
    world.learning.refit(BOSS, world.acme)
    model = world.learning.accept(BOSS, world.acme)
    assert world.rollups() == world.recomputed()
    ended = world.rescore(world.acme)
    assert (ended.state, ended.done, ended.total) == ("done", 201, 201)
    assert {world.mention(key).label for key in machine} == {"negative"}
    assert model.name in world.mention(shared).model_id
    assert world.rollups() == world.recomputed()
    with world.store.read() as session:
        assert session.exec(select(Case.label)).one() == "negative"
    job = world.rescores.latest(VIEWER, world.acme)
    assert job is not None
    assert (job.state, job.payload["n"]) == ("done", 201)
    assert job.payload["diff"]["positive -> negative"] >= 21
    changed = sum(job.payload["diff"].values())
    assert f"{changed} labels changed" in job.note
    before, after = job.payload["labels_before"], job.payload["labels_after"]
    assert sum(before.values()) == sum(after.values()) == 201
    marks = {mark.brand_id: mark for mark in world.marks() if mark.kind == "rescore"}
    assert (marks[world.acme].n, marks[world.acme].changed) == (201, changed)
    assert (marks[world.globex].n, marks[world.globex].diff) == (1, {"positive -> negative": 1})
    assert marks[world.acme].from_model == scorer().model_id
    assert model.name in marks[world.acme].to_model


def test_a_rescore_killed_in_the_middle_is_gone_on_with(
    world: World, small_batches: None, clock: FixedClock
) -> None:
    world.teach(60, 40)
    whole = World.scores(world)
    world.learning.refit(BOSS, world.acme)
    world.learning.accept(BOSS, world.acme)
    dead = world.rescore(world.acme, batches=3)
    assert dead.done == 21
    assert world.rollups() == world.recomputed()
    assert jobs.claim(world.store, clock()) is None  # its lease still holds
    clock.forward(jobs.LEASE * 2)
    job = jobs.claim(world.store, clock())
    assert job is not None
    assert job.done == 21
    heir = Rescoring(world.store, clock, world.scorers, job)
    assert heir.step()
    assert dead.step() is False  # woke up late: it does nothing and says so
    assert dead.state == "taken"
    heir.run()
    assert (heir.state, heir.done) == ("done", 100)
    assert world.rollups() == world.recomputed()
    now = world.scores()
    assert {key: row for key, row in now.items() if row == whole[key]} == {}
    [mark] = [mark for mark in world.marks() if mark.kind == "rescore"]
    assert mark.n == 100


def test_a_rescore_is_cancelled_between_two_batches_and_keeps_what_it_did(
    world: World, small_batches: None
) -> None:
    world.teach(60, 40)
    world.learning.refit(BOSS, world.acme)
    world.learning.accept(BOSS, world.acme)
    rescoring = world.rescore(world.acme, batches=2)
    latest = world.rescores.latest(VIEWER, world.acme)
    assert latest is not None
    assert (latest.done, latest.total) == (14, 100)
    assert world.rescores.cancel(BOSS, latest.id)
    rescoring.run()
    assert rescoring.state == "cancelled"
    assert world.rollups() == world.recomputed()
    [mark] = [mark for mark in world.marks() if mark.kind == "rescore"]
    assert mark.n == 14
    assert not world.rescores.cancel(BOSS, latest.id)
    waiting = world.rescores.ask(BOSS, world.acme)
    assert waiting == world.rescores.ask(BOSS, world.acme) != latest.id
    assert world.rescores.cancel(BOSS, waiting)
    assert jobs.claim(world.store, world.clock()) is None


def test_what_is_edited_or_corrected_meanwhile_is_left_to_its_owner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.teach(100, 50)
    edited, plain = world.hear("the trust has my lamp"), world.hear("the trust has my lamp")
    world.score()
    world.learning.refit(BOSS, world.acme)
    world.learning.accept(BOSS, world.acme)
    real = Rescoring._keep

    def edit_first(self: Rescoring, *given: Any) -> bool:
        with world.store.write() as session:
            mention = session.get_one(Mention, edited)
            mention.body, mention.content_hash, mention.scored_at = "a lovely lamp", "new", None
        return real(self, *given)

    monkeypatch.setattr(Rescoring, "_keep", edit_first)
    world.rescore(world.acme)
    assert world.mention(edited).scored_at is None
    assert world.mention(plain).label == "negative"
    world.score()
    assert world.mention(edited).label == "positive"
    assert world.rollups() == world.recomputed()


def test_agreement_counts_what_the_machine_had_said_and_knows_its_bias(world: World) -> None:
    keys = world.teach(30, 10)
    report = world.learning.agreement(VIEWER, world.acme)
    assert (report.corrected.n, report.is_biased, report.sample.n) == (40, True, 0)
    assert report.corrected.count(Label.negative, Label.positive) >= 10
    world.cases.correct(MIA, keys[0], Label.neutral)
    world.cases.correct(MIA, keys[0], Label.positive)
    assert world.learning.agreement(VIEWER, world.acme).corrected.n == 40
    assert [model for model, _ in report.by_model] == [scorer().model_id]


def test_the_blind_sample_passes_by_what_was_queued_or_labelled(world: World) -> None:
    keys = [world.hear(f"a lamp, number {i}") for i in range(400)]
    world.score()
    while world.cases.decide_pending():
        pass
    drawn = [key for key in keys if is_drawn(key)]
    assert len(drawn) >= 3
    found = [row.mention_id for row in world.learning.sample(MIA, world.acme, 100)]
    assert found == sorted(drawn, reverse=True)
    with world.store.write() as session:
        case = Case(
            brand_id=world.acme, channel="town", thread_key="t", status="open", priority="low",
            priority_rank=0, opened_at=world.clock(), updated_at=world.clock(),
            last_inbound_at=world.clock(), last_mention_id=drawn[0],
        )  # fmt: skip
        session.add(case)
        session.flush()
        session.add(CaseMention(case_id=int(case.id or 0), mention_id=drawn[0]))
    world.cases.correct(MIA, drawn[1], Label.neutral)
    left = [row.mention_id for row in world.learning.sample(MIA, world.acme, 100)]
    assert left == sorted(drawn[2:], reverse=True)


def test_a_model_on_other_shipped_weights_is_not_used(world: World) -> None:
    world.teach(60, 40)
    world.learning.refit(BOSS, world.acme)
    world.learning.accept(BOSS, world.acme)
    from dataclasses import replace

    from earmark_sentiment.scorer import HeadScorer
    from tests.toy import HEAD, english

    newer = HeadScorer(replace(HEAD, version="toy2"), identify=english)
    with world.store.read() as session:
        assert BrandScorers(newer).active(session) == {}
        assert BrandScorers(scorer()).active(session).keys() == {world.acme}
    status = Learning(world.store, world.clock, newer).status(VIEWER, world.acme)
    assert (status.is_stale, status.is_calibrated, status.queue_from) == (True, False, None)


def test_trends_say_which_models_scored_them_and_mark_the_change(world: World) -> None:
    trends = Trends(world.store, world.clock)
    start, end = world.clock() - timedelta(days=1), world.clock() + timedelta(days=1)
    shipped = scorer().model_id
    world.teach(120, 60)
    assert trends.summary(VIEWER, world.acme, start, end).models == ((shipped, 180),)
    assert trends.markers(VIEWER, world.acme, start, end) == ()
    world.learning.refit(BOSS, world.acme)
    model = world.learning.accept(BOSS, world.acme)
    for i in range(10):
        world.hear(f"the trust has my lamp since day {i}")
    world.score()
    mixed = trends.summary(VIEWER, world.acme, start, end)
    assert mixed.is_mixed
    assert [n for _, n in mixed.models] == [180, 10]
    assert model.name in mixed.models[1][0]
    world.rescore(world.acme)
    one = trends.summary(VIEWER, world.acme, start, end)
    assert (one.is_mixed, [n for _, n in one.models]) == (False, [190])
    accepted, rescored = trends.markers(VIEWER, world.acme, start, end)
    assert (accepted.kind, accepted.n, accepted.from_model) == ("model", 0, shipped)
    assert (rescored.kind, rescored.n) == ("rescore", 180)  # ten were scored by it already
    assert rescored.changed == sum(rescored.diff.values()) > 0
    assert trends.markers(VIEWER, world.globex, start, end) == ()
    assert trends.markers(VIEWER, world.acme, end, end + timedelta(days=1)) == ()


def test_models_counted_by_the_migration_are_those_counted_since(world: World) -> None:
    world.hear("a lovely lamp", world.acme, world.globex)
    world.hear("the lamp is awful", happened_at=world.clock() - timedelta(days=3, hours=4))
    world.hear("our own lamp", is_own=True)
    world.hear("")
    world.score()

    def counted() -> list[tuple[int, Any, str, int]]:
        with world.store.read() as session:
            rows = session.exec(select(RollupModel))
            return sorted((row.brand_id, row.day, row.model_id, row.n) for row in rows)

    before = counted()
    assert sum(row[3] for row in before) == 3
    with world.store.engine.execution_options(earmark_write=True).begin() as connection:
        migrations.downgrade(connection, "0001")
        migrations.upgrade(connection)
    assert counted() == before


def test_a_score_is_explained_by_the_model_that_made_it(world: World) -> None:
    world.teach(120, 60)
    old = world.hear("the trust has my lamp since may")
    world.score()
    world.learning.refit(BOSS, world.acme)
    world.learning.accept(BOSS, world.acme)
    new = world.hear("the trust has my lamp since may")
    world.score()
    world.learning.rollback(BOSS, world.acme)
    shares = {}
    for key in (old, new):
        mention = world.mention(key)
        with world.store.read() as session:
            made_by = world.scorers.of_model(session, mention.model_id)
        assert made_by is not None
        receipt = made_by.explain(Text(mention.body))
        assert receipt.logit is not None
        assert 1 / (1 + math.exp(-receipt.logit)) == pytest.approx(mention.p_neg)
        shares[key] = {part.name for part in receipt.logit_parts if part.kind == "brand"}
    assert shares[old] == set()
    assert "trust" in shares[new]
    with world.store.read() as session:
        assert world.scorers.of_model(session, "someone else's") is None
