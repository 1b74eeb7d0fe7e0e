"""Counting mentions by hour and by model: the one place that changes the rollups.

A mention counts once for each brand it belongs to. Our own posts and twins count for none.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from earmark_core.store import Store
from earmark_core.tables import RollupHour, RollupModel
from earmark_core.tables.columns import table_of

_COLUMNS = ("n", "negative", "neutral", "positive", "unscored")


@dataclass(frozen=True, slots=True)
class Counted:
    """One mention as a brand's rollups see it; `label` None is unscored.

    `model_id` is the model that gave the machine's label, empty where there is none and where it
    stays the same.
    """

    brand_id: int
    channel: str
    happened_at: datetime
    label: str | None
    model_id: str = ""


def count(
    store: Store, session: Session, *, add: Iterable[Counted], take: Iterable[Counted] = ()
) -> None:
    """Adds and takes away mentions in one statement per hour touched, in a fixed order.

    The order keeps two writers on PostgreSQL from waiting for each other in a circle.
    """
    deltas: dict[tuple[int, str, datetime], Counter[str]] = {}
    models: Counter[tuple[int, datetime, str]] = Counter()
    for sign, mentions in ((1, add), (-1, take)):
        for mention in mentions:
            hour = mention.happened_at.replace(minute=0, second=0, microsecond=0)
            delta = deltas.setdefault((mention.brand_id, mention.channel, hour), Counter())
            delta["n"] += sign
            delta[mention.label or "unscored"] += sign
            if mention.model_id:
                models[mention.brand_id, hour.replace(hour=0), mention.model_id] += sign
    hours: list[dict[str, Any]] = [
        {"brand_id": brand, "channel": channel, "hour": hour}
        | {name: delta[name] for name in _COLUMNS}
        for (brand, channel, hour), delta in sorted(deltas.items(), key=lambda pair: pair[0])
        if any(delta.values())
    ]
    days: list[dict[str, Any]] = [
        {"brand_id": brand, "day": day, "model_id": model, "n": n}
        for (brand, day, model), n in sorted(models.items())
        if n
    ]
    _add(store, session, RollupHour, ("brand_id", "channel", "hour"), _COLUMNS, hours)
    _add(store, session, RollupModel, ("brand_id", "day", "model_id"), ("n",), days)


def _add(
    store: Store,
    session: Session,
    rollup: type[SQLModel],
    keys: Sequence[str],
    figures: Sequence[str],
    rows: Sequence[dict[str, Any]],
) -> None:
    if not rows:
        return
    insert = store.insert(rollup)
    table = table_of(rollup)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=keys,
            set_={name: table.c[name] + sa.literal_column(f"excluded.{name}") for name in figures},
        ),
        rows,
    )
