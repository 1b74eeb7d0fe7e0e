"""What people say of mentions: kept, counted at once, and undone by saying otherwise."""

from typing import Any

import pytest
from sqlmodel import col, select

from earmark_core.errors import EarmarkError, NotAllowed
from earmark_core.model import Label, Role
from earmark_core.tables import CaseMention, Correction, Match, RollupHour, RollupModel, Topic
from earmark_queue.judging import Judging
from earmark_sentiment.sampling import is_drawn


@pytest.fixture
def judging(desk: Any) -> Judging:
    return Judging(desk.store, desk.clock)


def corrections(desk: Any) -> list[tuple[str, str | None, str, str]]:
    with desk.store.read() as session:
        rows = session.exec(select(Correction).order_by(col(Correction.id)))
        return [(row.kind, row.machine_label, row.label, row.by) for row in rows]


def counts(desk: Any) -> dict[str, int]:
    with desk.store.read() as session:
        rows = session.exec(select(RollupHour)).all()
        names = ("n", "negative", "neutral", "positive")
        return {name: sum(getattr(row, name) for row in rows) for name in names}


def test_many_labels_at_once_are_one_step_each_kept(desk: Any, judging: Judging) -> None:
    keys = [desk.say(thread=f"t{i}") for i in range(3)]
    assert judging.label(desk.mia, [*keys, keys[0]], Label.neutral) == 3
    assert judging.label(desk.mia, keys, Label.neutral) == 0
    assert judging.label(desk.mia, keys[:1], Label.negative) == 1
    assert corrections(desk) == [("label", "negative", "neutral", desk.mia.name)] * 3 + [
        ("label", "negative", "negative", desk.mia.name)
    ]
    with pytest.raises(EarmarkError, match="no such mention"):
        judging.label(desk.mia, [*keys, 99_999], Label.positive)
    assert len(corrections(desk)) == 4  # nothing of that call was kept
    with pytest.raises(EarmarkError, match="At most 500"):
        judging.label(desk.mia, range(501), Label.positive)


def test_what_is_not_about_us_counts_nowhere_until_it_is_again(desk: Any, judging: Judging) -> None:
    first, second = desk.say(model_id="m"), desk.say(thread="t2", label="neutral", model_id="m")
    with desk.store.write() as session:
        hour = desk.clock().replace(minute=0, second=0, microsecond=0)
        session.add(
            RollupHour(
                brand_id=desk.brand_id, channel="town", hour=hour, n=2, negative=1, neutral=1
            )
        )
        session.add(
            RollupModel(brand_id=desk.brand_id, day=hour.replace(hour=0), model_id="m", n=2)
        )
    before = counts(desk)
    assert judging.relevance(desk.mia, [first], desk.brand_id, is_relevant=False) == 1
    assert judging.relevance(desk.mia, [first], desk.brand_id, is_relevant=False) == 0
    assert counts(desk) == {"n": 1, "negative": 0, "neutral": 1, "positive": 0}
    with desk.store.read() as session:
        assert session.exec(select(RollupModel.n)).one() == 1
        gone = session.exec(select(Match).where(Match.mention_id == first)).one()
        assert (gone.is_relevant, gone.is_counted) == (False, False)
    shown = [row.id for row in desk.views.mentions(desk.mia, desk.brand_id).rows]
    assert shown == [second]
    desk.decide()
    assert [case.headline for case in desk.all_cases()] == ["My parcel never arrived"]
    assert judging.relevance(desk.mia, [first], desk.brand_id, is_relevant=True) == 1
    assert counts(desk) == before
    assert [row[1:3] for row in corrections(desk)] == [
        ("relevant", "irrelevant"), ("irrelevant", "relevant"),
    ]  # fmt: skip
    with pytest.raises(EarmarkError, match="does not match the brand"):
        judging.relevance(desk.mia, [first], desk.rival_id, is_relevant=False)


def test_what_a_person_wants_answered_gets_a_case_however_it_is_scored(
    desk: Any, judging: Judging
) -> None:
    key = desk.say("Nice shelf", label="positive", p_neg=0.01, cues=[], is_history=True)
    desk.decide()
    assert desk.all_cases() == []
    assert judging.needs_answer(desk.mia, [key], needs=True) == 1
    assert judging.needs_answer(desk.mia, [key], needs=True) == 0
    desk.decide()
    [case] = desk.all_cases()
    assert case.reasons[0]["text"] == "A person says that it needs an answer"
    assert corrections(desk) == [("needs_answer", "no", "yes", desk.mia.name)]


def test_what_a_person_wants_left_alone_opens_no_case(desk: Any, judging: Judging) -> None:
    key = desk.say()
    assert judging.needs_answer(desk.mia, [key], needs=False) == 1
    desk.decide()
    assert desk.all_cases() == []
    assert corrections(desk) == [("needs_answer", "yes", "no", desk.mia.name)]


