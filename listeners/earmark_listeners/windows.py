"""How a poll ends in the ledger: its window is closed, and quiet ones become one."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from earmark_core.model import WindowState
from earmark_core.tables import PollWindow
from earmark_core.tables.columns import table_of
from earmark_listeners.polling import Outcome

_WINDOW = table_of(PollWindow)
_OWN = ("id", "covers_from", "started_at")
_BEFORE = ("id", "covers_from", "started_at", "pages", "items")
_KEPT = ("covers_from", "started_at", "ended_at", "state", "pages", "items", "new_items",
         "bad_items", "note")  # fmt: skip
_OPEN = sa.insert(_WINDOW).returning(_WINDOW.c.id, _WINDOW.c.source_id)
_CLOSE = (
    sa.update(_WINDOW)
    .where(_WINDOW.c.id == sa.bindparam("window"))
    .values({name: sa.bindparam(f"new_{name}") for name in _KEPT})
)
_DROP = sa.delete(_WINDOW).where(_WINDOW.c.id.in_(sa.bindparam("windows", expanding=True)))


def open_windows(
    connection: sa.Connection, covered: Mapping[int, datetime | None], now: datetime
) -> dict[int, int]:
    """Opens a window for each source, which says `down` until its poll says otherwise.

    *covered* tells until when each source was heard. Gives the windows' ids by source.
    """
    if not covered:
        return {}
    rows = [
        {
            "source_id": source,
            "state": WindowState.down,
            "covers_from": covers_from,
            "started_at": now,
            "ended_at": now,
        }
        for source, covers_from in covered.items()
    ]
    made = connection.execute(_OPEN, rows)
    return {row.source_id: row.id for row in made}


def close_windows(connection: sa.Connection, ended: Mapping[int, Outcome], now: datetime) -> None:
    """Writes how polls ended into their windows; *ended* names each outcome by its window.

    A poll that went well and found nothing takes the one before it in, if that was the same: a
    source polled each minute would else fill the ledger with windows that say nothing. The
    windows are of different sources; one that is gone is left out.
    """
    found = connection.execute(_found(), {"windows": list(ended)}).all()
    changes, dropped = [], []
    for row in found:
        values = _values(ended[row.id], row, now)
        if row.before_id is not None and row.is_quiet and is_quiet(ended[row.id]):
            dropped.append(row.before_id)
            values["new_covers_from"] = row.before_covers_from
            values["new_started_at"] = row.before_started_at
            values["new_pages"] += row.before_pages
            values["new_items"] += row.before_items
        changes.append(values)
    if dropped:
        connection.execute(_DROP, {"windows": dropped})
    if changes:
        connection.execute(_CLOSE, changes)


def is_quiet(outcome: Outcome) -> bool:
    """Says whether a poll went well and found nothing."""
    news = outcome.new_items or outcome.bad_items or outcome.error or outcome.note
    return outcome.state is WindowState.complete and not news


def _values(outcome: Outcome, window: Any, now: datetime) -> dict[str, Any]:
    covers_from = outcome.covers_from
    if covers_from is None and outcome.state is WindowState.complete:
        covers_from = window.covers_from  # of any other state it vouches for nothing before itself
    return {
        "window": window.id,
        "new_covers_from": covers_from,
        "new_started_at": window.started_at,
        "new_ended_at": now,
        "new_state": outcome.state,
        "new_pages": outcome.pages,
        "new_items": outcome.items,
        "new_new_items": outcome.new_items,
        "new_bad_items": outcome.bad_items,
        "new_note": outcome.error or outcome.note,
    }


@cache
def _found() -> Any:
    """Gives the query for windows, each with the last one of its source that ended before it."""
    own, before, other = (_WINDOW.alias(name) for name in ("own", "before", "other"))
    last = (
        sa.select(other.c.id)
        .where(
            other.c.source_id == own.c.source_id,
            other.c.ended_at <= own.c.started_at,
            other.c.id != own.c.id,
        )
        .order_by(other.c.ended_at.desc(), other.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    quiet = sa.and_(
        before.c.state == WindowState.complete,
        before.c.new_items == 0,
        before.c.bad_items == 0,
        before.c.note == "",
    )
    return (
        sa.select(
            *(own.c[name] for name in _OWN),
            *(before.c[name].label(f"before_{name}") for name in _BEFORE),
            quiet.label("is_quiet"),
        )
        .select_from(own.outerjoin(before, before.c.id == last))
        .where(own.c.id.in_(sa.bindparam("windows", expanding=True)))
    )
