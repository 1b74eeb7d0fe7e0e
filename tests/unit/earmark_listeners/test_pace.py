"""How soon a source is polled again."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from earmark_listeners.pace import MAX_BACKOFF, Pace, back_off, next_interval, next_poll_at

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
paces = st.builds(
    Pace,
    interval=st.timedeltas(MINUTE, 6 * HOUR),
    shortest=st.just(MINUTE),
    longest=st.just(6 * HOUR),
    errors=st.integers(0, 1000),
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
