"""Where budgets are kept: in the database, or in this process where there is none."""

import threading
from datetime import datetime, timedelta
from typing import Final, Protocol

import sqlalchemy as sa
from sqlmodel import col, select

from earmark_core.store import Store
from earmark_core.tables import Budget

HOST: Final = "host "
QUOTA: Final = "quota "
KEPT: Final = timedelta(days=7)
"""How long a budget is still there to be looked at once it has ended."""


class Rows(Protocol):
    """What is kept; every call may block."""

    def held(self, now: datetime | None) -> dict[str, datetime]:
        """Gives until when which hosts are held, by key; all that are known without *now*."""
        ...

    def hold(self, key: str, until: datetime, *, reason: str, now: datetime) -> None:
        """Holds a host; a wait that is there and longer stays."""
        ...

    def count(
        self, key: str, n: float, *, cap: float, renews_at: datetime, unit: str, now: datetime,
        may_pass: bool,
    ) -> float | None:  # fmt: skip
        """Adds *n* and gives the sum; None, with nothing added, where it would pass *cap*."""
        ...

    def find(self, key: str) -> Budget | None:
        """Gives one row."""
        ...


class StoredRows:
    """In the table `budget`; each change is one statement, so that no two processes disagree."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def held(self, now: datetime | None) -> dict[str, datetime]:
        """Gives until when which hosts are held, by key."""
        query = select(Budget.key, Budget.not_before).where(col(Budget.not_before).is_not(None))
        if now is not None:
            query = query.where(col(Budget.not_before) > now)
        with self._store.read() as session:
            return {key: until for key, until in session.exec(query) if until is not None}

    def hold(self, key: str, until: datetime, *, reason: str, now: datetime) -> None:
        """Holds a host; a wait that is there and longer stays."""
        new = self._store.insert(Budget).values(
            key=key, used=0, not_before=until, reason=reason, updated_at=now
        )
        change = new.on_conflict_do_update(
            index_elements=["key"],
            set_={"not_before": until, "reason": reason, "updated_at": now},
            where=sa.or_(col(Budget.not_before).is_(None), col(Budget.not_before) < until),
        )
        with self._store.write() as session:
            session.execute(change)

    def count(
        self, key: str, n: float, *, cap: float, renews_at: datetime, unit: str, now: datetime,
        may_pass: bool,
    ) -> float | None:  # fmt: skip
        """Adds *n* and gives the sum; None, with nothing added, where it would pass *cap*."""
        if n > cap and not may_pass:
            return None
        is_over = sa.or_(col(Budget.renews_at).is_(None), col(Budget.renews_at) <= now)
        total = sa.case((is_over, 0.0), else_=col(Budget.used)) + n
        values = {"cap": cap, "renews_at": renews_at, "reason": unit, "updated_at": now}
        change = (
            self._store.insert(Budget)
            .values(key=key, used=n, **values)
            .on_conflict_do_update(
                index_elements=["key"],
                set_={"used": total, **values},
                where=None if may_pass else total <= cap,
            )
            .returning(col(Budget.used))
        )
        with self._store.write() as session:
            used = session.execute(change).scalar_one_or_none()
        return None if used is None else float(used)

    def find(self, key: str) -> Budget | None:
        """Gives one row."""
        with self._store.read() as session:
            return session.get(Budget, key)


class RowsInMemory:
    """In this process, for what runs without a database: a listener on its own, a test."""

    def __init__(self) -> None:
        self._rows: dict[str, Budget] = {}
        self._lock = threading.Lock()

    def held(self, now: datetime | None) -> dict[str, datetime]:  # noqa: ARG002 - none is unknown
        """Gives until when which hosts are held, by key."""
        with self._lock:
            return {key: row.not_before for key, row in self._rows.items() if row.not_before}

    def hold(self, key: str, until: datetime, *, reason: str, now: datetime) -> None:
        """Holds a host; a wait that is there and longer stays."""
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.not_before is None or row.not_before < until:
                self._rows[key] = Budget(key=key, not_before=until, reason=reason, updated_at=now)

    def count(
        self, key: str, n: float, *, cap: float, renews_at: datetime, unit: str, now: datetime,
        may_pass: bool,
    ) -> float | None:  # fmt: skip
        """Adds *n* and gives the sum; None, with nothing added, where it would pass *cap*."""
        with self._lock:
            row = self._rows.get(key)
            is_over = row is None or row.renews_at is None or row.renews_at <= now
            total = n + (0.0 if row is None or is_over else row.used)
            if total > cap and not may_pass:
                return None
            self._rows[key] = Budget(
                key=key, used=total, cap=cap, renews_at=renews_at, reason=unit, updated_at=now
            )
            return total

    def find(self, key: str) -> Budget | None:
        """Gives one row."""
        with self._lock:
            return self._rows.get(key)


def sweep(store: Store, now: datetime) -> int:
    """Deletes the budgets that ended a week ago; gives how many."""
    long_ago = now - KEPT
    over = [
        sa.or_(col(moment).is_(None), col(moment) < long_ago)
        for moment in (Budget.not_before, Budget.renews_at)
    ]
    with store.write() as session:
        gone = session.execute(
            sa.delete(Budget).where(*over, col(Budget.updated_at) < long_ago)
            .returning(col(Budget.key))
        )  # fmt: skip
        return len(gone.all())
