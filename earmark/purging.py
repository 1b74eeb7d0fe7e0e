"""Removing what was kept for as long as it is to be kept: the work behind a purge job.

Mentions, raw payloads and items in quarantine are gone through in the order of their numbers, a
batch in a transaction together with how far the job is. So a worker that is killed between two
batches loses nothing, and whoever takes the job next goes on behind the last one.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark import due
from earmark.removing import remove
from earmark_config.settings import Retention
from earmark_core import audit, jobs
from earmark_core.clock import Clock
from earmark_core.jobs import JobRow
from earmark_core.store import Store
from earmark_core.tables import HookDelivery, Job, Mention, Quarantine, RawPayload

BATCH = 200
DELIVERIES_KEPT = timedelta(days=7)
"""How long a delivery is remembered so that it is not stored twice; no sender tries for longer."""

Found = Counter[tuple[int, str]]
"""How many of a source, by its number, were removed (or "held") of what kind."""
_WORDS = {
    "mentions": ("mention removed", "mentions removed"),
    "held": ("held by a case or a reply", "held by cases or replies"),
    "raw": ("raw payload removed", "raw payloads removed"),
    "unread": ("unreadable item removed", "unreadable items removed"),
}


class Purging:
    """One purge job at work."""

    def __init__(self, store: Store, clock: Clock, house: Retention, job: JobRow) -> None:
        self._store = store
        self._clock = clock
        self._house = house
        self._job = job
        self.done = job.done
        self.total = job.total
        self.state = "running"
        self.note = ""

    def run(self, tick: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        """Works to the end; *tick* is told how many of how many were gone through."""
        while self.step():
            tick(self.done, self.total)
        tick(self.done, self.total)

    def step(self) -> bool:
        """Does one batch; gives False when the job has ended, by whatever cause."""
        now = self._clock()
        with self._store.read() as session:
            job = session.get_one(Job, self._job.id)
            payload, wants_cancel = dict(job.payload), job.wants_cancel
            if not self.total:
                self.total = _count(session, self._house, now)
            kind, ids = self._next(session, payload, now)
        if wants_cancel or not ids:
            self._finish("cancelled" if wants_cancel else "done")
            return False
        return self._keep(kind, ids, payload, now)

    def _next(
        self, session: Session, payload: dict[str, Any], now: datetime
    ) -> tuple[str, Sequence[int]]:
        """Gives what comes next: the rest of the kind at hand, or else the next kind's first."""
        over = due.what_is_due(session, self._house, now)
        kinds = list(_KINDS)
        at = payload.get("kind", kinds[0])
        after = int(payload.get("after", 0))
        for kind in kinds[kinds.index(at) :]:
            ask, _ = _KINDS[kind]
            ids = ask(session, over, after if kind == at else 0, BATCH)
            if ids:
                return kind, ids
        return kinds[-1], ()

    def _keep(self, kind: str, ids: Sequence[int], payload: dict[str, Any], now: datetime) -> bool:
        _, do = _KINDS[kind]
        with self._store.write() as session:
            job = jobs.hold(session, self._job, done=self.done, now=now)
            if job is None:
                self.state, self.note = "taken", "Another worker went on with it."
                return False
            counts = _counts(payload) + do(self._store, session, ids, now)
            done = self.done + len(ids)
            job.done, job.total = done, max(self.total, done)
            kept = [[*key, n] for key, n in sorted(counts.items())]
            job.payload = {**payload, "kind": kind, "after": ids[-1], "counts": kept}
        self.done = done  # only now: a batch that was rolled back is none
        return True

    def _finish(self, state: str) -> None:
        """Closes the job and says in the audit trail what it removed, in one transaction."""
        now = self._clock()
        with self._store.write() as session:
            job = jobs.hold(session, self._job, done=self.done, now=now)
            if job is None:
                self.state, self.note = "taken", "Another worker went on with it."
                return
            old = col(HookDelivery.at) < now - DELIVERIES_KEPT
            session.execute(sa.delete(HookDelivery).where(old))
            counts = _counts(job.payload)
            _tell(session, counts, job, now)
            self.state, self.note = state, words(counts)
            job.state, job.note = self.state, self.note
            job.ended_at, job.lease_until = now, None
        self._store.sweep()


def words(counts: Found) -> str:
    """Says in a sentence what was removed."""
    total: Counter[str] = Counter()
    for (_, kind), n in counts.items():
        total[kind] += n
    told = ", ".join(
        f"{total[kind]:,} {one if total[kind] == 1 else more}"
        for kind, (one, more) in _WORDS.items()
        if total[kind]
    )
    return f"{told}." if told else "Nothing was due."


def _counts(payload: dict[str, Any]) -> Found:
    return Counter({(source, kind): n for source, kind, n in payload.get("counts", ())})


def _count(session: Session, house: Retention, now: datetime) -> int:
    return sum(row.mentions + row.raw + row.unread for row in due.count(session, house, now))


def _tell(session: Session, counts: Found, job: Job, now: datetime) -> None:
    for source_id in sorted({source for (source, kind) in counts if kind != "held"}):
        audit.record(
            session, at=now, by=job.by, action="purge", subject="source", subject_id=source_id,
            before={}, after={kind: counts[source_id, kind] for kind in _WORDS},
            reason="kept for as long as it is to be kept",
        )  # fmt: skip


def _remove_raw(store: Store, session: Session, ids: Sequence[int], now: datetime) -> Found:
    del store, now
    per_source = select(Mention.source_id).join(RawPayload).where(col(Mention.id).in_(ids))
    counts: Found = Counter((source, "raw") for source in session.exec(per_source))
    session.execute(sa.delete(RawPayload).where(col(RawPayload.mention_id).in_(ids)))
    return counts


def _remove_unread(store: Store, session: Session, ids: Sequence[int], now: datetime) -> Found:
    del store, now
    which = col(Quarantine.id).in_(ids)
    per_source = select(Quarantine.source_id).where(which)
    counts: Found = Counter((source, "unread") for source in session.exec(per_source))
    session.execute(sa.delete(Quarantine).where(which))
    return counts


_KINDS: dict[str, tuple[Callable[..., Sequence[int]], Callable[..., Found]]] = {
    "mentions": (due.next_mentions, remove),
    "raw": (due.next_raw, _remove_raw),
    "unread": (due.next_unread, _remove_unread),
}
"""What is gone through, in this order: how the next are found, and how they are removed."""
