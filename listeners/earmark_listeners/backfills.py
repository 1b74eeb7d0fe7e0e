"""Asking for what a source said in an earlier stretch of time; the worker fetches it."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from earmark_core import audit, jobs
from earmark_core.access import require
from earmark_core.clock import Clock, as_utc
from earmark_core.errors import ConfigError
from earmark_core.jobs import JobRow
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import Job, Source
from earmark_listeners import registry

KIND = "backfill"
LONGEST = timedelta(days=366)


class Backfills:
    """Jobs that fetch history; what they find opens no case."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def ask(self, actor: Actor, source_id: int, start: datetime, end: datetime) -> int:
        """Puts a backfill from *start* to before *end* in line and gives its job.

        Of a source only one is in line at once: asking again gives that one's number. A stretch
        that was broken off goes on where it was.

        Raises:
            ConfigError: the source is gone, its channel gives only what is new, or the stretch is
                empty, in the future or longer than a year.
        """
        require(actor, Role.manager, "fetch history")
        now = self._clock()
        start, end = as_utc(start), min(as_utc(end), now)
        if not start < end:
            hint = "Its start lies before its end, and before now."
            raise ConfigError("The stretch of time is empty.", hint=hint)
        if end - start > LONGEST:
            raise ConfigError("A year is fetched at most.", hint="Take shorter stretches.")
        span = {"source_id": source_id, "start": start.isoformat(), "end": end.isoformat()}
        with self._store.write() as session:
            _refuse_impossible(session, source_id)
            job_id = jobs.submit(
                self._store, session, kind=KIND, key=f"{KIND}:{source_id}", by=actor.name,
                now=now, payload=_broken_off(session, span) or span,
            )  # fmt: skip
            audit.record(
                session, at=now, by=actor.name, action="ask for backfill", subject="source",
                subject_id=source_id, before={}, after=span,
            )  # fmt: skip
        return job_id

    def cancel(self, actor: Actor, job_id: int) -> bool:
        """Asks a backfill to stop; what was fetched stays. False if it has ended."""
        require(actor, Role.manager, "stop a backfill")
        return jobs.cancel(self._store, job_id, by=actor.name, now=self._clock())

    def latest(self, actor: Actor, source_id: int) -> JobRow | None:
        """Gives the newest backfill of a source; done and total are seconds of its stretch."""
        require(actor, Role.viewer, "see jobs")
        with self._store.read() as session:
            newest = session.exec(_of(f"{KIND}:{source_id}").limit(1)).first()
            return jobs.get(self._store, newest.id or 0) if newest else None


def can_backfill(channel: str) -> bool:
    """Tells whether a channel gives history; one that is not installed does not."""
    found = registry.channels().get(channel)
    return found is not None and found.can_backfill


def _refuse_impossible(session: Session, source_id: int) -> None:
    source = session.get(Source, source_id)
    if source is None:
        raise ConfigError("There is no such source.", subject=f"source {source_id}")
    if not can_backfill(source.channel):
        able = ", ".join(name for name in registry.channels() if can_backfill(name))
        raise ConfigError(
            f"The channel {source.channel} gives only what is new.",
            hint=f"These give history: {able}. Else `earmark import` takes it in.",
            subject=source.name,
        )


def _of(key: str) -> Any:
    return select(Job).where(Job.kind == KIND, Job.key == key).order_by(col(Job.id).desc())


def _broken_off(session: Session, span: dict[str, Any]) -> dict[str, Any] | None:
    """Gives what an earlier job for the same stretch kept, where it did not reach its end."""
    last = session.exec(_of(f"{KIND}:{span['source_id']}").limit(1)).first()
    if last is None or last.state not in {"failed", "cancelled"}:
        return None
    same = all(last.payload.get(key) == value for key, value in span.items())
    return dict(last.payload) if same else None
