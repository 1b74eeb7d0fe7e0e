"""How much was heard, of a source and of a brand, with the edges; on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from earmark_core import heard
from earmark_core.clock import FixedClock
from earmark_core.heard import Covered
from earmark_core.model import SYSTEM
from earmark_core.store import Store
from earmark_core.tables import Brand, PollWindow, Source
from earmark_listeners.health import Sources

HOUR = timedelta(hours=1)


class Ledger:
    """Sources and their windows; hours are counted from ten hours ago, so that 10 is now."""

    def __init__(self, store: Store, now: datetime) -> None:
        self.store, self.now = store, now
        self.zero = now - 10 * HOUR
        with store.write() as session:
            session.add(Brand(id=1, name="Acme", created_at=self.zero))
            session.add(Brand(id=2, name="Other", created_at=self.zero))

    def source(self, number: int, brand_id: int = 1, since: float = -90, **more: Any) -> None:
        at = self.zero + since * HOUR
        told = {"interval_seconds": 60, "first_polled_at": at, "last_polled_at": self.now, **more}
        with self.store.write() as session:
            session.add(
                Source(id=number, brand_id=brand_id, channel="feed", name=str(number),
                       next_poll_at=self.now, created_at=at, **told)
            )  # fmt: skip

    def window(
        self, number: int, state: str, begin: float | None, end: float, note: str = ""
    ) -> None:
        at = self.zero + end * HOUR
        covers = None if begin is None else self.zero + begin * HOUR
        with self.store.write() as session:
            session.add(PollWindow(source_id=number, state=state, covers_from=covers,
                                   started_at=at, ended_at=at, note=note))  # fmt: skip

    def share(self, start: float = 0, end: float = 9, **which: int) -> float | None:
        span = (self.zero + start * HOUR, self.zero + end * HOUR)
        with self.store.read() as session:
            found = heard.covered(session, *span, now=self.now, **which).share
        return None if found is None else round(found, 6)

    def gaps(self, number: int = 1, start: float = 0, end: float = 9) -> list[tuple[Any, ...]]:
        span = (self.zero + start * HOUR, self.zero + end * HOUR)
        with self.store.read() as session:
            source = session.get_one(Source, number)
            found = heard.gaps_of(session, source, *span, now=self.now)
        return [
            ((gap.start - self.zero) / HOUR, (gap.end - self.zero) / HOUR, gap.reason)
            for gap in found
        ]


@pytest.fixture
def ledger(store: Store, clock: FixedClock) -> Ledger:
    return Ledger(store, clock())


def test_windows_that_overlap_count_once(ledger: Ledger) -> None:
    ledger.source(1)
    for begin, end in ((0, 3), (2, 5), (1, 4), (5, 6)):
        ledger.window(1, "complete", begin, end)
    assert ledger.share(source_id=1) == round(6 / 9, 6)
    assert ledger.gaps() == [(6, 9, "it was not polled")]


def test_a_gap_says_why_and_a_later_poll_or_backfill_heals_it(ledger: Ledger) -> None:
    ledger.source(1)
    ledger.window(1, "complete", 0, 2)
    ledger.window(1, "failed", None, 3, "The server answers 503.")
    ledger.window(1, "complete", 5, 9)
    assert ledger.gaps() == [(2, 5, "the poll failed: The server answers 503.")]
    ledger.window(1, "backfilled", 2, 4)
    assert ledger.gaps() == [(4, 5, "it was not polled")]
    ledger.window(1, "complete", 3, 9.5)  # ended behind the period and reaches into it
    assert ledger.gaps() == []
    assert ledger.share(source_id=1) == 1


@pytest.mark.parametrize(
    ("state", "begin", "why"),
    [
        ("truncated", 4, "more arrived than one poll may fetch"),
        ("rate_limited", None, "the source asked us to wait"),
        ("down", 2, "earmark ended during the poll"),
    ],
)
def test_each_cause_has_its_words(
    ledger: Ledger, state: str, begin: float | None, why: str
) -> None:
    ledger.source(1)
    ledger.window(1, "complete", 0, 2)
    ledger.window(1, state, begin, 4.5)
    ledger.window(1, "complete", 4.5 if state != "down" else 6, 9)
    [(start, _, reason)] = ledger.gaps()
    assert (start, reason) == (2, why)


def test_a_source_counts_from_its_first_poll(ledger: Ledger) -> None:
    ledger.source(1, since=6)
    ledger.window(1, "complete", 6, 9)
    assert ledger.share(source_id=1) == 1
    assert ledger.share(0, 5, source_id=1) is None
    ledger.window(1, "backfilled", 0, 2)  # more than was owed is no more than all
    assert ledger.share(source_id=1) == 1


def test_a_paused_source_counts_up_to_its_last_poll(ledger: Ledger) -> None:
    ledger.source(1, is_enabled=False, last_polled_at=ledger.zero + 4 * HOUR)
    ledger.window(1, "complete", 0, 3)
    assert ledger.share(source_id=1) == 0.75
    ledger.source(2, is_enabled=False, last_polled_at=None)
    assert ledger.share(source_id=2) is None


def test_what_came_since_the_last_poll_is_neither_heard_nor_missed(ledger: Ledger) -> None:
    ledger.source(1, interval_seconds=1800)
    ledger.window(1, "complete", 0, 9)
    assert ledger.share(0, 10, source_id=1) == 1
    ledger.source(2)
    ledger.window(2, "complete", 0, 5)
    assert ledger.share(0, 20, source_id=2) == pytest.approx(5 / (10 - 2 / 60), abs=1e-5)


def test_a_brand_is_the_hours_of_its_sources_and_no_others(ledger: Ledger) -> None:
    ledger.source(1)
    ledger.source(2, since=6)
    ledger.source(3, brand_id=2)
    ledger.window(1, "complete", 0, 9)
    assert ledger.share(brand_id=1) == 0.75
    assert ledger.share(brand_id=2) == 0
    assert ledger.share() == round(9 / 21, 6)
    assert ledger.share(brand_id=9) is None


def test_it_is_said_in_words_and_never_rounded_up() -> None:
    assert Covered(97.2, 100).words == "covers 97.2 % of source-hours"
    assert Covered(99.99, 100).words == "covers 99.9 % of source-hours"
    assert Covered(100, 100).words == "covers 100.0 % of source-hours"
    assert "no source was listened to" in Covered().words


def test_the_sources_page_asks_for_the_same(
    ledger: Ledger, store: Store, clock: FixedClock
) -> None:
    ledger.source(1)
    ledger.window(1, "complete", -500, 4)
    ledger.window(1, "complete", 6, 10)
    service = Sources(store, clock)
    [gap] = service.gaps(SYSTEM, 1)
    assert (gap.start, gap.end) == (ledger.zero + 4 * HOUR, ledger.zero + 6 * HOUR)
    [row] = service.rows(SYSTEM)
    assert row.coverage_24h == service.covered(SYSTEM, days=1, source_id=1).share
