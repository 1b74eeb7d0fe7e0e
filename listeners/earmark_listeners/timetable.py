"""What a poll makes of its source's timetable: how it went, and when the next one is. No I/O."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from earmark_listeners.pace import (
    RETRY_REFUSED,
    Pace,
    Trouble,
    next_interval,
    next_poll_at,
    slowed,
    wait_after,
)
from earmark_listeners.polling import Outcome

LONGEST_WAIT_ASKED: Final = timedelta(hours=6)
_NOT_ITS_FAULT: Final = frozenset((Trouble.slower, Trouble.held))


@dataclass(slots=True)
class Timetable:
    """What of a source's row a poll reads and writes at its end; named as in the row."""

    id: int
    interval_seconds: int
    min_interval_seconds: int
    max_interval_seconds: int
    pace_seconds: int
    next_poll_at: datetime
    not_before: datetime | None
    lease_until: datetime | None
    lease_token: str
    first_polled_at: datetime | None
    last_polled_at: datetime | None
    last_success_at: datetime | None
    error_streak: int
    error: str
    error_hint: str
    needs_person: bool
    moved_to: str
    moved_polls: int


def remember(source: Timetable, outcome: Outcome, now: datetime) -> None:
    """Writes down how a poll went; it gives the lease back."""
    source.lease_until = None
    source.lease_token = ""
    source.last_polled_at = now
    source.error = outcome.error
    source.error_hint = outcome.hint
    source.needs_person = outcome.needs_person
    if outcome.went_well:
        source.error_streak = 0
        source.last_success_at = now
    elif trouble_of(outcome) not in _NOT_ITS_FAULT:
        source.error_streak += 1


def plan(source: Timetable, outcome: Outcome, now: datetime, rng: random.Random) -> None:
    """Sets when the next poll is; comes after `remember`."""
    asked, pace = outcome.next_poll_after, _pace(source, now)
    if outcome.went_well:
        # What a first poll finds is history, and tells nothing of the pace.
        news = outcome.new_items if source.first_polled_at else min(outcome.new_items, 1)
        wait = next_interval(pace, new_items=news)
        _keep_pace(source, wait)
        source.first_polled_at = source.first_polled_at or now
        source.not_before = None
        if outcome.polls_soon:  # its pace stays: this tells nothing of how much is said
            wait = min(wait, pace.shortest)
        if asked is not None:  # a wish of a source that is well: heeded up to its longest interval
            wait = max(wait, min(asked, pace.longest))
    else:
        wait = _wait(source, outcome, pace)
        # A wait that was asked for is obeyed to the letter, restart or not.
        source.not_before = now + min(asked, LONGEST_WAIT_ASKED) if asked else None
    source.next_poll_at = next_poll_at(now, wait, rng, not_before=source.not_before)


def trouble_of(outcome: Outcome) -> Trouble:
    """Gives what kind of trouble a poll ended in, where whoever made the outcome named none."""
    if outcome.trouble or not outcome.error:
        return outcome.trouble
    return Trouble.refused if outcome.needs_person else Trouble.unreadable


def _wait(source: Timetable, outcome: Outcome, pace: Pace) -> timedelta:
    trouble = trouble_of(outcome)
    if source.needs_person:
        return RETRY_REFUSED
    if trouble not in _NOT_ITS_FAULT:
        return wait_after(pace, trouble)
    if trouble is Trouble.slower:
        _keep_pace(source, slowed(pace))
    return pace.shortest if outcome.next_poll_after else slowed(pace)


def _keep_pace(source: Timetable, interval: timedelta) -> None:
    source.pace_seconds = max(1, round(interval.total_seconds()))


def _pace(source: Timetable, now: datetime) -> Pace:
    heard = source.last_success_at
    return Pace(
        interval=timedelta(seconds=source.pace_seconds or source.interval_seconds),
        shortest=timedelta(seconds=source.min_interval_seconds),
        longest=timedelta(seconds=source.max_interval_seconds),
        errors=source.error_streak,
        wished=timedelta(seconds=source.interval_seconds),
        unheard=None if heard is None else now - heard,
    )
