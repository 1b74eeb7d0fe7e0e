"""The interval against another known way, played over a week: how late, and how many polls."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from statistics import mean, median
from typing import Protocol

import pytest

from earmark_listeners.pace import Pace, next_interval

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
WEEK = 7 * DAY
SHORTEST, LONGEST = MINUTE, 6 * HOUR
RUNS = 100


class Way(Protocol):
    def after(self, news: Sequence[float]) -> float:
        """Gives the seconds to the next poll, after one that found items of these moments."""
        ...


@dataclass
class Ours:
    pace: Pace = field(
        default_factory=lambda: Pace(*(timedelta(seconds=s) for s in (300, SHORTEST, LONGEST)))
    )

    def after(self, news: Sequence[float]) -> float:
        wait = next_interval(self.pace, new_items=len(news))
        self.pace = replace(self.pace, interval=wait)
        return wait.total_seconds()


@dataclass
class HalfTheMedianGap:
    """Half the median of the last ten gaps, doubled by an empty poll, halved by a burst."""

    interval: float = 300.0
    gaps: list[float] = field(default_factory=list)
    last: float | None = None

    def after(self, news: Sequence[float]) -> float:
        for moment in news:
            if self.last is not None:
                self.gaps = [*self.gaps, moment - self.last][-10:]
            self.last = moment
        wanted = self.interval * 2
        if news:
            wanted = median(self.gaps) / 2 if self.gaps else self.interval
            wanted = min(wanted, self.interval / 2) if len(news) >= 3 else wanted
        self.interval = min(max(wanted, SHORTEST), LONGEST)
        return self.interval


def said(rng: random.Random, rate: float, start: float = 0.0, end: float = WEEK) -> Iterator[float]:
    at = start + rng.expovariate(rate)
    while at < end:
        yield at
        at += rng.expovariate(rate)


def quiet(rng: random.Random) -> list[float]:
    return list(said(rng, 1 / DAY))


def bursty(rng: random.Random) -> list[float]:
    bursts = [day * DAY + rng.uniform(0, DAY) for day in (1, 3, 5)]
    storms = [list(said(rng, 100 / (2 * HOUR), at, at + 2 * HOUR)) for at in bursts]
    return sorted([*said(rng, 2 / DAY), *(moment for storm in storms for moment in storm)])


def by_day(rng: random.Random) -> list[float]:
    return [at for at in said(rng, 1 / (10 * MINUTE)) if 6 * HOUR <= at % DAY < 22 * HOUR]


def played(way: Callable[[], Way], source: Callable[[random.Random], list[float]]):
    """Gives the mean minutes until an item is heard, and the mean number of polls in a week."""
    delays: list[float] = []
    polls = 0
    for seed in range(RUNS):
        rng, now = random.Random(seed), 0.0
        items, one = source(rng), way()
        heard = 0
        while now < WEEK:
            until = heard
            while until < len(items) and items[until] <= now:
                until += 1
            news, heard = items[heard:until], until
            delays += [now - moment for moment in news]
            now += one.after(news) * rng.uniform(0.9, 1.1)
            polls += 1
    return mean(delays) / MINUTE, polls / RUNS


@pytest.mark.parametrize(
    ("source", "latest", "most"),
    [(quiet, 185, 46), (bursty, 120, 160), (by_day, 18, 1_300)],
    ids=["quiet", "bursty", "by day"],
)
def test_a_week_is_heard_in_time_and_with_few_polls(source, latest, most):
    late, polls = played(Ours, source)
    assert late < latest
    assert polls < most


@pytest.mark.parametrize(
    ("source", "delay", "polls"),
    [(quiet, 1.0, 1.3), (bursty, 1.05, 0.85), (by_day, 0.6, 1.6)],
    ids=["quiet", "bursty", "by day"],
)
def test_it_is_no_later_than_the_median_gap_and_polls_where_something_is_said(source, delay, polls):
    """The shares of the other way's figures that `pace` tells of, with a margin."""
    ours, theirs = played(Ours, source), played(HalfTheMedianGap, source)
    assert ours[0] < delay * theirs[0]
    assert ours[1] < polls * theirs[1]


def test_a_burst_is_followed_at_once():
    """A hundred items within ten minutes after two days of silence: the poll after the first."""
    way = Ours()
    for _ in range(20):
        way.after(())
    assert way.pace.interval == timedelta(seconds=LONGEST)
    assert way.after(tuple(map(float, range(100)))) < 4 * MINUTE
