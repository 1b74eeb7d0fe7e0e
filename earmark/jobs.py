"""What the worker does for a page: each kind of job in one function."""

import logging

from earmark.pipeline import Pipeline
from earmark_core import jobs
from earmark_core.clock import Clock
from earmark_core.jobs import JobRow
from earmark_core.store import Store

log = logging.getLogger(__name__)


async def run_next(store: Store, clock: Clock, pipeline: Pipeline) -> bool:
    """Takes the next job and does it; gives False if none is waiting."""
    job = jobs.claim(store, clock())
    if job is None:
        return False
    if job.kind == "poll":
        state, note = await _poll(job, pipeline)
    else:
        state, note = "failed", f"This version of earmark does not know the job {job.kind!r}."
    jobs.end(store, job.id, state=state, note=note, now=clock())
    return True


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
