"""How soon a source is polled again."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from earmark_listeners.pace import (
    LONG_TROUBLE_TRIALS,
    MAX_BACKOFF,
    OPENS_AFTER,
    RETRY_REFUSED,
    SHORT_TROUBLE,
    SHORT_TROUBLE_TRIALS,
    Circuit,
    Pace,
    Trouble,
    back_off,
    circuit,
    next_interval,
    next_poll_at,
    wait_after,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
paces = st.builds(
    Pace,
    interval=st.timedeltas(MINUTE, 6 * HOUR),
    shortest=st.just(MINUTE),
    longest=st.just(6 * HOUR),
    errors=st.integers(0, 1000),
    wished=st.timedeltas(MINUTE, 6 * HOUR),
    unheard=st.none() | st.timedeltas(timedelta(0), 30 * 24 * HOUR),
)


@given(paces, st.integers(0, 500))
def test_the_interval_keeps_its_limits_and_follows_the_news(pace: Pace, new_items: int) -> None:
    interval = next_interval(pace, new_items=new_items)
    assert pace.shortest <= interval <= pace.longest
    assert (interval <= pace.interval) if new_items else (interval >= pace.interval)


def test_a_quiet_source_is_drawn_out_to_its_longest_and_comes_back_on_news() -> None:
    pace = Pace(5 * MINUTE, MINUTE, HOUR)
    for _ in range(20):
        pace = Pace(next_interval(pace, new_items=0), MINUTE, HOUR)
    assert pace.interval == HOUR
    for _ in range(20):
        pace = Pace(next_interval(pace, new_items=3), MINUTE, HOUR)
    assert pace.interval == MINUTE


@given(paces, st.integers(2, 500))
def test_a_burst_shortens_the_interval_by_its_size(pace: Pace, new_items: int) -> None:
    interval = next_interval(pace, new_items=new_items)
    assert interval == max(pace.interval / new_items, pace.shortest)


@given(paces, st.integers())
def test_trials_of_what_does_not_answer_keep_to_its_own_interval(pace: Pace, seed: int) -> None:
    wait = wait_after(pace, Trouble.down)
    assert wait <= back_off(pace)
    due = next_poll_at(NOW, wait, random.Random(seed))
    is_short = pace.unheard is not None and pace.unheard < SHORT_TROUBLE
    at_least = SHORT_TROUBLE_TRIALS if is_short else LONG_TROUBLE_TRIALS
    assert due <= NOW + max(pace.interval, pace.wished, at_least) + timedelta(microseconds=2)


def test_trials_come_ever_later_until_then() -> None:
    waits = [wait_after(Pace(HOUR, MINUTE, 6 * HOUR, n), Trouble.down) for n in range(1, 7)]
    assert waits[:5] == [2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 16 * MINUTE, 32 * MINUTE]
    assert waits[5] == HOUR / 1.1


@given(paces)
def test_what_a_person_must_mend_is_not_asked_often(pace: Pace) -> None:
    assert wait_after(pace, Trouble.unreadable) == wait_after(pace, Trouble.missing)
    assert wait_after(pace, Trouble.unreadable) == back_off(pace)
    assert wait_after(pace, Trouble.refused) == wait_after(pace, Trouble.gone) == RETRY_REFUSED


@given(paces)
def test_who_wants_fewer_polls_gets_fewer(pace: Pace) -> None:
    wait = wait_after(pace, Trouble.slower)
    assert wait == min(2 * pace.interval, pace.longest)


@given(st.integers(0, 100), st.timedeltas(-HOUR, HOUR))
def test_a_circuit_opens_after_some_errors_and_is_tried_when_due(
    errors: int, until: timedelta
) -> None:
    state = circuit(errors, NOW + until, NOW)
    assert (state is Circuit.closed) == (errors < OPENS_AFTER)
    if errors >= OPENS_AFTER:
        assert state is (Circuit.open if until > timedelta(0) else Circuit.trial)


@given(paces)
def test_errors_wait_longer_and_longer_up_to_a_day(pace: Pace) -> None:
    more = Pace(pace.interval, pace.shortest, pace.longest, pace.errors + 1)
    assert back_off(pace) <= back_off(more) <= MAX_BACKOFF


@given(st.integers(), st.timedeltas(MINUTE, HOUR), st.timedeltas(timedelta(0), 9 * HOUR))
def test_jitter_is_a_tenth_and_never_before_what_the_source_allows(
    seed: int, wait: timedelta, until: timedelta
) -> None:
    rng = random.Random(seed)
    due = next_poll_at(NOW, wait, rng)
    assert NOW + wait * 0.9 <= due <= NOW + wait * 1.1
    assert next_poll_at(NOW, wait, rng, not_before=NOW + until) >= NOW + until


def test_sources_polled_together_do_not_stay_together() -> None:
    rng = random.Random(3)
    assert len({next_poll_at(NOW, HOUR, rng) for _ in range(50)}) == 50
