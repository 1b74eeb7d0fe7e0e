"""The list of mentions: narrowed, searched, counted and paged, on both databases."""

from datetime import timedelta
from typing import Any

import pytest

from earmark_core.model import Label
from earmark_core.tables import Aspect, CopyGroup, Topic
from earmark_queue import mention_page
from earmark_queue.judging import Judging


def listed(desk: Any, **asked: Any) -> list[int]:
    """Gives the ids of all pages, three a page."""
    found: list[int] = []
    after = None
    while True:
        page = desk.views.mentions(desk.mia, desk.brand_id, after=after, limit=3, **asked)
        found += [row.id for row in page.rows]
        after = page.next
        if after is None:
            return found


def unscored(desk: Any, status: str | None, **more: Any) -> int:
    return desk.say(score_status=status, label=None, p_neg=None, cues=[], **more)


@pytest.fixture(params=["few", "many"])
def how_many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mentions are found by their numbers where they are few, else by walking back."""
    if request.param == "many":
        monkeypatch.setattr(mention_page, "FEW", 1)


@pytest.mark.usefixtures("how_many")
def test_mentions_are_narrowed_by_what_became_of_them(desk: Any) -> None:
    scored = [desk.say(is_conflict=n == 1) for n in range(4)]
    german, other = (unscored(desk, "unscored_language") for _ in range(2))
    empty, waiting = unscored(desk, "unscored_empty"), unscored(desk, None, scored_at=None)
    desk.say(is_own=True)
    desk.say(brand=desk.rival_id)
    assert listed(desk) == [waiting, empty, other, german, *reversed(scored)]
    assert listed(desk, status="scored") == scored[::-1]
    assert listed(desk, status="unscored") == [waiting, empty, other, german]
    assert listed(desk, status="unscored_language") == [other, german]
    assert listed(desk, status="pending") == [waiting]
    assert listed(desk, status="error") == []
    assert listed(desk, conflict=True) == [scored[1]]
    assert listed(desk, conflict=True, status="unscored") == []
    start, end = desk.clock() - timedelta(hours=1), desk.clock() + timedelta(hours=1)
    assert desk.views.scored_counts(desk.mia, desk.brand_id, start, end) == {
        "scored": 4, "unscored_language": 2, "unscored_empty": 1, "pending": 1,
    }  # fmt: skip
    assert desk.views.scored_counts(desk.mia, desk.brand_id, end, end) == {}


@pytest.mark.usefixtures("how_many")
def test_mentions_are_narrowed_by_topic_and_relevance(desk: Any) -> None:
    keys = [desk.say() for _ in range(6)]
    judging = Judging(desk.store, desk.clock)
    with desk.store.write() as session:
        session.add(
            Topic(
                brand_id=desk.brand_id, area="Product", name="Battery", words=["battery"],
                created_at=desk.clock(),
            )
        )  # fmt: skip
        for key in keys[:5]:
            session.add(
                Aspect(
                    mention_id=key, brand_id=desk.brand_id, area="Product", topic="Battery",
                    words="battery", label="negative", happened_at=desk.clock(),
                )
            )  # fmt: skip
    judging.aspect(desk.mia, keys[:1], desk.brand_id, "Product", "Battery", None)
    judging.aspect(desk.mia, keys[1:2], desk.brand_id, "Product", "Battery", Label.positive)
    judging.relevance(desk.mia, keys[2:4], desk.brand_id, is_relevant=False)
    judging.relevance(desk.mia, keys[3:4], desk.brand_id, is_relevant=True)
    judging.relevance(desk.mia, keys[5:], desk.brand_id, is_relevant=False)
    topic = ("Product", "Battery")
    assert listed(desk, topic=topic) == [keys[4], keys[3], keys[1]]
    assert listed(desk, topic=topic, start=desk.clock() + timedelta(1)) == []
    assert listed(desk, topic=("Product", "Screen")) == []
    assert listed(desk, is_relevant=False) == [keys[5], keys[2]]
    assert listed(desk, is_relevant=False, topic=topic) == [keys[2]]
    assert listed(desk, is_relevant=True) == listed(desk) == [keys[4], keys[3], keys[1], keys[0]]


@pytest.mark.usefixtures("how_many")
def test_a_search_looks_at_title_and_text_and_goes_on(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earmark_queue.paging.SEARCHED", 4)
    hits = [desk.say("The LEVER snapped"), desk.say("x", title="A lever"), desk.say("100% lever_")]
    for _ in range(6):
        desk.say("something else")
    hits.append(desk.say("lever again"))
    assert listed(desk, search="lever") == hits[::-1]
    assert listed(desk, search="  Lever ", label="negative") == hits[::-1]
    assert listed(desk, search="100% lever_") == [hits[2]]
    assert listed(desk, search="%") == [hits[2]]
    assert listed(desk, search="nowhere") == []
    assert listed(desk, search="lever", label="positive") == []
    first = desk.views.mentions(desk.mia, desk.brand_id, search="snapped")
    assert (first.rows, first.next is None) == ((), False)  # further back there may be more


def grouped(desk: Any) -> int:
    with desk.store.write() as session:
        made = CopyGroup(n=1, first_at=desk.clock(), last_at=desk.clock())
        session.add(made)
        session.flush()
        return int(made.id or 0)


@pytest.mark.usefixtures("how_many")
def test_copies_are_one_line_with_their_number_and_can_be_opened(desk: Any) -> None:
    group, other = grouped(desk), grouped(desk)
    ids = []
    for number in range(6):
        ids.append(desk.say(copy_group_id=group, label="negative" if number else "neutral"))
        desk.later(hours=1)
    alone, single = desk.say(), desk.say(copy_group_id=other)
    desk.say(copy_group_id=group, is_own=True)
    desk.say(copy_group_id=group, brand=desk.rival_id)
    assert listed(desk, fold=True) == [single, alone, ids[0]]
    page = desk.views.mentions(desk.mia, desk.brand_id, fold=True)
    assert [row.copies for row in page.rows] == [0, 0, 5]
    assert listed(desk) == [single, alone, *ids[::-1]], "each for itself unless asked otherwise"
    assert listed(desk, copies_of=group) == ids[::-1]
    late = desk.clock() - timedelta(hours=3)
    assert listed(desk, fold=True, start=late) == [single, alone, ids[3]], "of those asked for"
    assert listed(desk, fold=True, label="negative") == [single, alone, ids[1]]
    assert desk.views.mentions(desk.mia, desk.brand_id, fold=True, start=late).rows[-1].copies == 2
    assert len(listed(desk, fold=True, search="parcel")) == 8, "a search shows what it found"
