"""When sources are polled: the schedule is data in their rows.

A source is claimed with a lease and a token. Whoever lost the lease changes nothing any more.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.model import Cursor, WindowState
from earmark_core.store import Store
from earmark_core.tables import PollWindow, Source
from earmark_listeners.pace import Pace, back_off, next_interval, next_poll_at
from earmark_listeners.polling import Outcome

LEASE = timedelta(seconds=330)
LONGEST_WAIT_ASKED = timedelta(hours=6)
# A refusal waits for a person, but a page that was gone for an hour must not end a source for good.
RETRY_REFUSED = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Due:
    """A source that was claimed to be polled now, and the window its poll is written to."""

    source_id: int
    brand_id: int
    channel: str
    name: str
    options: dict[str, Any]
    include: str
    exclude: str
    takes_all: bool
    cursor: Cursor | None
    is_first: bool
    token: str
    window_id: int


def claim_due(
    store: Store, now: datetime, rng: random.Random, *, limit: int = 20, only: int | None = None
) -> list[Due]:
    """Claims the sources whose time has come, the longest overdue first.

    A source whose lease ran out (its worker died) is due again. Each claim opens a window in the
    ledger that says `down` until the poll says otherwise. *only* claims one source at once,
    whatever its schedule, unless it is being polled or was told to wait.
    """
    token = f"{rng.getrandbits(64):016x}"
    free = sa.or_(col(Source.lease_until).is_(None), col(Source.lease_until) < now)
    allowed = sa.or_(col(Source.not_before).is_(None), col(Source.not_before) <= now)
    due = select(Source.id).where(col(Source.is_enabled), free, allowed)
    if only is None:
        due = due.where(col(Source.next_poll_at) <= now)
    else:
        due = due.where(col(Source.id) == only)
    due = store.skip_locked(due.order_by(col(Source.next_poll_at)).limit(limit))
    claim = (
        sa.update(Source)
        .where(col(Source.id).in_(due.scalar_subquery()))
        .values(lease_until=now + LEASE, lease_token=token)
        .returning(Source)
        .execution_options(synchronize_session=False)
    )
    with store.write() as session:
        rows = session.execute(claim).scalars().all()
        return [_opened(session, source, token, now) for source in rows]


def _opened(session: Session, source: Source, token: str, now: datetime) -> Due:
    window = PollWindow(
        source_id=source.id or 0,
        state=WindowState.down,
        covers_from=source.last_success_at,
        started_at=now,
        ended_at=now,
    )
    session.add(window)
    session.flush()
    return Due(
        source_id=source.id or 0,
        brand_id=source.brand_id,
        channel=source.channel,
        name=source.name,
        options=dict(source.options),
        include=source.include,
        exclude=source.exclude,
        takes_all=source.takes_all,
        cursor=Cursor(source.cursor) if source.cursor else None,
        is_first=source.first_polled_at is None,
        token=token,
        window_id=window.id or 0,
    )


def finish(
    store: Store, due: Due, outcome: Outcome, *, now: datetime, rng: random.Random
) -> datetime | None:
    """Closes the window, gives the lease back and sets the next poll; gives when that is.

    Gives None, and changes only the window, if somebody else has claimed the source since.
    """
    with store.write() as session:
        window = session.get(PollWindow, due.window_id)
        if window is not None:
            _close(window, outcome, now)
            _join_quiet(session, window)
        source = session.exec(
            select(Source)
            .where(col(Source.id) == due.source_id, col(Source.lease_token) == due.token)
            .with_for_update()
        ).one_or_none()
        if source is None:
            return None
        source.lease_until = None
        source.lease_token = ""
        source.last_polled_at = now
        _remember(source, outcome, now)
        _plan(source, outcome, now, rng)
        return source.next_poll_at


def _close(window: PollWindow, outcome: Outcome, now: datetime) -> None:
    window.state = outcome.state
    window.ended_at = now
    window.pages = outcome.pages
    window.items = outcome.items
    window.new_items = outcome.new_items
    window.bad_items = outcome.bad_items
    if outcome.covers_from is not None:
        window.covers_from = outcome.covers_from
    elif outcome.state is not WindowState.complete:
        window.covers_from = None  # it does not vouch for anything before its own moment
    window.note = outcome.error or outcome.note


def _join_quiet(session: Session, window: PollWindow) -> None:
    """Makes one window of two polls in a row that went well and found nothing.

    A quiet source polled each minute would otherwise fill the ledger with rows that say nothing.
    """
    before = session.exec(
        select(PollWindow)
        .where(
            col(PollWindow.source_id) == window.source_id,
            col(PollWindow.ended_at) <= window.started_at,
            col(PollWindow.id) != window.id,
        )
        .order_by(col(PollWindow.ended_at).desc(), col(PollWindow.id).desc())
        .limit(1)
    ).one_or_none()
    if before is None or not (_is_quiet(before) and _is_quiet(window)):
        return
    window.covers_from = before.covers_from
    window.started_at = before.started_at
    window.pages += before.pages
    window.items += before.items
    session.delete(before)


def _is_quiet(window: PollWindow) -> bool:
    news = window.new_items or window.bad_items or window.note
    return window.state == WindowState.complete and not news


def _remember(source: Source, outcome: Outcome, now: datetime) -> None:
    source.error = outcome.error
    source.error_hint = outcome.hint
    source.needs_person = outcome.needs_person
    if outcome.went_well:
        source.error_streak = 0
        source.last_success_at = now
        source.first_polled_at = source.first_polled_at or now
    elif outcome.state is not WindowState.rate_limited:
        source.error_streak += 1


def _plan(source: Source, outcome: Outcome, now: datetime, rng: random.Random) -> None:
    asked = outcome.next_poll_after
    pace = Pace(
        interval=timedelta(seconds=source.pace_seconds or source.interval_seconds),
        shortest=timedelta(seconds=source.min_interval_seconds),
        longest=timedelta(seconds=source.max_interval_seconds),
        errors=source.error_streak,
    )
    if outcome.went_well:
        wait = next_interval(pace, new_items=outcome.new_items)
        source.pace_seconds = max(1, round(wait.total_seconds()))
        source.not_before = None
        if asked is not None:  # a wish of a source that is well: heeded up to its longest interval
            wait = max(wait, min(asked, pace.longest))
    else:
        wait = RETRY_REFUSED if outcome.needs_person else back_off(pace)
        # A wait that was asked for is obeyed to the letter, restart or not.
        source.not_before = now + min(asked, LONGEST_WAIT_ASKED) if asked else None
    source.next_poll_at = next_poll_at(now, wait, rng, not_before=source.not_before)
