"""Counting mentions by hour: the one place that changes `rollup_hour`.

A mention counts once for each brand it belongs to. Our own posts and twins count for none.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from earmark_core.store import Store
from earmark_core.tables import RollupHour

_COLUMNS = ("n", "negative", "neutral", "positive", "unscored")


@dataclass(frozen=True, slots=True)
class Counted:
    """One mention as a brand's rollup sees it; `label` None is unscored."""

    brand_id: int
    channel: str
    happened_at: datetime
    label: str | None


def count(
    store: Store, session: Session, *, add: Iterable[Counted], take: Iterable[Counted] = ()
) -> None:
    """Adds and takes away mentions in one statement per hour touched, in a fixed order.

    The order keeps two writers on PostgreSQL from waiting for each other in a circle.
    """
    deltas: dict[tuple[int, str, datetime], Counter[str]] = {}
    for sign, mentions in ((1, add), (-1, take)):
        for mention in mentions:
            hour = mention.happened_at.replace(minute=0, second=0, microsecond=0)
            delta = deltas.setdefault((mention.brand_id, mention.channel, hour), Counter())
            delta["n"] += sign
            delta[mention.label or "unscored"] += sign
    rows: list[dict[str, Any]] = [
        {"brand_id": brand, "channel": channel, "hour": hour}
        | {name: delta[name] for name in _COLUMNS}
        for (brand, channel, hour), delta in sorted(deltas.items(), key=lambda pair: pair[0])
        if any(delta.values())
    ]
    if not rows:
        return
    insert = store.insert(RollupHour)
    table = RollupHour.__table__  # type: ignore[attr-defined]
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["brand_id", "channel", "hour"],
            set_={name: table.c[name] + sa.literal_column(f"excluded.{name}") for name in _COLUMNS},
        ),
        rows,
    )
