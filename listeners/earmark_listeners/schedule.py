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
from earmark_core.tables.columns import table_of
from earmark_listeners.pace import Pace, back_off, next_interval, next_poll_at
from earmark_listeners.polling import Outcome

LEASE = timedelta(seconds=330)
LONGEST_WAIT_ASKED = timedelta(hours=6)
# A refusal waits for a person, but a page that was gone for an hour must not end a source for good.
RETRY_REFUSED = timedelta(hours=6)
_WINDOW = table_of(PollWindow)
_THIS = sa.select(_WINDOW.c.source_id, _WINDOW.c.started_at).where(
    _WINDOW.c.id == sa.bindparam("window")
)
_BEFORE = (
    sa.select(
        *(_WINDOW.c[name] for name in ("id", "covers_from", "started_at", "pages", "items")),
        sa.and_(
            _WINDOW.c.state == WindowState.complete,
            _WINDOW.c.new_items == 0,
            _WINDOW.c.bad_items == 0,
            _WINDOW.c.note == "",
        ).label("is_quiet"),
    )
    .where(
        _WINDOW.c.source_id == sa.bindparam("source"),
        _WINDOW.c.ended_at <= sa.bindparam("began"),
        _WINDOW.c.id != sa.bindparam("window"),
    )
    .order_by(_WINDOW.c.ended_at.desc(), _WINDOW.c.id.desc())
    .limit(1)
)


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
        sources = session.execute(claim).scalars().all()
        windows = [
            PollWindow(
                source_id=source.id or 0,
                state=WindowState.down,
                covers_from=source.last_success_at,
                started_at=now,
                ended_at=now,
            )
            for source in sources
        ]
        session.add_all(windows)
        session.flush()
        return [
            _due(source, window, token) for source, window in zip(sources, windows, strict=True)
        ]


def _due(source: Source, window: PollWindow, token: str) -> Due:
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
        _close(session, due, outcome, now)
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


def _close(session: Session, due: Due, outcome: Outcome, now: datetime) -> None:
    """Writes how the poll ended into its window, or makes one of it and a quiet one before."""
    connection = session.connection()
    window = connection.execute(_THIS, {"window": due.window_id}).one_or_none()
    if window is None:
        return
    values = {
        "state": outcome.state,
        "ended_at": now,
        "pages": outcome.pages,
        "items": outcome.items,
        "new_items": outcome.new_items,
        "bad_items": outcome.bad_items,
        "note": outcome.error or outcome.note,
    }
    if outcome.covers_from is not None:
        values["covers_from"] = outcome.covers_from
    elif outcome.state is not WindowState.complete:
        values["covers_from"] = None  # it does not vouch for anything before its own moment
    before = None
    if _is_quiet(outcome):
        asked = {"source": window.source_id, "began": window.started_at, "window": due.window_id}
        before = connection.execute(_BEFORE, asked).one_or_none()
    if before is not None and before.is_quiet:
        values |= {
            "covers_from": before.covers_from,
            "started_at": before.started_at,
            "pages": outcome.pages + before.pages,
            "items": outcome.items + before.items,
        }
        connection.execute(sa.delete(_WINDOW).where(_WINDOW.c.id == before.id))
    connection.execute(sa.update(_WINDOW).where(_WINDOW.c.id == due.window_id).values(**values))


def _is_quiet(outcome: Outcome) -> bool:
    """Says whether a poll went well and found nothing.

    A source polled each minute would otherwise fill the ledger with windows that say nothing.
    """
    news = outcome.new_items or outcome.bad_items or outcome.error or outcome.note
    return outcome.state is WindowState.complete and not news


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
