"""Whether a silence is unusual, by the source's own rhythm."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_listeners.rhythm import unusual_silence

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def hours(days: int, speaks: Callable[[datetime], bool]) -> list[datetime]:
    """The moments, one an hour at most, at which a source of that habit said something."""
    moments = [MONDAY + n * HOUR for n in range(days * 24)]
    return [moment + HOUR / 3 for moment in moments if speaks(moment)]


def at_work(moment: datetime) -> bool:
    return moment.weekday() < 5 and 8 <= moment.hour < 18


def test_a_source_that_speaks_each_hour_is_silent_after_a_quarter_of_a_day() -> None:
    said = hours(21, lambda _: True)
    assert unusual_silence(said, MONDAY, said[-1] + 5 * HOUR) is None
    found = unusual_silence(said, MONDAY, said[-1] + 8 * HOUR)
    assert found is not None
    assert found.expected_hours == pytest.approx(7)


def test_a_weekend_is_no_silence_for_a_source_that_works_in_the_week() -> None:
    said = hours(26, at_work)  # up to Friday evening
    assert unusual_silence(said, MONDAY, MONDAY + 28 * DAY + 9 * HOUR) is None
    found = unusual_silence(said, MONDAY, MONDAY + 28 * DAY + 13 * HOUR)
    assert found is not None
    assert 2.5 < found.expected_hours < 6


def test_a_source_that_speaks_once_a_day_is_given_days() -> None:
    said = hours(27, lambda moment: moment.hour == 9)
    assert unusual_silence(said, MONDAY, said[-1] + 40 * HOUR) is None
    assert unusual_silence(said, MONDAY, said[-1] + 4 * DAY) is not None


@pytest.mark.parametrize("every", [72, 100, 167])
def test_a_source_that_is_always_quiet_never_alarms(every: int) -> None:
    said = hours(28, lambda moment: int((moment - MONDAY) / HOUR) % every == 0)
    for late in range(0, 600, 12):
        assert unusual_silence(said, MONDAY, said[-1] + late * HOUR) is None


def test_nothing_is_said_without_a_rhythm() -> None:
    assert unusual_silence([], MONDAY, MONDAY + 90 * DAY) is None
    young = hours(1, lambda _: True)
    assert unusual_silence(young, MONDAY, young[-1] + 20 * HOUR) is None


def test_a_young_source_is_measured_by_all_its_hours() -> None:
    said = hours(4, lambda _: True)
    assert unusual_silence(said, MONDAY, said[-1] + 10 * HOUR) is not None


@pytest.mark.parametrize("seed", range(5))
def test_chance_alone_hardly_ever_alarms(seed: int) -> None:
    rng = random.Random(seed)
    said = hours(120, lambda _: rng.random() < 0.2)
    alarms = 0
    for earlier, later in pairwise(said):
        if later > MONDAY + 30 * DAY:
            before = [moment for moment in said if moment <= earlier]
            alarms += unusual_silence(before, MONDAY, later) is not None
    assert alarms <= 1  # of about 430 pauses


@given(st.lists(st.integers(0, 60_000), max_size=60), st.integers(0, 90_000))
def test_any_history_can_be_read_and_a_longer_silence_stays_one(
    minutes: list[int], until: int
) -> None:
    said = [MONDAY + timedelta(minutes=n) for n in minutes]
    found = unusual_silence(said, MONDAY, MONDAY + timedelta(minutes=until))
    if found is not None:
        assert found.lasts >= 6 * HOUR
        assert len(said) >= 10
