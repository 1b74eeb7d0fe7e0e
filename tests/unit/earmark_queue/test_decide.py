from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.model import Cue, Label, Priority
from earmark_queue.decide import (
    AppendToCase,
    EditCase,
    Ignore,
    OpenCase,
    RaiseCase,
    ReopenCase,
    WakeCase,
    decide,
)
from earmark_queue.priority import ASKS, URGENCIES, Terms, Weighed, raised, weigh
from earmark_queue.seen import Alive, Resolved, Seen, Situation

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BAD = Seen(1, 1, label=Label.negative, p_neg=0.7)
NICE = Seen(1, 1, label=Label.positive, p_neg=0.01)
THANKS = replace(NICE, cues=(Cue("praise", "thanks"),))
ALIVE = Alive(9, "open", Priority.normal, clock_runs=True)


def kinds(seen: Seen, situation: Situation | None = None) -> list[type]:
    return [type(intent) for intent in decide(seen, situation or Situation(), NOW)]


@pytest.mark.parametrize(
    ("seen", "opens"),
    [
        (BAD, True),
        (replace(BAD, p_neg=0.5), True),
        (replace(BAD, p_neg=0.49), False),
        (NICE, False),
        (Seen(1, 1, label=None), False),
        (Seen(1, 1, label=None, cues=(Cue("complaint", "broken"),)), True),
        *[(replace(NICE, cues=(Cue(kind, "words"),)), True) for kind in ASKS + URGENCIES],
        (THANKS, False),
        (replace(NICE, rating=2.0), True),
        (replace(NICE, rating=3.0), False),
        (replace(BAD, brand_id=None), False),
        (replace(BAD, is_competitor=True), False),
        (replace(BAD, is_own=True), False),
        (replace(BAD, is_automatic=True), False),
        (replace(BAD, is_automatic=True, asked=True), True),
        (replace(BAD, is_history=True), False),
        (replace(BAD, is_gone=True), False),
        (replace(BAD, is_twin=True), False),
    ],
)
def test_what_wants_an_answer_opens_a_case(seen: Seen, opens: bool) -> None:
    terms = Terms(queue_negative_from=0.5, queue_rating_to=2.0)
    assert kinds(seen, Situation(terms=terms)) == ([OpenCase] if opens else [Ignore])


def test_an_opened_case_says_why_with_the_clause() -> None:
    seen = replace(BAD, p_neg=0.91, rating=1.0, cues=(Cue("legal", "my lawyer"),), clause='"acme"')
    (intent,) = decide(seen, Situation(), NOW)
    assert isinstance(intent, OpenCase)
    assert intent.reasons == (
        "Negative (91%)",
        "Rated 1 of 5",
        "Speaks of the law: “my lawyer”",
        'Matched "acme"',
    )
    assert intent.priority is Priority.urgent
    assert intent.priority_reasons[0] == "Speaks of the law: “my lawyer”"


@pytest.mark.parametrize("status", ["new", "open", "waiting", "snoozed"])
def test_the_customers_next_word_joins_the_alive_case(status: str) -> None:
    alive = Alive(9, status, Priority.urgent, clock_runs=False)
    found = decide(BAD, Situation(alive=alive), NOW)
    asleep = status in {"waiting", "snoozed"}
    assert found[0] == AppendToCase(9, ("Negative (70%)",), starts_clock=True)
    assert [type(intent) for intent in found[1:]] == ([WakeCase] if asleep else [])


def test_a_running_clock_is_not_started_again_and_thanks_start_none() -> None:
    appended = decide(BAD, Situation(alive=ALIVE), NOW)[0]
    assert isinstance(appended, AppendToCase)
    assert not appended.starts_clock
    thanked = decide(THANKS, Situation(alive=replace(ALIVE, clock_runs=False)), NOW)[0]
    assert isinstance(thanked, AppendToCase)
    assert not thanked.starts_clock


def test_a_stronger_word_raises_and_a_weaker_one_never_lowers() -> None:
    worse = replace(BAD, cues=(Cue("safety", "caught fire"),))
    assert RaiseCase in kinds(worse, Situation(alive=ALIVE))
    assert RaiseCase not in kinds(BAD, Situation(alive=replace(ALIVE, priority=Priority.urgent)))


