"""When a source is polled next."""

import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from earmark_listeners.polling import Outcome
from earmark_listeners.timetable import plan

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def planned(outcome: Outcome) -> Any:
    source = SimpleNamespace(
        error_streak=0, pace_seconds=3_600, interval_seconds=300, min_interval_seconds=30,
        max_interval_seconds=21_600, last_success_at=NOW, first_polled_at=NOW, not_before=None,
        next_poll_at=NOW, needs_person=False,
    )  # fmt: skip
    plan(source, outcome, NOW, random.Random(7))
    return source


def test_where_more_is_waiting_the_next_poll_comes_soon_and_the_pace_stays():
    cut_off, whole = planned(Outcome(polls_soon=True)), planned(Outcome())
    assert cut_off.next_poll_at - NOW < timedelta(seconds=60)
    assert whole.next_poll_at - NOW > timedelta(minutes=60)
    assert cut_off.pace_seconds == whole.pace_seconds


def test_a_wish_to_wait_goes_before_what_is_waiting():
    asked = planned(Outcome(polls_soon=True, next_poll_after=timedelta(minutes=20)))
    assert asked.next_poll_at - NOW > timedelta(minutes=15)  # the wish less its jitter
