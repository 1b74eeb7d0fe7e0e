"""Scoring history again with what is in force: the work behind a rescore job.

A batch is one transaction: scores, aspects, counts, and how far the job is. So a worker that is
killed between two batches loses nothing, and whoever takes the job next goes on behind the last
one.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from earmark import aspects, scoring
from earmark_core import jobs
from earmark_core.clock import Clock
from earmark_core.jobs import JobRow
from earmark_core.model import ALIVE, Score
from earmark_core.store import Store
from earmark_core.tables import Case, Job, Match, Mention, ScoreChange
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.reading import belongs, names_of

BATCH = 200
_UNSCORED = "unscored"
Pairs = Sequence[tuple[Any, Score]]


class Rescoring:
    """One rescore job at work."""

    def __init__(self, store: Store, clock: Clock, scorers: BrandScorers, job: JobRow) -> None:
        self._store = store
        self._clock = clock
        self._scorers = scorers
        self._job = job
        self._brand: int | None = job.payload.get("brand_id")
        self.done = job.done
        self.total = job.total
        self.state = "running"
        self.note = ""

    def run(self, tick: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        """Works to the end; *tick* is told how many of how many are done."""
        while self.step():
            tick(self.done, self.total)
        tick(self.done, self.total)

    def step(self) -> bool:
        """Does one batch; gives False when the job has ended, by whatever cause."""
        with self._store.read() as session:
            job = session.get_one(Job, self._job.id)
            payload, wants_cancel = dict(job.payload), job.wants_cancel
            after = int(payload.get("after", 0))
            if not self.total:
                self.total = self._count(session)
            rows = self._rows(session, after)
            scorers = scoring.scorer_of(session, self._scorers, rows)
            heard = aspects.listened(session, rows)
            names = names_of(session)
        if wants_cancel or not rows:
            self.finish("cancelled" if wants_cancel else "done")
            return False
        scores = scoring.scored(rows, scorers, names)
        finds = aspects.find(rows, scores, scorers, heard, names)
        return self._keep(rows, scores, finds, payload)

    def finish(self, state: str) -> None:
        """Closes the job and marks on the trends what it changed, in one transaction."""
        now = self._clock()
        with self._store.write() as session:
            job = jobs.hold(session, self._job, done=self.done, now=now)
            if job is None:
                self.state, self.note = "taken", "Another worker went on with it."
                return
            for mark in _marks(job, now):
                session.add(mark)
            self.state, self.note = state, _words(job)
            job.state, job.note = self.state, self.note
            job.ended_at, job.lease_until = now, None

    def _count(self, session: Session) -> int:
        query = select(func.count(col(Mention.id))).where(*self._asked())
        return session.exec(query).one()

    def _rows(self, session: Session, after: int) -> Sequence[Any]:
        query = select(*scoring.columns()).where(col(Mention.id) > after, *self._asked())
        return session.execute(query.order_by(col(Mention.id)).limit(BATCH)).all()

    def _asked(self) -> list[Any]:
        asked: list[Any] = [col(Mention.scored_at).is_not(None)]
        if self._brand is not None:
            asked.append(belongs(self._brand))
        return asked

    def _keep(
        self,
        rows: Sequence[Any],
        scores: Sequence[Score],
        finds: aspects.Finds,
        payload: dict[str, Any],
    ) -> bool:
        now = self._clock()
        with self._store.write() as session:
            job = jobs.hold(session, self._job, done=self.done, now=now)
            if job is None:
                self.state, self.note = "taken", "Another worker went on with it."
                return False
            same = scoring.still_the_same(session, rows, scored=True)
            pairs = [
                (row, score) for row, score in zip(rows, scores, strict=True) if row.id in same
            ]
            scoring.write(session, pairs, now)
            aspects.keep(session, [row for row, _ in pairs], finds)
            scoring.recount(self._store, session, pairs)
            _tell_cases(session, pairs, now)
            _note(session, payload, pairs)
            self.done += len(rows)
            job.done, job.total = self.done, max(self.total, self.done)
            job.payload = {**payload, "after": rows[-1].id}
        return True


def _label(label: Any) -> str:
    return str(label) if label else _UNSCORED


def _note(session: Session, payload: dict[str, Any], pairs: Pairs) -> None:
    """Adds to the job what changed: overall, and by brand and models for the trends."""
    before = Counter(payload.get("labels_before", {}))
    after = Counter(payload.get("labels_after", {}))
    marks: dict[str, dict[str, Any]] = dict(payload.get("marks", {}))
    for row, score in pairs:
        before[_label(row.label)] += 1
        after[_label(score.label)] += 1
    diff = _diff(pairs, payload.get("diff", {}))
    payload.update(labels_before=before, labels_after=after, diff=diff, marks=marks)
    payload["n"] = payload.get("n", 0) + len(pairs)
    by_brand: dict[str, list[tuple[Any, Score]]] = defaultdict(list)
    brands = _brands(session, [row.id for row, _ in pairs])
    for row, score in pairs:
        for brand_id in brands[row.id]:
            key = json.dumps([brand_id, row.model_id, score.model_id])
            by_brand[key].append((row, score))
    for key, mine in by_brand.items():
        known = marks.get(key, {"n": 0, "diff": {}})
        marks[key] = {"n": known["n"] + len(mine), "diff": _diff(mine, known["diff"])}


def _diff(pairs: Iterable[tuple[Any, Score]], known: dict[str, int]) -> dict[str, int]:
    """Counts the labels that changed, as "negative -> neutral"."""
    diff = Counter(known)
    for row, score in pairs:
        old, new = _label(row.label), _label(score.label)
        if old != new:
            diff[f"{old} -> {new}"] += 1
    return dict(sorted(diff.items()))


def _brands(session: Session, ids: Sequence[int]) -> dict[int, set[int]]:
    brands: dict[int, set[int]] = defaultdict(set)
    query = select(Match.mention_id, Match.brand_id).where(
        col(Match.mention_id).in_(ids), col(Match.is_relevant)
    )
    for mention_id, brand_id in session.execute(query):
        brands[mention_id].add(brand_id)
    return brands


def _marks(job: Job, now: Any) -> Iterable[ScoreChange]:
    for key, found in job.payload.get("marks", {}).items():
        brand_id, old, new = json.loads(key)
        changed = sum(found["diff"].values())
        if old != new or changed:
            yield ScoreChange(
                brand_id=brand_id,
                at=now,
                kind="rescore",
                from_model=old,
                to_model=new,
                n=found["n"],
                changed=changed,
                diff=found["diff"],
                job_id=job.id,
                by=job.by,
            )


def _words(job: Job) -> str:
    diff: dict[str, int] = job.payload.get("diff", {})
    told = ", ".join(f"{change} {count:,}" for change, count in diff.items())
    changed = f"{sum(diff.values()):,} labels changed{f': {told}' if told else ''}."
    return f"{job.payload.get('n', 0):,} mentions scored again; {changed}"


def _tell_cases(session: Session, pairs: Pairs, now: Any) -> None:
    """Shows the new label on living cases whose newest mention got another one."""
    for row, score in pairs:
        if row.human_label or _label(row.label) == _label(score.label):
            continue
        session.execute(
            sa.update(Case)
            .where(col(Case.last_mention_id) == row.id, col(Case.status).in_(list(ALIVE)))
            .values(label=str(score.label) if score.label else None, updated_at=now)
        )
