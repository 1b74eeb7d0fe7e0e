"""Asking for what is due to be removed; the worker removes it."""

from sqlmodel import Session, col, select

from earmark_core import audit, jobs
from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.jobs import JobRow
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import Job

KIND = "purge"


class Purges:
    """Jobs that remove what was kept for as long as it is to be kept."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def ask(self, actor: Actor) -> int:
        """Puts a purge in line and gives its job; if one is in line already, that one's."""
        require(actor, Role.manager, "remove mentions")
        with self._store.write() as session:
            job_id = submit(self._store, session, by=actor.name, clock=self._clock)
            audit.record(
                session, at=self._clock(), by=actor.name, action="ask for purge", subject="job",
                subject_id=job_id, before={}, after={"state": "waiting"},
            )  # fmt: skip
        return job_id

    def cancel(self, actor: Actor, job_id: int) -> bool:
        """Asks a purge to stop after the batch at hand; False if it has ended."""
        require(actor, Role.manager, "stop a purge")
        return jobs.cancel(self._store, job_id, by=actor.name, now=self._clock())

    def latest(self, actor: Actor) -> JobRow | None:
        """Gives the newest purge; done and total are mentions and raw payloads looked at."""
        require(actor, Role.viewer, "see jobs")
        with self._store.read() as session:
            newest = select(Job.id).where(Job.kind == KIND).order_by(col(Job.id).desc()).limit(1)
            found = session.exec(newest).first()
        return jobs.get(self._store, found) if found else None


def submit(store: Store, session: Session, *, by: str, clock: Clock) -> int:
    """Puts a purge in line in the caller's transaction."""
    return jobs.submit(store, session, kind=KIND, key=KIND, by=by, now=clock())
