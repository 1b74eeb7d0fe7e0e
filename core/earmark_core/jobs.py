"""What a page asks of the worker: a row, with progress and cancel.

Two equal requests never stand in line at once: the second gets the first one's number.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core import audit
from earmark_core.store import Store
from earmark_core.tables import Job

LEASE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as it stands; `total` 0 means its length is not known."""

    id: int
    kind: str
    payload: dict[str, Any]
    state: str
    done: int
    total: int
    note: str
    wants_cancel: bool


def _row(job: Job) -> JobRow:
    return JobRow(
        id=job.id or 0,
        kind=job.kind,
        payload=dict(job.payload),
        state=job.state,
        done=job.done,
        total=job.total,
        note=job.note,
        wants_cancel=job.wants_cancel,
    )


def submit(
    store: Store,
    session: Session,
    *,
    kind: str,
    key: str,
    by: str,
    now: datetime,
    payload: dict[str, Any] | None = None,
) -> int:
    """Puts a job in line, in the caller's transaction; gives its number."""
    live = select(Job.id).where(col(Job.key) == key, col(Job.state).in_(["waiting", "running"]))
    values = {
        "kind": kind,
        "key": key,
        "payload": payload or {},
        "state": "waiting",
        "done": 0,
        "total": 0,
        "note": "",
        "wants_cancel": False,
        "by": by,
        "created_at": now,
    }
    session.execute(store.insert(Job).values(**values).on_conflict_do_nothing())
    return session.exec(live).one() or 0


def claim(store: Store, now: datetime, *, only: int | None = None) -> JobRow | None:
    """Takes the next job, or one whose worker died, for as long as the lease lasts.

    *only* takes that one if it waits, and nothing else.
    """
    ready = sa.or_(
        col(Job.state) == "waiting",
        sa.and_(col(Job.state) == "running", col(Job.lease_until) < now),
    )
    wanted = select(Job.id).where(ready).order_by(col(Job.id)).limit(1)
    if only is not None:
        wanted = wanted.where(col(Job.id) == only)
    with store.read() as session:
        if session.exec(wanted).first() is None:
            return None  # each second of a quiet day, and without a write
    first = store.skip_locked(wanted)
    statement = (
        sa.update(Job)
        .where(col(Job.id) == first.scalar_subquery())
        .values(state="running", started_at=now, lease_until=now + LEASE)
        .returning(Job)
        .execution_options(synchronize_session=False)
    )
    with store.write() as session:
        job = session.execute(statement).scalars().one_or_none()
        return _row(job) if job else None


def progress(store: Store, job_id: int, *, done: int, total: int, now: datetime) -> bool:
    """Notes how far a job is and extends its lease; tells whether somebody wants it cancelled."""
    with store.write() as session:
        job = session.get_one(Job, job_id)
        job.done, job.total, job.lease_until = done, total, now + LEASE
        return job.wants_cancel


def hold(session: Session, job: JobRow, *, done: int, now: datetime) -> Job | None:
    """Gives the job's row in the caller's transaction, its lease extended.

    None where it is no longer ours: it has ended, or another worker has taken it further than
    *done*. What a job did and how far it is are then kept together or not at all.
    """
    row = session.exec(select(Job).where(Job.id == job.id).with_for_update()).first()
    if row is None or row.state != "running" or row.done != done:
        return None
    row.lease_until = now + LEASE
    session.add(row)
    return row


def cancel(store: Store, job_id: int, *, by: str, now: datetime) -> bool:
    """Asks that a job ends; gives False if it has ended already. One that waits ends at once."""
    with store.write() as session:
        row = session.exec(select(Job).where(Job.id == job_id).with_for_update()).first()
        if row is None or row.state not in {"waiting", "running"}:
            return False
        row.wants_cancel = True
        if row.state == "waiting":
            row.state, row.note = "cancelled", "Cancelled before it began."
            row.ended_at = now
        session.add(row)
        audit.record(
            session, at=now, by=by, action="cancel", subject="job", subject_id=job_id,
            before={}, after={"wants_cancel": True},
        )  # fmt: skip
        return True


def end(store: Store, job_id: int, *, state: str, note: str, now: datetime) -> None:
    """Closes a job as done, failed or cancelled."""
    with store.write() as session:
        job = session.get_one(Job, job_id)
        job.state, job.note, job.ended_at, job.lease_until = state, note, now, None


def get(store: Store, job_id: int) -> JobRow | None:
    """Gives a job as it stands now."""
    with store.read() as session:
        job = session.get(Job, job_id)
        return _row(job) if job else None
