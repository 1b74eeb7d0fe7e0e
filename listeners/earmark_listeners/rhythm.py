"""A source's own rhythm: whether its silence is unusual for it. Pure.

Each hour of the week has a rate: in which share of the weeks looked at did that hour bring
something. A stretch of time is measured by the hours in it that should have brought something,
so that a night or a weekend, when nothing ever comes, does not count as silence. A silence is
unusual when it holds far more of them than the silences the source had before.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
LOOK_BACK = timedelta(days=28)
AT_LEAST = timedelta(hours=6)
"""A shorter silence is never told of."""
_FEWEST = 10
_SHORTEST_HISTORY = timedelta(days=2)
_BY_THE_HOUR_FROM = timedelta(days=14)
_USUAL = 0.98
_FACTOR = 2.5


@dataclass(frozen=True, slots=True)
class Silence:
    """An unusual silence: how long it lasts, and how many hours of it should not have been so."""

    lasts: timedelta
    expected_hours: float


def unusual_silence(
    arrivals: Iterable[datetime], since: datetime, until: datetime
) -> Silence | None:
    """Tells whether nothing since the last of *arrivals* is unusual, None where it is not.

    *since* is when the source was first listened to, *until* when it was last heard: what came
    later is not known. Nothing is said of a source with fewer than ten hours that brought
    something within four weeks, or of one listened to for less than two days: there is no rhythm.
    """
    begin = max(since, until - LOOK_BACK)
    active = sorted({_floor(moment) for moment in arrivals if begin <= moment <= until})
    if not active or until - active[-1] < AT_LEAST:
        return None
    watched = active[-1] + HOUR - _floor(begin)
    if len(active) < _FEWEST or watched < _SHORTEST_HISTORY:
        return None
    rates = _rates(active, watched)
    gaps = sorted(_expected(rates, earlier, later) for earlier, later in pairwise(active))
    usual = gaps[ceil(_USUAL * len(gaps)) - 1]
    now = _expected(rates, active[-1], until)
    if now <= max(1.0, usual) * _FACTOR:
        return None
    return Silence(until - active[-1], now)


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _slot(moment: datetime) -> int:
    return moment.weekday() * 24 + moment.hour


def _rates(active: Sequence[datetime], watched: timedelta) -> Sequence[float]:
    """Gives for each hour of the week how often it brings something, 0 to 1.

    Under two weeks no hour of the week was seen twice: then all hours have the same rate.
    """
    if watched < _BY_THE_HOUR_FROM:
        return [len(active) / (watched / HOUR)] * 168
    counts = Counter(_slot(hour) for hour in active)
    weeks = watched / WEEK
    return [min(1.0, counts[slot] / weeks) for slot in range(168)]


def _expected(rates: Sequence[float], after: datetime, until: datetime) -> float:
    """Gives how many of the whole hours behind that of *after* should have brought something."""
    hours = max(0, int((until - _floor(after)) / HOUR) - 1)
    first = _slot(after) + 1
    weeks, rest = divmod(hours, 168)
    return weeks * sum(rates) + sum(rates[(first + n) % 168] for n in range(rest))
