"""How soon a source is polled again. Pure: figures in, moment out."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_BACKOFF = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits a source keeps, its present interval and its errors in a row."""

    interval: timedelta
    shortest: timedelta
    longest: timedelta
    errors: int = 0


def next_interval(pace: Pace, *, new_items: int) -> timedelta:
    """Gives the interval after a poll that went well: halved on news, drawn out on silence.

    An empty poll draws it out by a half, not to the double: a busy hour is heard soon again.
    """
    wanted = pace.interval / 2 if new_items else pace.interval * 3 / 2
    return min(max(wanted, pace.shortest), pace.longest)


def back_off(pace: Pace) -> timedelta:
    """Gives the wait after the n-th error in a row: the shortest interval times 2ⁿ, up to a day."""
    doublings: int = 2 ** min(pace.errors, 20)
    return min(pace.shortest * doublings, MAX_BACKOFF)


def next_poll_at(
    now: datetime, wait: timedelta, rng: random.Random, *, not_before: datetime | None = None
) -> datetime:
    """Gives the moment of the next poll: *wait* ± 10 %, never before the source allows.

    The jitter is per source, or sources that were once polled together stay together.
    """
    due = now + wait * rng.uniform(0.9, 1.1)
    return due if not_before is None else max(due, not_before)