def test_a_priority_set_by_a_person_holds() -> None:
    worse = replace(BAD, cues=(Cue("safety", "caught fire"),))
    assert RaiseCase not in kinds(worse, Situation(alive=replace(ALIVE, by_person=True)))


def test_an_edit_informs_the_case_once() -> None:
    edited = replace(BAD, revision=2, known_revision=1)
    assert EditCase(9, 2) in decide(edited, Situation(alive=ALIVE), NOW)
    assert kinds(replace(NICE, revision=2, known_revision=2), Situation(alive=ALIVE)) == [Ignore]


@pytest.mark.parametrize(
    ("seen", "answered", "days", "expected"),
    [
        (BAD, False, 1, [ReopenCase, AppendToCase]),
        (BAD, True, 14, [ReopenCase, AppendToCase]),
        (NICE, True, 1, [ReopenCase, AppendToCase]),
        (NICE, False, 1, [AppendToCase]),
        (THANKS, True, 1, [AppendToCase]),
        (BAD, True, 15, [OpenCase]),
        (NICE, True, 15, [Ignore]),
    ],
)
def test_after_a_case_is_resolved(
    seen: Seen, answered: bool, days: int, expected: list[type]
) -> None:
    resolved = Resolved(9, NOW - timedelta(days=days), answered)
    assert kinds(seen, Situation(resolved=resolved)) == expected


def test_an_edit_after_the_end_reopens_only_what_now_wants_an_answer() -> None:
    resolved = Situation(resolved=Resolved(9, NOW - timedelta(hours=2), True))
    edited = replace(BAD, revision=2, known_revision=1, edited_at=NOW - timedelta(hours=1))
    assert kinds(edited, resolved) == [ReopenCase, EditCase]
    assert kinds(replace(edited, edited_at=NOW - timedelta(hours=3)), resolved) == [Ignore]
    assert kinds(replace(edited, label=Label.neutral), resolved) == [Ignore]


cues = st.lists(
    st.builds(Cue, st.sampled_from([*ASKS, *URGENCIES, "praise", "new kind"]), st.text(max_size=5)),
    max_size=4,
).map(tuple)
seens = st.builds(
    Seen,
    st.just(1),
    st.sampled_from([1, None]),
    is_own=st.booleans(),
    is_history=st.booleans(),
    label=st.sampled_from([*Label, None]),
    p_neg=st.none() | st.floats(0, 1),
    rating=st.none() | st.sampled_from([1.0, 2.0, 3.0, 5.0]),
    cues=cues,
    revision=st.integers(1, 3),
    known_revision=st.none() | st.integers(1, 3),
)
situations = st.builds(
    Situation,
    alive=st.none()
    | st.builds(
        Alive,
        st.just(9),
        st.sampled_from(["new", "open", "waiting", "snoozed"]),
        st.sampled_from(list(Priority)),
        st.booleans(),
        st.booleans(),
    ),
    resolved=st.none()
    | st.builds(Resolved, st.just(8), st.just(NOW - timedelta(days=1)), st.booleans()),
    unanswered=st.integers(0, 9),
)


@given(seens, situations)
def test_never_two_cases_and_never_nothing(seen: Seen, situation: Situation) -> None:
    intents = decide(seen, situation, NOW)
    assert intents
    opened = [intent for intent in intents if isinstance(intent, OpenCase)]
    assert len(opened) <= 1
    if opened:
        assert situation.alive is None
    if seen.is_own or seen.is_history or seen.brand_id is None:
        assert [type(intent) for intent in intents] == [Ignore]


@given(
    st.builds(
        Weighed,
        label=st.sampled_from([*Label, None]),
        p_neg=st.none() | st.floats(0, 1),
        rating=st.none() | st.floats(1, 5),
        cues=cues,
        followers=st.none() | st.integers(0, 10**9),
        is_vip=st.booleans(),
        earlier_cases=st.integers(0, 20),
        unanswered=st.integers(1, 9),
    )
)
def test_more_followers_or_a_danger_never_weigh_less(what: Weighed) -> None:
    level, reasons = weigh(what, Terms())
    assert weigh(replace(what, followers=10**9), Terms())[0].rank >= level.rank
    worse = replace(what, cues=(*what.cues, Cue("safety", "fire")))
    assert weigh(worse, Terms())[0] is Priority.urgent
    assert len(set(reasons)) == len(reasons)
    assert raised(level).rank == min(level.rank + 1, 3)
