"""How a source is, read from its rows and its ledger, on both databases."""

from datetime import timedelta

import pytest

from earmark_core.clock import FixedClock
from earmark_core.model import SYSTEM, WindowState
from earmark_core.store import Store
from earmark_core.tables import Brand, PollWindow, Source
from earmark_listeners.health import SourceRow, Sources

HOUR = timedelta(hours=1)


@pytest.fixture
def hourly(store: Store, clock: FixedClock) -> int:
    """A source that brought something each hour for three weeks, up to now."""
    now = clock()
    began = now - 21 * 24 * HOUR
    with store.write() as session:
        brand = Brand(name="Acme", created_at=began)
        session.add(brand)
        session.flush()
        source = Source(
            brand_id=brand.id, channel="feed", name="news", next_poll_at=now, created_at=began,
            first_polled_at=began, last_polled_at=now, last_success_at=now, last_item_at=now,
        )  # fmt: skip
        session.add(source)
        session.flush()
        for n in range(21 * 24):
            at = began + (n + 1) * HOUR
            session.add(
                PollWindow(source_id=source.id, state=WindowState.complete, covers_from=at - HOUR,
                           started_at=at, ended_at=at, items=3, new_items=1)
            )  # fmt: skip
        return int(source.id or 0)


def seen(store: Store, clock: FixedClock, source_id: int) -> SourceRow:
    return next(row for row in Sources(store, clock).rows(SYSTEM) if row.id == source_id)


def poll_finds_nothing(store: Store, clock: FixedClock, source_id: int) -> None:
    with store.write() as session:
        source = session.get_one(Source, source_id)
        source.last_polled_at = source.last_success_at = clock()


def test_a_source_that_goes_quiet_against_its_habit_is_silent(
    store: Store, clock: FixedClock, hourly: int
) -> None:
    clock.forward(5 * HOUR)
    poll_finds_nothing(store, clock, hourly)
    assert seen(store, clock, hourly).state == "healthy"
    clock.forward(4 * HOUR)
    poll_finds_nothing(store, clock, hourly)
    row = seen(store, clock, hourly)
    assert (row.state, row.words[:21]) == ("silent", "Nothing new for 9 h; ")
    assert "check the query" in row.hint


def test_time_in_which_nobody_listened_is_no_silence_of_the_source(
    store: Store, clock: FixedClock, hourly: int
) -> None:
    clock.forward(48 * HOUR)  # the worker was off: the last good poll found something
    assert seen(store, clock, hourly).state != "silent"
