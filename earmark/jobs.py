"""What the worker does for a page: each kind of job in one function."""

import asyncio
import logging
from datetime import timedelta

from sqlmodel import col, select

from earmark.app import Parts
from earmark.backfilling import Backfilling
from earmark.deliveries import READ, read_named
from earmark.pipeline import PAUSE_SECONDS, Pipeline
from earmark.purging import Purging
from earmark.rescoring import Rescoring
from earmark_core import jobs
from earmark_core.errors import ConfigError
from earmark_core.jobs import JobRow
from earmark_core.model import SYSTEM
from earmark_core.tables import Brand, Job
from earmark_listeners.backfills import KIND as BACKFILL
from earmark_listeners.purges import KIND as PURGE
from earmark_sentiment.rescores import KIND as RESCORE

log = logging.getLogger(__name__)

LEARN = "learn"
LONG = frozenset({RESCORE, LEARN, BACKFILL, READ, PURGE})
"""Kinds that take so long that others must not wait for them."""
NIGHTLY = (LEARN, PURGE)
_NIGHTLY = timedelta(hours=24)


async def do(parts: Parts, pipeline: Pipeline, job: JobRow) -> None:
    """Does a claimed job, and closes it."""
    if job.kind == "poll":
        state, note = await _poll(job, pipeline)
    elif job.kind == RESCORE:
        await _rescore(parts, job)
        return
    elif job.kind == BACKFILL:
        await Backfilling(parts, job).run()
        await pipeline.settle()
        return
    elif job.kind == PURGE:
        await _purge(parts, job)
        return
    elif job.kind == READ:
        ended = await read_named(parts, job)
        if ended is None:
            return
        state, note = ended
        await pipeline.settle()
    elif job.kind == LEARN:
        state, note = "done", await asyncio.to_thread(learn_all, parts)
    else:
        state, note = "failed", f"This version of earmark does not know the job {job.kind!r}."
    jobs.end(parts.store, job.id, state=state, note=note, now=parts.clock())


async def _poll(job: JobRow, pipeline: Pipeline) -> tuple[str, str]:
    claimed = await pipeline.claim(only=int(job.payload["source_id"]), limit=1)
    if not claimed:
        return "done", "It is being polled already, is paused, or asked us to wait."
    polled = await pipeline.poll(claimed[0])
    await pipeline.settle()
    outcome = polled.outcome
    if outcome.error:
        return "failed", outcome.error
    return "done", f"{outcome.new_items} new of {outcome.items} items."


async def _rescore(parts: Parts, job: JobRow) -> None:
    """Closes its job itself; broken off between two batches, the job waits for the next worker."""
    rescoring = Rescoring(parts.store, parts.clock, parts.scorers, job)
    while await asyncio.to_thread(rescoring.step):
        await asyncio.sleep(PAUSE_SECONDS)  # on SQLite the others' writers get their turn


async def _purge(parts: Parts, job: JobRow) -> None:
    """Closes its job itself, as a rescore does."""
    purging = Purging(parts.store, parts.clock, parts.settings.retention, job)
    while await asyncio.to_thread(purging.step):
        await asyncio.sleep(PAUSE_SECONDS)


def ask_nightly(parts: Parts) -> bool:
    """Puts learning and purging in line if the last time is a day ago; tells whether it did."""
    now = parts.clock()
    asked = False
    for kind in NIGHTLY:
        with parts.store.write() as session:
            recent = select(Job.id).where(Job.kind == kind, col(Job.created_at) > now - _NIGHTLY)
            if session.exec(recent.limit(1)).first() is None:
                jobs.submit(parts.store, session, kind=kind, key=kind, by=SYSTEM.name, now=now)
                asked = True
    return asked


def learn_all(parts: Parts) -> str:
    """Refits each brand that has new corrections, accepts what is no worse, and says what it did.

    What is worse stays proposed, with the figures that fell.
    """
    try:
        learning = parts.learning
    except ConfigError as error:
        return str(error)
    with parts.store.read() as session:
        brands = session.exec(select(Brand).order_by(col(Brand.id))).all()
        known = [(brand.id or 0, brand.name) for brand in brands]
    told = []
    for brand_id, name in known:
        status = learning.status(SYSTEM, brand_id)
        if not status.can_refit or not status.new:
            continue
        row = learning.refit(SYSTEM, brand_id)
        worse = row.figures["worse"]
        if not worse:
            learning.accept(SYSTEM, brand_id, row.version)
        told.append(f"{name}: version {row.version} {'refused' if worse else 'accepted'}.")
    return " ".join(told) or "No brand has enough new corrections."
