"""How soon a source is polled again. Pure: figures in, moment out.

**While it is well** the interval follows the news: after an empty poll it grows by a half, after
news it is halved, and a burst of n items divides it by n, so that the next poll finds about one.
The last poll thus says how far apart items come, and no history has to be kept. Beside the other
known way (half the median gap between the last ten items, doubled by each empty poll), over seven
days of 400 runs: the mean minutes until an item is heard, and the polls
(`tests/unit/earmark_listeners/test_pace_simulated.py` plays both):

| source                                           | this way   | by the median gap |
| one item a day                                   | 156, 43    | 170, 34           |
| two a day, and three bursts of 100 in two hours  | 93, 143    | 94, 173           |
| one in ten minutes by day, nothing by night      | 15, 1,195  | 33, 787           |

The last ten gaps still tell of a burst when it is long over, and doubling loses the day's pace
within one quiet hour.

**While it does not answer** a circuit of three states decides, from the rows alone: see `Circuit`.
Trials keep to the source's own interval: what has an hour of trouble must not be unheard for a
second one. What answers but cannot be read waits longer and longer, up to a day: that is mended
by a person, and asking often mends nothing.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MAX_BACKOFF: Final = timedelta(hours=24)
RETRY_REFUSED: Final = timedelta(hours=6)
"""A refusal waits for a person, but a page gone for an hour must not end a source for good."""
OPENS_AFTER: Final = 3
"""Errors in a row: one or two are a hiccup."""
SHORT_TROUBLE: Final = timedelta(hours=2)
SHORT_TROUBLE_TRIALS: Final = timedelta(minutes=5)
"""How far trials may lie apart at least: the interval of most channels."""
LONG_TROUBLE_TRIALS: Final = timedelta(minutes=15)
"""The same in trouble of over two hours."""
GIVEN_UP_AFTER: Final = timedelta(days=7)
"""When a source that cannot be reached is given to a person."""
_JITTER: Final = 0.1


class Trouble(StrEnum):
    """What kind of trouble a poll ended in.

    `slower` means that fewer polls are wanted, `held` that the host was not even asked because it
    wants to be left alone, `down` that no useful answer came, `unreadable` that one came and could
    not be read, `missing` that nothing is at the address (it may come back), `gone` that nothing
    ever will be, `refused` that only a person can mend it.
    """

    none = ""
    slower = "slower"
    held = "held"
    down = "down"
    unreadable = "unreadable"
    missing = "missing"
    gone = "gone"
    refused = "refused"


class Circuit(StrEnum):
    """Whether a source that does not answer is asked.

    `closed`: it is, after at most two errors quickly again. `open`: it is not, until a trial is
    due. `trial`: it is, by one poll that ends at its first error; a success closes the circuit and
    the source's own pace holds again.
    """

    closed = "closed"
    open = "open"
    trial = "trial"


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits a source keeps, its present interval and its errors in a row.

    `wished` is the interval that a person set. `unheard` is how long ago the source was last
    heard; None means never.
    """

    interval: timedelta
    shortest: timedelta
    longest: timedelta
    errors: int = 0
    wished: timedelta = timedelta()
    unheard: timedelta | None = None


def circuit(errors: int, next_poll_at: datetime, now: datetime) -> Circuit:
    """Gives the state of a source's circuit, from its errors in a row and its next poll."""
    if errors < OPENS_AFTER:
        return Circuit.closed
    return Circuit.open if now < next_poll_at else Circuit.trial


def next_interval(pace: Pace, *, new_items: int) -> timedelta:
    """Gives the interval after a poll that went well, within the source's limits."""
    wanted = pace.interval / max(2, new_items) if new_items else pace.interval * 3 / 2
    return _within(pace, wanted)


def slowed(pace: Pace) -> timedelta:
    """Gives the interval after a source wanted fewer polls without a word of when."""
    return _within(pace, pace.interval * 2)


def wait_after(pace: Pace, trouble: Trouble) -> timedelta:
    """Gives the wait after a poll that failed; `pace.errors` counts this one too."""
    if trouble in (Trouble.refused, Trouble.gone):
        return RETRY_REFUSED
    if trouble in (Trouble.slower, Trouble.held):
        return slowed(pace)
    if trouble is Trouble.down:
        return min(back_off(pace), longest_trial(pace))
    return back_off(pace)


def back_off(pace: Pace) -> timedelta:
    """Gives the wait after the n-th error in a row: the shortest interval times 2ⁿ, up to a day."""
    doublings: int = 2 ** min(pace.errors, 20)
    return min(pace.shortest * doublings, MAX_BACKOFF)


def longest_trial(pace: Pace) -> timedelta:
    """Gives the longest wait between two trials, jitter included: the source's own interval.

    It is at least five minutes, or an eager source would never back off; a quarter of an hour once
    it has been unheard for two hours.
    """
    is_long = pace.unheard is None or pace.unheard >= SHORT_TROUBLE
    at_least = LONG_TROUBLE_TRIALS if is_long else SHORT_TROUBLE_TRIALS
    return max(pace.interval, pace.wished, at_least) / (1 + _JITTER)


def next_poll_at(
    now: datetime, wait: timedelta, rng: random.Random, *, not_before: datetime | None = None
) -> datetime:
    """Gives the moment of the next poll: *wait* ± 10 %, never before the source allows.

    The jitter is per source, or sources that were once polled together stay together.
    """
    due = now + wait * rng.uniform(1 - _JITTER, 1 + _JITTER)
    return due if not_before is None else max(due, not_before)


def _within(pace: Pace, wanted: timedelta) -> timedelta:
    return min(max(wanted, pace.shortest), pace.longest)
