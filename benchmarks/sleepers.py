"""A database of many sources that all have been polled: most of them asleep, or falling due.

Eight in ten are feeds, one in ten is a Mastodon hashtag and one in ten a search on Hacker News.
Each has the ledger of a week: one window that brought something, one quiet stretch up to now.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from benchmarks import databases
from earmark_core.clock import FixedClock
from earmark_core.store import Store
from earmark_core.tables import PollWindow, Source
from earmark_core.tables.columns import table_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PER_SECOND = 110
_LOT = 5_000
_OPTIONS: dict[str, dict[str, str]] = {
    "feed": {"url": "https://feed.example/{}"},
    "mastodon": {"base_url": "https://social.example", "kind": "hashtag", "tag": "t{}"},
    "hackernews": {"query": "brand {}"},
}


def fill(store: Store, count: int) -> float:
    """Fills an empty store with sources of which none is due; gives the seconds it took."""
    began = time.perf_counter()
    databases.people_and_brands(store, FixedClock(NOW))
    for start in range(1, count + 1, _LOT):
        numbers = range(start, min(start + _LOT, count + 1))
        with store.write() as session:
            connection = session.connection()
            connection.execute(sa.insert(table_of(Source)), [_source(each) for each in numbers])
            connection.execute(
                sa.insert(table_of(PollWindow)), [row for each in numbers for row in _ledger(each)]
            )
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if store.dialect == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")
    return time.perf_counter() - began


def fall_due(store: Store, now: datetime, count: int) -> None:
    """Makes all of them due, one after the other, up to now."""
    source = table_of(Source)
    with store.write() as session:
        session.execute(
            sa.update(source).where(source.c.id == sa.bindparam("row")),
            [{"row": n, "next_poll_at": now - timedelta(seconds=(count - n) / PER_SECOND)}
             for n in range(1, count + 1)],
        )  # fmt: skip


def _source(number: int) -> dict[str, Any]:
    channel = {8: "mastodon", 9: "hackernews"}.get(number % 10, "feed")
    options = {key: text.format(number) for key, text in _OPTIONS[channel].items()}
    last = NOW - timedelta(seconds=number % 900)
    return {
        "id": number, "brand_id": 1 + number % 3, "channel": channel, "name": f"source {number}",
        "options": options, "include": "", "exclude": "", "takes_all": True, "is_enabled": True,
        "is_demo": False, "interval_seconds": 900, "pace_seconds": 900 + number % 2_700,
        "min_interval_seconds": 60, "max_interval_seconds": 21_600, "moved_to": "",
        "moved_polls": 0, "cursor": None,
        "next_poll_at": NOW + timedelta(hours=2, seconds=number % 900),
        "not_before": None, "lease_until": None, "lease_token": "",
        "first_polled_at": NOW - timedelta(days=30), "last_polled_at": last,
        "last_success_at": last, "last_item_at": NOW - timedelta(days=1), "error_streak": 0,
        "error": "", "error_hint": "", "needs_person": False,
        "created_at": NOW - timedelta(days=30),
    }  # fmt: skip


def _ledger(number: int) -> Iterator[dict[str, Any]]:
    first, middle = NOW - timedelta(days=8), NOW - timedelta(days=1)
    for start, end, new in ((first, middle, 3), (middle, NOW - timedelta(seconds=number % 900), 0)):
        yield {
            "source_id": number, "state": "complete", "covers_from": start, "started_at": start,
            "ended_at": end, "pages": 1, "items": new, "new_items": new, "bad_items": 0, "note": "",
        }  # fmt: skip
