"""When sources are polled: the schedule is data in their rows.

A source is claimed with a lease and a token. Whoever lost the lease changes nothing any more.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.model import Cursor
from earmark_core.store import Store
from earmark_core.tables import PollWindow, Source
from earmark_core.tables.columns import table_of
from earmark_listeners import lasting
from earmark_listeners.pace import GIVEN_UP_AFTER, OPENS_AFTER, Trouble
from earmark_listeners.polling import Outcome
from earmark_listeners.timetable import Timetable, plan, remember
from earmark_listeners.windows import close_windows, open_windows

LEASE = timedelta(seconds=330)
_SOURCE = table_of(Source)
_WINDOW = table_of(PollWindow)


_CLAIMED = ("id", "brand_id", "channel", "name", "options", "include", "exclude", "takes_all",
            "cursor", "first_polled_at", "last_success_at")  # fmt: skip
_READ = tuple(field.name for field in fields(Timetable))
_WRITTEN = tuple(name for name in _READ if name != "id" and "interval" not in name)
_ROWS = (
    sa.select(*(_SOURCE.c[name] for name in _READ))
    .where(_SOURCE.c.id.in_(sa.bindparam("sources", expanding=True)))
    .order_by(_SOURCE.c.id)  # so that two processes lock them in one order
    .with_for_update()
)
_WRITE = (
    sa.update(_SOURCE)
    .where(_SOURCE.c.id == sa.bindparam("source"))
    .values({name: sa.bindparam(f"new_{name}") for name in _WRITTEN})
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
        sa.update(_SOURCE)
        .where(_SOURCE.c.id.in_(due.scalar_subquery()))
        .values(lease_until=now + LEASE, lease_token=token)
        .returning(*(_SOURCE.c[name] for name in _CLAIMED))
    )
    with store.write() as session:
        connection = session.connection()
        sources = connection.execute(claim).all()
        covered = {source.id: source.last_success_at for source in sources}
        windows = open_windows(connection, covered, now)
    return [_due(source, windows[source.id], token) for source in sources]


def _due(source: Any, window_id: int, token: str) -> Due:
    return Due(
        source_id=source.id,
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
        window_id=window_id,
    )


def finish(
    store: Store, due: Due, outcome: Outcome, *, now: datetime, rng: random.Random
) -> datetime | None:
    """Ends one poll as `finish_all` ends many; gives when the next is."""
    return finish_all(store, [(due, outcome)], now=now, rng=rng)[0]


def finish_all(
    store: Store, ended: Sequence[tuple[Due, Outcome]], *, now: datetime, rng: random.Random
) -> list[datetime | None]:
    """Closes the windows, gives the leases back and sets the next polls, in one transaction.

    Gives when each next poll is. Gives None, and changes only the window, where somebody else
    has claimed the source since.
    """
    with store.write() as session:
        connection = session.connection()
        for some in _apart(ended):
            close_windows(connection, {due.window_id: outcome for due, outcome in some}, now)
        asked = {"sources": sorted({due.source_id for due, _ in ended})}
        rows = {row.id: Timetable(*row) for row in connection.execute(_ROWS, asked)}
        planned: list[datetime | None] = []
        changed = []
        for due, outcome in ended:
            source = rows.get(due.source_id)
            if source is None or source.lease_token != due.token:
                planned.append(None)
                continue
            is_wanted = _is_wanted(source, outcome, now)
            remember(source, outcome, now)
            _give_up(session, source, outcome, now)
            lasting.change(session, source, due, outcome, now)
            plan(source, outcome, now, rng)
            if is_wanted:
                soon = now + timedelta(seconds=source.min_interval_seconds)
                source.next_poll_at = min(source.next_poll_at, soon)
            planned.append(source.next_poll_at)
            changed.append(source)
        if changed:
            connection.execute(_WRITE, [_written(source) for source in changed])
        return planned


def _apart(ended: Sequence[tuple[Due, Outcome]]) -> Iterator[list[tuple[Due, Outcome]]]:
    """Tells polls of one source apart: the later one may have to take the earlier window in."""
    left = list(ended)
    while left:
        some: dict[int, tuple[Due, Outcome]] = {}
        for due, outcome in left:
            some.setdefault(due.source_id, (due, outcome))
        yield list(some.values())
        taken = {due.window_id for due, _ in some.values()}
        left = [(due, outcome) for due, outcome in left if due.window_id not in taken]


def _written(source: Timetable) -> dict[str, Any]:
    return {"source": source.id} | {f"new_{name}": getattr(source, name) for name in _WRITTEN}


def _is_wanted(source: Timetable, outcome: Outcome, now: datetime) -> bool:
    """Tells whether a delivery asked for another poll while this one was under way."""
    if source.lease_until is None or not outcome.went_well:
        return False
    return source.lease_until - LEASE < source.next_poll_at <= now


def _give_up(session: Session, source: Timetable, outcome: Outcome, now: datetime) -> None:
    """Decides whether a source that cannot be reached is a person's business by now.

    Nothing at the address is so at once where nothing ever was, and after a week where there was
    something: a page may be gone for an hour. A source that does not answer is given that week.
    """
    if outcome.trouble not in (Trouble.missing, Trouble.down):
        return
    heard = source.last_success_at
    if outcome.trouble is Trouble.missing and heard is None:
        return
    source.needs_person = False
    long_ago = now - GIVEN_UP_AFTER
    if source.error_streak < OPENS_AFTER or (heard is not None and heard > long_ago):
        return
    failing = sa.select(sa.func.min(_WINDOW.c.ended_at)).where(_WINDOW.c.source_id == source.id)
    if heard is not None:
        failing = failing.where(_WINDOW.c.ended_at > heard)
    since = session.execute(failing).scalar_one()
    if since is not None and since <= long_ago:
        source.needs_person = True
        source.error_hint = (
            "Nothing was heard of it for 7 days. Check its address, or remove it; until then it "
            "is tried every 6 hours."
        )
