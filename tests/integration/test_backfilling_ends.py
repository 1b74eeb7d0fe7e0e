"""A backfill ends where the platform ends, waits where it is asked to, and claims no more."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from earmark.app import Parts, assemble
from earmark.backfilling import MOST_REST, Backfilling
from earmark_config.settings import load_settings
from earmark_core import jobs as line
from earmark_core.errors import Unavailable
from earmark_core.jobs import JobRow
from earmark_core.model import SYSTEM, Cursor, Item, WindowState
from earmark_core.tables import Brand, Mention, Monitor, PollWindow, Source
from earmark_listeners.channels.hackernews import HackerNews
from earmark_listeners.contract import Batch

HOUR = timedelta(hours=1)
Pages = Callable[[datetime, datetime, Cursor | None], AsyncIterator[Batch]]


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = assemble(load_settings(None, {}, {"data_dir": tmp_path}), create=True)
    now = made.clock()
    with made.store.write() as session:
        session.add(Brand(id=1, name="Kettle", created_at=now))
        session.flush()
        session.add(Monitor(brand_id=1, name="m", query="kettle", created_at=now, updated_at=now))
        told = {"channel": "hackernews", "name": "hn", "options": {"query": "kettle"}}
        session.add(Source(id=1, brand_id=1, next_poll_at=now, created_at=now, **told))
    yield made
    made.store.close()


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pages], None]:
    """Puts pages of ours in the place of the platform's."""

    def put(pages: Pages) -> None:
        monkeypatch.setattr(HackerNews, "backfill", lambda _self, *asked: pages(*asked))

    return put


def page(number: int, reached: datetime, **more: Any) -> Batch:
    item = Item(external_id=str(number), text=f"my kettle leaks {number}", published_at=reached)
    told: dict[str, Any] = {"cursor": Cursor(str(number)), "state": WindowState.backfilled}
    return Batch((item,), covers_from=reached, **(told | more))


def asked_for(parts: Parts) -> JobRow:
    now = parts.clock()
    number = parts.backfills.ask(SYSTEM, 1, now - 24 * HOUR, now)
    job = line.claim(parts.store, now, only=number)
    assert job is not None
    return job


def work(parts: Parts, job: JobRow, sleep: Any = None, tick: Any = None) -> list[float]:
    slept: list[float] = []

    async def rest(seconds: float) -> None:
        slept.append(seconds)
        if sleep is not None:
            sleep()

    asyncio.run(Backfilling(parts, job, pause=0, sleep=rest).run(tick or (lambda *_: None)))
    return slept


def window(parts: Parts) -> PollWindow:
    with parts.store.read() as session:
        return session.exec(select(PollWindow)).one()


def count(parts: Parts) -> int:
    with parts.store.read() as session:
        return len(session.exec(select(Mention)).all())


async def walled(start: datetime, end: datetime, since: Cursor | None) -> AsyncIterator[Batch]:
    if since is None:
        yield page(1, end - HOUR)
    if since != Cursor("2"):
        told = {"state": WindowState.truncated, "note": "the list ended after 1,000 entries"}
        yield page(2, end - 2 * HOUR, **told)


def test_a_wall_is_where_it_ends_and_no_more_is_claimed(parts: Parts, platform: Any) -> None:
    platform(walled)
    work(parts, asked_for(parts))
    job = parts.backfills.latest(SYSTEM, 1)
    assert job is not None
    assert (job.state, job.done) == ("done", job.total)
    assert "not given: the list ended after 1,000 entries" in job.note
    kept = window(parts)
    assert (kept.state, kept.covers_from) == ("truncated", kept.ended_at - 2 * HOUR)


def test_a_wall_is_remembered_by_who_takes_the_job_up_behind_it(
    parts: Parts, platform: Any
) -> None:
    platform(walled)

    class Killed(BaseException):
        pass

    def kill_at_the_wall(*_: int) -> None:
        if count(parts) == 2:
            raise Killed

    job = asked_for(parts)
    with pytest.raises(Killed):
        work(parts, job, tick=kill_at_the_wall)
    again = line.get(parts.store, job.id)
    assert again is not None
    work(parts, again)
    ended = parts.backfills.latest(SYSTEM, 1)
    assert ended is not None
    assert (ended.state, "1,000 entries" in ended.note) == ("done", True)
    assert window(parts).covers_from == window(parts).ended_at - 2 * HOUR


def test_a_source_that_wants_a_short_wait_is_given_it_and_gone_on_with(
    parts: Parts, platform: Any
) -> None:
    calls: list[Cursor | None] = []

    async def limited(start: datetime, end: datetime, since: Cursor | None) -> AsyncIterator[Batch]:
        calls.append(since)
        if since is None:
            yield page(1, end - HOUR, next_poll_after=timedelta(seconds=90))
        if len(calls) == 1:
            raise Unavailable(rate_limited=True, retry_after=timedelta(seconds=150))
        yield page(2, start)

    platform(limited)
    slept = work(parts, asked_for(parts))
    job = parts.backfills.latest(SYSTEM, 1)
    assert job is not None
    assert (job.state, count(parts)) == ("done", 2)
    assert calls == [None, Cursor("1")]
    assert sum(slept) == 90 + 150
    assert max(slept) <= 60, "the job's lease is kept meanwhile"


@pytest.mark.parametrize("wait", [MOST_REST, MOST_REST + HOUR, None], ids=str)
def test_who_wants_to_wait_for_ever_ends_it_and_it_can_be_taken_up(
    parts: Parts, platform: Any, wait: timedelta | None
) -> None:
    """Such as X, once what may be read in a month is read."""

    async def used_up(start: datetime, end: datetime, since: Any) -> AsyncIterator[Batch]:
        if since is None:
            yield page(1, end - HOUR)
        raise Unavailable("The 500 posts are used up.", rate_limited=True, retry_after=wait)

    platform(used_up)
    work(parts, asked_for(parts))
    job = parts.backfills.latest(SYSTEM, 1)
    assert job is not None
    assert (job.state, "used up" in job.note) == ("failed", True)
    assert "goes on where it was" in job.note
    assert window(parts).covers_from == window(parts).ended_at - HOUR


def test_it_can_be_cancelled_while_it_waits(parts: Parts, platform: Any) -> None:
    async def slow(start: datetime, end: datetime, since: Any) -> AsyncIterator[Batch]:
        yield page(1, end - HOUR, next_poll_after=MOST_REST)
        yield page(2, start)

    platform(slow)
    job = asked_for(parts)
    slept = work(parts, job, sleep=lambda: parts.backfills.cancel(SYSTEM, job.id))
    ended = parts.backfills.latest(SYSTEM, 1)
    assert ended is not None
    assert (ended.state, count(parts), len(slept)) == ("cancelled", 1, 1)
