"""Asking for history to be scored again; the worker does it, with progress and cancel."""

from sqlmodel import col, select

from earmark_core import audit, jobs
from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.errors import EarmarkError
from earmark_core.jobs import JobRow
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import Brand, Job

KIND = "rescore"


class Rescores:
    """Jobs that score a brand's history, or everything, with what is in force now."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def ask(self, actor: Actor, brand_id: int | None = None) -> int:
        """Puts a rescore in line and gives its job; None is everything.

        Asking again while one is in line gives that one's number.
        """
        require(actor, Role.manager, "score history again")
        now = self._clock()
        with self._store.write() as session:
            if brand_id is not None and session.get(Brand, brand_id) is None:
                raise EarmarkError("There is no such brand.", subject=f"brand {brand_id}")
            job_id = jobs.submit(
                self._store,
                session,
                kind=KIND,
                key=f"{KIND}:{brand_id or 'all'}",
                by=actor.name,
                now=now,
                payload={"brand_id": brand_id},
            )
            audit.record(
                session,
                at=now,
                by=actor.name,
                action="ask for rescore",
                subject="job",
                subject_id=job_id,
                before={},
                after={"brand_id": brand_id},
            )
        return job_id

    def cancel(self, actor: Actor, job_id: int) -> bool:
        """Asks a rescore to stop; what is scored again stays so. False if it has ended."""
        require(actor, Role.manager, "stop a rescore")
        return jobs.cancel(self._store, job_id, by=actor.name, now=self._clock())

    def get(self, actor: Actor, job_id: int) -> JobRow | None:
        """Gives how far a rescore is; its `payload` holds what changed so far."""
        require(actor, Role.viewer, "see jobs")
        return jobs.get(self._store, job_id)

    def latest(self, actor: Actor, brand_id: int | None = None) -> JobRow | None:
        """Gives the newest rescore of a brand, or of everything."""
        require(actor, Role.viewer, "see jobs")
        with self._store.read() as session:
            newest = session.exec(
                select(Job.id)
                .where(Job.kind == KIND, Job.key == f"{KIND}:{brand_id or 'all'}")
                .order_by(col(Job.id).desc())
                .limit(1)
            ).first()
        return jobs.get(self._store, newest) if newest else None
