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
from sqlmodel import Session, col, select

from earmark_core import coverage
from earmark_core.model import WindowState
from earmark_core.tables import PollWindow, Source

_HOUR = timedelta(hours=1)
_COLUMNS: tuple[Any, ...] = (
    PollWindow.state, PollWindow.covers_from, PollWindow.ended_at, PollWindow.note,
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
    query = select(Source)
    if brand_id is not None:
        query = query.where(col(Source.brand_id) == brand_id)
    if source_id is not None:
        query = query.where(col(Source.id) == source_id)
    heard = whole = 0.0
    for source in session.exec(query):
        begin, finish = span(source, start, end, now)
        if begin < finish:
            missed = _open(_windows(session, source, begin), begin, finish)
            hours = (finish - begin) / _HOUR
            whole += hours
            heard += hours - sum((b - a) / _HOUR for a, b in missed)
    return Covered(max(0.0, heard), whole)


def gaps_of(
    session: Session, source: Source, start: datetime, end: datetime, *, now: datetime
) -> tuple[Gap, ...]:
    """Gives the gaps of a source, oldest first; one that a later poll or backfill heals is gone."""
    begin, finish = span(source, start, end, now)
    if begin >= finish:
        return ()
    windows = _windows(session, source, begin)
    return tuple(Gap(a, b, _reason(windows, a, b)) for a, b in _open(windows, begin, finish))


def span(
    source: Source, start: datetime, end: datetime, now: datetime
) -> tuple[datetime, datetime]:
    """Gives the part of the period in which the source was there to be heard; may be empty."""
    begin = max(start, source.first_polled_at or source.created_at)
    if not source.is_enabled:
        return begin, min(end, source.last_polled_at or begin)
    grace = timedelta(seconds=2 * (source.pace_seconds or source.interval_seconds))
    return begin, min(end, now - grace)


def _windows(session: Session, source: Source, begin: datetime) -> Sequence[Any]:
    """Gives what ended later than *begin*: a poll behind the period's end may reach into it."""
    query = sa.select(*(col(column) for column in _COLUMNS)).where(
        col(PollWindow.source_id) == source.id, col(PollWindow.ended_at) >= begin
    )
    return session.execute(query.order_by(col(PollWindow.ended_at))).all()


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
