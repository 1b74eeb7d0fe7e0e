"""Time passing: snoozes that wake, promises that are broken."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import literal_column
from sqlmodel import Session, col, select

from earmark_core.clock import Clock
from earmark_core.model import CaseStatus, Priority
from earmark_core.store import Store
from earmark_core.tables import Case, SlaClock
from earmark_queue.casework import by_rule, change, clock_of, hold
from earmark_queue.priority import raised


@dataclass(frozen=True, slots=True)
class TickResult:
    """How many cases woke and how many promises were broken in one tick."""

    woken: int
    breached: int


def tick(store: Store, clock: Clock, *, limit: int = 500) -> TickResult:
    """Wakes what slept long enough and raises what is late, up to *limit* cases of each.

    One transaction per case: killed anywhere, the rest is found by the next tick, and nothing
    is done twice.
    """
    now = clock()
    return TickResult(woken=_wake(store, now, limit), breached=_breach(store, now, limit))


def _wake(store: Store, now: datetime, limit: int) -> int:
    due = (
        select(Case.id)
        .where(col(Case.wake_at).is_not(None), col(Case.wake_at) <= now)
        .order_by(col(Case.wake_at), col(Case.id))
        .limit(limit)
    )
    with store.read() as session:
        ids = [int(case_id) for case_id in session.exec(due).all() if case_id is not None]
    return _each(store, ids, now, _wake_one)


def _each(
    store: Store, ids: list[int], now: datetime, step: Callable[[Session, int, datetime], bool]
) -> int:
    done = 0
    for case_id in ids:
        with store.write() as session:
            done += step(session, case_id, now)
    return done


def _wake_one(session: Session, case_id: int, now: datetime) -> bool:
    case = hold(session, case_id)
    if case.status != CaseStatus.snoozed or case.wake_at is None or case.wake_at > now:
        return False
    change(
        session,
        case,
        {"status": CaseStatus.open, "wake_at": None},
        at=now,
        by=by_rule("wake"),
        action="wake",
        reason="The snooze is over",
    )
    return True


def _breach(store: Store, now: datetime, limit: int) -> int:
    late = (
        select(SlaClock.case_id)
        .where(col(SlaClock.state) == literal_column("'running'"), col(SlaClock.due_at) < now)
        .order_by(col(SlaClock.due_at), col(SlaClock.case_id))
        .limit(limit)
    )
    with store.read() as session:
        ids = list(session.exec(late).all())
    return _each(store, ids, now, _breach_one)


def _breach_one(session: Session, case_id: int, now: datetime) -> bool:
    case = hold(session, case_id)
    clock = clock_of(session, case_id)
    if clock is None or clock.state != "running" or clock.due_at >= now:
        return False
    clock.state = "breached"
    session.add(clock)
    since = f"Late since {clock.due_at:%-d %b %H:%M} UTC"
    values: dict[str, Any] = {
        "is_breached": True,
        "priority_reasons": [since, *case.priority_reasons][:8],
    }
    if not case.priority_by_person:
        priority = raised(Priority(case.priority))
        values |= {"priority": priority, "priority_rank": priority.rank}
    change(session, case, values, at=now, by=by_rule("breach"), action="breach", reason=since)
    return True
