"""What was heard of a brand or a source in a period, and what was not: one answer for all pages.

Hours are source-hours: two sources listened to for an hour are two. A source counts from its first
poll on; a paused one up to its last poll; what came since the last poll of one that is polled is
neither heard nor missed, until two of its intervals have passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from earmark_core import coverage
from earmark_core.model import WindowState
from earmark_core.tables import PollWindow, Source

_HOUR = timedelta(hours=1)
_LOT = 500
_COLUMNS: tuple[Any, ...] = (
    PollWindow.source_id, PollWindow.state, PollWindow.covers_from, PollWindow.ended_at,
    PollWindow.new_items, PollWindow.note,
)  # fmt: skip
_SCHEDULE: tuple[Any, ...] = (
    Source.id, Source.first_polled_at, Source.created_at, Source.is_enabled,
    Source.last_polled_at, Source.pace_seconds, Source.interval_seconds,
)  # fmt: skip
_WHY = {
    WindowState.truncated: "more arrived than one poll may fetch",
    WindowState.rate_limited: "the source asked us to wait",
    WindowState.failed: "the poll failed",
    WindowState.down: "earmark ended during the poll",
}


@dataclass(frozen=True, slots=True)
class Covered:
    """How many of a period's source-hours were heard."""

    heard_hours: float = 0.0
    hours: float = 0.0

    @property
    def share(self) -> float | None:
        """Gives the share that was heard, 0 to 1; None where there was nothing to hear."""
        return min(1.0, self.heard_hours / self.hours) if self.hours else None

    @property
    def words(self) -> str:
        """Says it, such as "covers 97.2 % of source-hours"; never rounded up to 100 %."""
        if self.share is None:
            return "covers nothing: no source was listened to"
        tenths = int(self.share * 1000 + 1e-6) / 10
        return f"covers {tenths:.1f} % of source-hours"


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time in which a source was not heard, and why, in words."""

    start: datetime
    end: datetime
    reason: str


def covered(
    session: Session,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    brand_id: int | None = None,
    source_id: int | None = None,
) -> Covered:
    """Gives what was heard from *start* to *end* of a brand, of a source, or of all there is."""
    query = sa.select(*(col(column) for column in _SCHEDULE)).order_by(col(Source.id))
    if brand_id is not None:
        query = query.where(col(Source.brand_id) == brand_id)
    if source_id is not None:
        query = query.where(col(Source.id) == source_id)
    sources = session.execute(query).all()
    heard = whole = 0.0
    for at in range(0, len(sources), _LOT):
        lot = sources[at : at + _LOT]
        windows = windows_of(session, [source.id for source in lot], start)
        for source in lot:
            found = covered_of(source, windows.get(source.id, ()), start, end, now=now)
            heard, whole = heard + found.heard_hours, whole + found.hours
    return Covered(heard, whole)


def covered_of(
    source: Any, windows: Sequence[Any], start: datetime, end: datetime, *, now: datetime
) -> Covered:
    """Gives what was heard of a source by its *windows* that ended since *start*."""
    begin, finish = span(source, start, end, now)
    if begin >= finish:
        return Covered()
    hours = (finish - begin) / _HOUR
    missed = sum((b - a) / _HOUR for a, b in _open(windows, begin, finish))
    return Covered(max(0.0, hours - missed), hours)


def windows_of(
    session: Session, source_ids: Sequence[int], since: datetime
) -> dict[int, list[Any]]:
    """Gives the windows of some sources that ended since then, the oldest first.

    One question for many sources: one for each would take half a minute for 100,000.
    """
    query = (
        sa.select(*(col(column) for column in _COLUMNS))
        .where(col(PollWindow.source_id).in_(source_ids), col(PollWindow.ended_at) >= since)
        .order_by(col(PollWindow.source_id), col(PollWindow.ended_at))
    )
    found: dict[int, list[Any]] = {}
    for row in session.execute(query):
        found.setdefault(row.source_id, []).append(row)
    return found


def gaps_of(
    session: Session, source: Source, start: datetime, end: datetime, *, now: datetime
) -> tuple[Gap, ...]:
    """Gives the gaps of a source, oldest first; one that a later poll or backfill heals is gone."""
    begin, finish = span(source, start, end, now)
    if begin >= finish:
        return ()
    windows = windows_of(session, [source.id or 0], begin).get(source.id or 0, [])
    return tuple(Gap(a, b, _reason(windows, a, b)) for a, b in _open(windows, begin, finish))


def span(source: Any, start: datetime, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Gives the part of the period in which the source was there to be heard; may be empty."""
    begin = max(start, source.first_polled_at or source.created_at)
    if not source.is_enabled:
        return begin, min(end, source.last_polled_at or begin)
    grace = timedelta(seconds=2 * (source.pace_seconds or source.interval_seconds))
    return begin, min(end, now - grace)


def _open(
    windows: Sequence[Any], begin: datetime, finish: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    heard = (coverage.Heard(w.state, w.covers_from, w.ended_at) for w in windows)
    return coverage.gaps(heard, begin, finish)


def _reason(windows: Sequence[Any], start: datetime, end: datetime) -> str:
    """Says why: what ended in the gap, or the poll that did not reach back over it."""
    for window in windows:
        state = WindowState(window.state)
        if state in _WHY and (start <= window.ended_at <= end or window.covers_from == end):
            note = f": {window.note}" if window.note else ""
            return f"{_WHY[state]}{note}"
    return "it was not polled"
