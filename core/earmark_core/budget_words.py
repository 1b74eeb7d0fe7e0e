"""What hosts and quotas let us wait for, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from earmark_core.budget_rows import HOST, QUOTA
from earmark_core.store import Store
from earmark_core.tables import Budget

_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Limited:
    """A host that is left alone or a quota that is used up, until when, and that in words."""

    name: str
    until: datetime
    words: str


def limited(store: Store, now: datetime) -> tuple[Limited, ...]:
    """Gives what has to wait, the longest wait first, 50 at most."""
    waits = col(Budget.not_before) > now
    is_spent = sa.and_(col(Budget.used) >= col(Budget.cap), col(Budget.renews_at) > now)
    with store.read() as session:
        rows = session.exec(select(Budget).where(sa.or_(waits, is_spent))).all()
    told = [_told(row, now) for row in rows]
    return tuple(sorted(told, key=lambda one: (one.until, one.name), reverse=True)[:_MOST])


def _told(row: Budget, now: datetime) -> Limited:
    if row.not_before is not None and row.not_before > now:
        host, account, path = (*row.key.removeprefix(HOST).split(" ", 2), "", "")[:3]
        name, until = f"{shown_host(host)}{path}", row.not_before
        whom = "one of our accounts" if account else "us"
        words = f"{name} asked {whom} to wait until {plain_moment(until, now)}."
        return Limited(name, until, words)
    counted = row.key.removeprefix(QUOTA).rpartition(" ")[0]
    name = counted.removesuffix(row.reason).strip()
    until = row.renews_at or now
    words = (
        f"{name}: {row.used:,.0f} of {row.cap or 0:,.0f} {row.reason} used, "
        f"again at {plain_moment(until, now)}."
    )
    return Limited(name, until, words)


def plain_moment(moment: datetime, now: datetime) -> str:
    """Gives a moment as a person reads it, with the day where it is not today's."""
    if moment.date() == now.date():
        return f"{moment:%H:%M} UTC"
    return f"{moment:%d %B, %H:%M} UTC".removeprefix("0")


def shown_host(host: str) -> str:
    """Gives a destination as a person knows it: without the port that needs no saying."""
    return host.removesuffix(":443").removesuffix(":80")
