"""For how long something is kept, and from which moment on it is due: pure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from earmark_config.settings import Retention
from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError
from earmark_core.model import SYSTEM
from earmark_core.store import Store
from earmark_core.tables import AuditEntry, Brand, Source
from earmark_listeners.retention import Keeping, due_until, kept_days

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAYS = st.integers(0, 36_500)


@pytest.mark.parametrize(
    ("wished", "house", "longest", "holds"),
    [
        (None, 0, None, None),
        (None, 90, None, 90),
        (0, 90, None, None),
        (10, 90, None, 10),
        (400, 90, None, 400),
        (None, 0, 30, 30),
        (0, 90, 30, 30),
        (400, 90, 30, 30),
        (10, 0, 30, 10),
    ],
)
def test_the_sources_own_time_then_the_houses_and_never_beyond_the_platforms(
    wished: int | None, house: int, longest: int | None, holds: int | None
) -> None:
    assert kept_days(wished, house, longest) == holds


@given(st.none() | DAYS, DAYS, st.none() | st.integers(1, 400))
def test_no_wish_outlasts_the_platforms_terms(
    wished: int | None, house: int, longest: int | None
) -> None:
    days = kept_days(wished, house, longest)
    assert days is None or days > 0
    if longest is not None:
        assert days is not None
        assert days <= longest


@given(st.integers(1, 36_500), st.timedeltas(timedelta(-40_000), timedelta(40_000)))
def test_due_is_what_was_seen_that_long_ago_to_the_moment(days: int, age: timedelta) -> None:
    until = due_until(days, NOW)
    assert until is not None
    assert (NOW - age <= until) is (age >= timedelta(days=days))


def test_what_is_kept_for_ever_is_never_due() -> None:
    assert due_until(None, NOW) is None


@pytest.fixture
def keeping(store: Store, clock: FixedClock) -> Keeping:
    with store.write() as session:
        session.add(Brand(id=1, name="Kettle", created_at=clock()))
        session.flush()
        for number, channel in ((1, "feed"), (2, "youtube")):
            session.add(Source(id=number, brand_id=1, channel=channel, name=channel,
                               next_poll_at=clock(), created_at=clock()))  # fmt: skip
    return Keeping(store, clock, Retention(mentions_days=0, raw_days=90))


def test_what_holds_is_said_in_words(keeping: Keeping) -> None:
    feed, youtube = keeping.rows(SYSTEM)
    assert feed.words == "Mentions are kept for ever, raw payloads for 90 days."
    assert youtube.words == (
        "Mentions are kept for 30 days, raw payloads for 30 days; "
        "the terms of youtube allow 30 days."
    )


def test_a_change_is_told_in_the_audit_trail_once(keeping: Keeping, store: Store) -> None:
    assert keeping.change(SYSTEM, 1, 1, 0).words == (
        "Mentions are kept for 1 day, raw payloads for ever."
    )
    keeping.change(SYSTEM, 1, 1, 0)
    with store.read() as session:
        [entry] = session.exec(select(AuditEntry)).all()
    assert entry.after == {"retention_days": 1, "raw_days": 0}
    assert keeping.of(SYSTEM, 1).retention_days == 1


@pytest.mark.parametrize("days", [-1, 36_501])
def test_days_out_of_reach_and_sources_that_are_not_there_are_refused(
    keeping: Keeping, days: int
) -> None:
    for source_id, wished in ((1, days), (9, 1)):
        with pytest.raises(ConfigError):
            keeping.change(SYSTEM, source_id, wished, None)
    assert keeping.of(SYSTEM, 1).retention_days is None
