"""History fetched on demand, from a real server, into both databases."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from earmark import jobs
from earmark.app import Parts, assemble
from earmark.backfilling import Backfilling
from earmark.demo.testing import DemoServer, demo_server
from earmark_config.settings import load_settings
from earmark_core import jobs as line
from earmark_core.clock import system_clock
from earmark_core.coverage import Heard, gaps
from earmark_core.errors import ConfigError, NotAllowed
from earmark_core.jobs import JobRow
from earmark_core.model import SYSTEM, Actor, Role
from earmark_core.tables import Brand, Case, Mention, Monitor, PollWindow, Source

HOUR = timedelta(hours=1)
N = 250


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoServer]:
    with demo_server() as server:
        now = system_clock()
        for hours, count in ((5, 100), (3, 100), (1, 50)):  # a whole page within one second, twice
            at = (now - hours * HOUR).replace(microsecond=0).isoformat()
            text = f"Kettle {hours}-{{i}} is terrible, I want a refund"
            server.posts(text, count, place="hn", at=at)
        yield server


@pytest.fixture
def parts(store_url: str, tmp_path: Path, demo: DemoServer) -> Iterator[Parts]:
    settings = load_settings(None, {}, {"data_dir": tmp_path, "database_url": store_url})
    made = assemble(settings, allow=[demo.address])
    now = made.clock()
    with made.store.write() as session:
        session.add(Brand(id=1, name="Kettle", created_at=now))
        session.flush()
        session.add(Monitor(brand_id=1, name="m", query="kettle", created_at=now, updated_at=now))
        base = {"brand_id": 1, "next_poll_at": now, "created_at": now - 48 * HOUR}
        options = {"query": "kettle", "base_url": demo.url}
        session.add(Source(id=1, channel="hackernews", name="hn", options=options, **base))
        session.add(Source(id=2, channel="feed", name="news", options={"url": demo.url}, **base))
    yield made
    made.store.close()


def span(parts: Parts) -> tuple[datetime, datetime]:
    now = parts.clock()
    return now - 24 * HOUR, now


def claimed(parts: Parts, start: datetime, end: datetime) -> JobRow:
    number = parts.backfills.ask(SYSTEM, 1, start, end)
    job = line.claim(parts.store, parts.clock(), only=number)
    assert job is not None
    return job


def fetch(parts: Parts, job: JobRow, tick: Any = lambda _done, _total: None) -> None:
    async def work() -> None:
        try:
            await Backfilling(parts, job, pause=0).run(tick)
        finally:
            await parts.fetcher.aclose()

    asyncio.run(work())


def rows(parts: Parts, table: type[Any]) -> list[Any]:
    with parts.store.read() as session:
        return list(session.exec(select(table)))


def test_history_is_stored_once_opens_no_case_and_heals_the_gap(parts: Parts) -> None:
    start, end = span(parts)
    before = gaps((), start, end)
    fetch(parts, claimed(parts, start, end))
    asyncio.run(parts.pipeline().settle())
    mentions = rows(parts, Mention)
    assert len(mentions) == N
    assert all(mention.is_history for mention in mentions)
    assert rows(parts, Case) == []
    job = parts.backfills.latest(SYSTEM, 1)
    assert job is not None
    assert (job.state, job.done, job.note[:16]) == ("done", job.total, "250 new mentions")
    [window] = rows(parts, PollWindow)
    assert (window.state, window.covers_from, window.ended_at) == ("backfilled", start, end)
    assert (window.new_items, window.pages) == (N, 3)
    heard = [Heard(window.state, window.covers_from, window.ended_at)]
    assert before == ((start, end),)
    assert gaps(heard, start, end) == ()


def test_a_killed_backfill_goes_on_behind_its_last_page(parts: Parts, demo: DemoServer) -> None:
    start, end = span(parts)
    job = claimed(parts, start, end)

    class Killed(BaseException):
        pass

    def kill(_done: int, _total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        fetch(parts, job, kill)
    assert 0 < len(rows(parts, Mention)) < N
    again = line.get(parts.store, job.id)
    assert again is not None
    assert 0 < again.done < again.total
    assert again.payload["cursor"]
    parts_again = assemble(parts.settings, allow=[demo.address])
    fetch(parts_again, again)
    parts_again.store.close()
    assert len(rows(parts, Mention)) == N
    [window] = rows(parts, PollWindow)
    assert (window.covers_from, window.new_items) == (start, N)


def test_a_cancelled_backfill_keeps_what_it_has_and_can_be_taken_up(
    parts: Parts, demo: DemoServer
) -> None:
    start, end = span(parts)
    job = claimed(parts, start, end)
    assert parts.backfills.cancel(SYSTEM, job.id)
    fetch(parts, job)
    cancelled = parts.backfills.latest(SYSTEM, 1)
    assert cancelled is not None
    assert (cancelled.state, len(rows(parts, Mention))) == ("cancelled", 100)
    again = claimed(parts, start, end)
    assert again.id != job.id
    assert again.payload["cursor"] == cancelled.payload["cursor"]


def test_a_source_that_fails_says_so_and_the_job_can_be_asked_for_again(
    parts: Parts, demo: DemoServer
) -> None:
    demo.fault("/api/v1/search_by_date", "html")
    fetch(parts, claimed(parts, *span(parts)))
    demo.forget_faults()
    failed = parts.backfills.latest(SYSTEM, 1)
    assert failed is not None
    assert failed.state == "failed"
    assert "it goes on where it was" in failed.note


def test_what_cannot_be_fetched_is_said_before_a_job_is_made(parts: Parts) -> None:
    start, end = span(parts)
    with pytest.raises(ConfigError, match="feed gives only what is new") as caught:
        parts.backfills.ask(SYSTEM, 2, start, end)
    assert "hackernews" in caught.value.hint
    for first, last in ((end, start), (end + HOUR, end + 2 * HOUR), (end - 400 * 24 * HOUR, end)):
        with pytest.raises(ConfigError):
            parts.backfills.ask(SYSTEM, 1, first, last)
    with pytest.raises(NotAllowed):
        parts.backfills.ask(Actor("robin", Role.responder, 1), 1, start, end)


def test_the_worker_does_it_when_a_page_asks(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.backfilling.PAUSE_SECONDS", 0.0)
    job = claimed(parts, *span(parts))
    assert job.kind in jobs.LONG

    async def work() -> None:
        await jobs.do(parts, parts.pipeline(), job)
        await parts.fetcher.aclose()

    asyncio.run(work())
    assert all(mention.scored_at and mention.decided_at for mention in rows(parts, Mention))
