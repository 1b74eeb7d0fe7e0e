"""What is due to be removed, asked of the database in the words of `retention`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from earmark_config.settings import Retention
from earmark_core.tables import Mention, Quarantine, RawPayload, Source
from earmark_core.tables.columns import table_of
from earmark_listeners.retention import due_until, kept_days, longest_kept
from earmark_queue.withdrawals import is_held

Over = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Due:
    """What is over, as conditions; None where nothing can be.

    `mentions` and `raw` speak of mentions and the raw payloads with them, `unread` of what is in
    quarantine.
    """

    mentions: Over | None
    raw: Over | None
    unread: Over | None


@dataclass(frozen=True, slots=True)
class DueRow:
    """What is due of one source; `held` of its `mentions` are needed still and stay."""

    source_id: int
    mentions: int = 0
    held: int = 0
    raw: int = 0
    unread: int = 0


def what_is_due(session: Session, house: Retention, now: datetime) -> Due:
    """Gives what is over by now.

    Sources are told apart by channel and wishes, not by number: there are few of these, however
    many sources there are.
    """
    kinds = session.execute(
        sa.select(col(Source.channel), col(Source.retention_days), col(Source.raw_days)).distinct()
    ).all()
    mentions: list[Over] = []
    raw: list[Over] = []
    unread: list[Over] = []
    for channel, days, raw_days in kinds:
        longest = longest_kept(channel)
        same = sa.select(col(Source.id)).where(
            col(Source.channel) == channel,
            _is(Source.retention_days, days),
            _is(Source.raw_days, raw_days),
        )
        until = due_until(kept_days(days, house.mentions_days, longest), now)
        if until is not None:
            mentions.append(_over(Mention, same, until))
        until = due_until(kept_days(raw_days, house.raw_days, longest), now)
        if until is not None:
            raw.append(_over(Mention, same, until))
            unread.append(_over(Quarantine, same, until))
    return Due(*(sa.or_(*each) if each else None for each in (mentions, raw, unread)))


def _is(column: Any, value: int | None) -> Over:
    return col(column).is_(None) if value is None else col(column) == value


def _over(table: type[Mention] | type[Quarantine], sources: Any, until: datetime) -> Over:
    # "+ 0" keeps the index of sources out of it: rows are gone through in the order of their
    # numbers, each batch behind the last one. With the index each would read them all.
    return sa.and_(col(table.seen_at) <= until, (col(table.source_id) + 0).in_(sources))


def next_mentions(session: Session, due: Due, after: int, limit: int) -> Sequence[int]:
    """Gives the next mentions that are due, in order of their numbers."""
    if due.mentions is None:
        return ()
    return _next(session, sa.select(col(Mention.id)), col(Mention.id), due.mentions, after, limit)


def next_raw(session: Session, due: Due, after: int, limit: int) -> Sequence[int]:
    """Gives the next mentions whose raw payload is due."""
    if due.raw is None:
        return ()
    among = sa.select(col(RawPayload.mention_id)).join(Mention)
    return _next(session, among, col(RawPayload.mention_id), due.raw, after, limit)


def next_unread(session: Session, due: Due, after: int, limit: int) -> Sequence[int]:
    """Gives the next items in quarantine that are due."""
    if due.unread is None:
        return ()
    return _next(session, sa.select(col(Quarantine.id)), col(Quarantine.id), due.unread, after,
                 limit)  # fmt: skip


def _next(
    session: Session, among: Any, key: Any, over: Over, after: int, limit: int
) -> Sequence[int]:
    found = among.where(key > after, over).order_by(key).limit(limit)
    return [row[0] for row in session.execute(found)]


def count(session: Session, house: Retention, now: datetime) -> tuple[DueRow, ...]:
    """Counts what is due of each source that has any; removes nothing."""
    due = what_is_due(session, house, now)
    found: dict[int, dict[str, int]] = {}
    raw = sa.select(col(Mention.source_id), sa.func.count()).join(RawPayload)
    asked: tuple[tuple[str, Any, type[SQLModel], Over | None], ...] = (
        ("mentions", sa.select(col(Mention.source_id), sa.func.count()), Mention, due.mentions),
        ("held", sa.select(col(Mention.source_id), sa.func.count()).where(is_held()), Mention,
         due.mentions),
        ("raw", raw, Mention, due.raw),
        ("unread", sa.select(col(Quarantine.source_id), sa.func.count()), Quarantine, due.unread),
    )  # fmt: skip
    for name, query, table, over in asked:
        if over is None:
            continue
        per_source = query.where(over).group_by(table_of(table).c.source_id)
        for source_id, n in session.execute(per_source):
            found.setdefault(source_id, {})[name] = n
    return tuple(DueRow(source_id, **counts) for source_id, counts in sorted(found.items()))