@pytest.fixture
def battery(desk: Any) -> tuple[int, str, str]:
    with desk.store.write() as session:
        for area, name in (("Product", "Screen"), ("Product", "Battery"), ("Care", "Phone")):
            session.add(
                Topic(
                    brand_id=desk.brand_id, area=area, name=name, words=[name],
                    is_enabled=name != "Phone", created_at=desk.clock(),
                )
            )  # fmt: skip
    return desk.brand_id, "Product", "Battery"


def test_topics_are_corrected_one_by_one(
    desk: Any, judging: Judging, battery: tuple[int, str, str]
) -> None:
    key = desk.say()
    assert judging.topics(desk.people[Role.viewer], desk.brand_id) == (
        ("Product", "Battery"), ("Product", "Screen"),
    )  # fmt: skip
    assert judging.topics(desk.mia, desk.rival_id) == ()
    assert judging.aspect(desk.mia, [key], *battery, Label.negative) == 1
    assert judging.aspect(desk.mia, [key], *battery, Label.negative) == 0
    assert judging.aspect(desk.mia, [key], *battery[:2], "Screen", Label.positive) == 1
    assert judging.aspect(desk.mia, [key], *battery, None) == 1
    assert [row[1:3] for row in corrections(desk)] == [
        ("none", "Product > Battery: negative"),
        ("none", "Product > Screen: positive"),
        ("none", "Product > Battery: none"),
    ]
    for brand_id, topic, words in (
        (desk.brand_id, "Sound", "no such topic"),
        (desk.rival_id, "Battery", "does not match the brand"),
    ):
        with pytest.raises(EarmarkError, match=words):
            judging.aspect(desk.mia, [key], brand_id, "Product", topic, Label.positive)
    assert len(corrections(desk)) == 3


def test_a_case_shows_what_its_mentions_find_of_topics(
    desk: Any, judging: Judging, battery: tuple[int, str, str]
) -> None:
    case = desk.open()
    first, other = desk.say(who="bob"), desk.say("Not for me", who="eve")
    judging.aspect(desk.mia, [first], *battery, Label.negative)
    judging.relevance(desk.mia, [other], desk.brand_id, is_relevant=False)
    shown = {entry.id: entry for entry in desk.views.case(desk.mia, case.id).entries
             if entry.kind == "mention"}  # fmt: skip
    assert [(one.area, one.topic, one.label, one.human_label) for one in shown[first].aspects] == [
        ("Product", "Battery", None, "negative")
    ]
    assert (shown[first].is_relevant, shown[other].is_relevant) == (True, False)
    assert shown[other].aspects == ()


def test_only_what_was_drawn_and_not_queued_counts_as_blind(desk: Any, judging: Judging) -> None:
    drawn = [key for key in range(1_000, 2_000) if is_drawn(key)][:3]
    plain = next(key for key in range(1_000, 2_000) if not is_drawn(key))
    for key in (*drawn, plain):
        desk.say(id=key, thread=f"t{key}", label="neutral", cues=[])
    desk.decide()
    case = desk.open(thread="queued")
    with desk.store.write() as session:
        session.add(CaseMention(case_id=case.id, mention_id=drawn[0]))
    judging.label(desk.mia, [drawn[0], drawn[1], plain], Label.neutral, from_sample=True)
    judging.label(desk.mia, [drawn[2]], Label.positive)
    with desk.store.read() as session:
        rows = session.exec(select(Correction))
        assert [row.mention_id for row in rows if row.is_sample] == [drawn[1]]


def test_a_viewer_corrects_nothing_and_every_word_is_audited(
    desk: Any, judging: Judging, battery: tuple[int, str, str]
) -> None:
    key = desk.say()
    viewer = desk.people[Role.viewer]
    for refused in (
        lambda: judging.label(viewer, [key], Label.neutral),
        lambda: judging.relevance(viewer, [key], desk.brand_id, is_relevant=False),
        lambda: judging.needs_answer(viewer, [key], needs=True),
        lambda: judging.aspect(viewer, [key], *battery, Label.neutral),
    ):
        with pytest.raises(NotAllowed):
            refused()
    judging.relevance(desk.mia, [key], desk.brand_id, is_relevant=False)
    judging.needs_answer(desk.mia, [key], needs=False)
    judging.aspect(desk.mia, [key], *battery, Label.neutral)
    judging.label(desk.mia, [key], Label.neutral)
    assert [entry.action for entry in desk.audit("mention", key)] == [
        "correct relevance", "correct needs answer", "correct aspect", "correct",
    ]  # fmt: skip
