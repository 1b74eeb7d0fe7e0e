"""Keyset paging of cases: the same cost on every page, however deep.

The queue's order is priority, then age. The first page is read as it stands in an index; further
ones as a ladder with one rung a priority, because each rung alone is one seek in an index, which a
mixed-direction comparison is not.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from earmark_core.errors import EarmarkError
from earmark_core.tables import Case, Mention
from earmark_core.tables.columns import UtcDateTime, table_of

SEARCHED = 1_000


@dataclass(frozen=True, slots=True)
class Order:
    """How a view is ordered: `parts` are the columns of its key, in order."""

    parts: tuple[str, ...]
    newest_first: bool = False


RANKED = Order(("priority_rank", "opened_at", "id"))
BY_WAKING = Order(("wake_at", "id"))
BY_CLOSING = Order(("resolved_at", "id"), newest_first=True)
NEWEST = Order(("id",), newest_first=True)
_TABLE = table_of(Case)


def encode(parts: Sequence[Any]) -> str:
    """Gives an opaque key for the place after a row."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in parts]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode()


def decode(key: str, kinds: Sequence[type]) -> list[Any]:
    """Gives the parts of a key.

    Raises:
        EarmarkError: it was not made by `encode` for such a place.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(key.encode()))
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise ValueError
        return [
            datetime.fromisoformat(part) if kind is datetime else int(part)
            for part, kind in zip(parts, kinds, strict=True)
        ]
    except (ValueError, TypeError, RecursionError) as error:
        raise EarmarkError(
            "This page's address cannot be read.", hint="Start from the first page."
        ) from error


def page(
    session: Session,
    conditions: Sequence[Any],
    order: Order,
    *,
    after: str | None,
    limit: int,
    search: str = "",
) -> tuple[list[int], str | None]:
    """Gives the ids of one page and the key of the next, None after the last.

    A search looks at the next 1,000 cases of the view and then offers to go on, so that it costs
    the same however many there are. It may therefore give a page that is not full, or empty,
    with a next one.
    """
    if not search:
        found = _candidates(conditions, order, after, limit + 1, ())
    else:
        found = _candidates(conditions, order, after, SEARCHED, ("last_mention_id", "headline"))
    rows = session.execute(_hits(found, order, search).limit(limit + 1)).all()
    if len(rows) > limit:
        return [row.id for row in rows[:limit]], encode(_key_of(rows[limit - 1], order))
    ids = [row.id for row in rows]
    if not search:
        return ids, None
    keys = _candidates(conditions, order, after, SEARCHED, ())
    last = session.execute(
        sa.select(keys).order_by(*_ordering(keys.c, order)).offset(SEARCHED - 1).limit(1)
    ).first()
    return ids, None if last is None else encode(_key_of(last, order))


def _key_of(row: Any, order: Order) -> list[Any]:
    return [getattr(row, name) for name in order.parts]


def _candidates(
    conditions: Sequence[Any], order: Order, after: str | None, limit: int, more: tuple[str, ...]
) -> sa.Subquery:
    """Gives the next *limit* cases: their key, and what *more* is asked for."""
    columns = [_TABLE.c[name] for name in dict.fromkeys((*order.parts, *more))]
    ways = _rungs(order, after)
    rungs = [
        sa.select(*columns)
        .where(*conditions, *rung)
        .order_by(*_ordering(_TABLE.c, order, ranked=len(ways) == 1))
        .limit(limit)
        .subquery()
        for rung in ways
    ]
    if len(rungs) == 1:
        return rungs[0]
    ladder = sa.union_all(*[sa.select(rung) for rung in rungs]).subquery()
    return sa.select(ladder).order_by(*_ordering(ladder.c, order)).limit(limit).subquery()


def _rungs(order: Order, after: str | None) -> list[list[Any]]:
    at = decode(after, _kinds(order)) if after else None
    if at is None:  # from the start an index holds the order as it is
        return [[]]
    if order is not RANKED:
        return [[_beyond(order.parts, at, order.newest_first)]]
    rank = _TABLE.c.priority_rank
    first = [rank == at[0], _beyond(order.parts[1:], at[1:], newest_first=False)]
    return [first, *([rank == level] for level in range(min(at[0], 4) - 1, -1, -1))]


def _kinds(order: Order) -> list[type]:
    return [datetime if name.endswith("_at") else int for name in order.parts]


def _beyond(names: Sequence[str], values: Sequence[Any], newest_first: bool) -> Any:
    left = sa.tuple_(*[_TABLE.c[name] for name in names])
    right = sa.tuple_(
        *[
            sa.literal(value, UtcDateTime() if isinstance(value, datetime) else sa.Integer())
            for value in values
        ]
    )
    return left < right if newest_first else left > right


def _ordering(columns: Any, order: Order, *, ranked: bool = True) -> list[Any]:
    if order is RANKED:
        rank = [columns.priority_rank.desc()] if ranked else []
        return [*rank, columns.opened_at, columns.id]
    parts = [columns[name] for name in order.parts]
    return [part.desc() for part in parts] if order.newest_first else parts


def _hits(found: sa.Subquery, order: Order, search: str) -> sa.Select[Any]:
    hits = sa.select(found).order_by(*_ordering(found.c, order))
    if not search:
        return hits
    return hits.outerjoin(Mention, col(Mention.id) == found.c.last_mention_id).where(
        sa.or_(
            found.c.headline.icontains(search, autoescape=True),
            col(Mention.author_name).icontains(search, autoescape=True),
            col(Mention.author_handle).icontains(search, autoescape=True),
        )
    )
