"""What the worker does for a page, and by night on its own."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from earmark import jobs
from earmark.app import Parts, assemble
from earmark_config.settings import load_settings
from earmark_core import jobs as line
from earmark_core.clock import FixedClock
from earmark_core.model import SYSTEM, Label
from earmark_core.tables import AuditEntry, Brand, Job, Match, Mention, Source
from earmark_sentiment.brand_scorers import BrandScorers
from tests.toy import corpus, scorer


@pytest.fixture
def parts(tmp_path: Path, clock: FixedClock) -> Iterator[Parts]:
    made = assemble(
        load_settings(None, {}, {"data_dir": tmp_path}),
        create=True,
        clock=clock,
        rng=random.Random(1),
    )
    yield replace(made, scorers=BrandScorers(scorer()))
    asyncio.run(made.aclose())


def teach(parts: Parts, clock: FixedClock) -> int:
    with parts.store.write() as session:
        brand = Brand(name="Acme", created_at=clock())
        session.add(brand)
        session.flush()
        source = Source(
            brand_id=brand.id, channel="town", name="s", next_poll_at=clock(), created_at=clock()
        )
        session.add(source)
        session.flush()
        for i, (text, _) in enumerate(rows := corpus(120, 60)):
            mention = Mention(
                source_id=source.id, external_id=str(i), channel="town", body=text,
                seen_at=clock(), happened_at=clock(), content_hash=str(i), is_history=True,
            )  # fmt: skip
            session.add(mention)
            session.flush()
            session.add(Match(mention_id=mention.id, brand_id=brand.id))
        brand_id = int(brand.id or 0)
    asyncio.run(parts.pipeline().settle())
    for label in Label:
        chosen = [i for i, (_, said) in enumerate(rows, 1) if said is label]
        parts.judging.label(SYSTEM, chosen, label)
    return brand_id


def work(parts: Parts) -> list[tuple[str, str]]:
    """Does all that is in line."""
    pipeline = parts.pipeline()
    while (job := line.claim(parts.store, parts.clock())) is not None:
        asyncio.run(jobs.do(parts, pipeline, job))
    with parts.store.read() as session:
        return [(j.state, j.note) for j in session.exec(select(Job).order_by(col(Job.id)))]


def test_by_night_what_is_no_worse_comes_into_force_once_a_day(
    parts: Parts, clock: FixedClock
) -> None:
    brand_id = teach(parts, clock)
    assert jobs.ask_nightly(parts)
    assert not jobs.ask_nightly(parts)
    learned, purged = work(parts)
    assert learned == ("done", "Acme: version 1 accepted.")
    assert purged == ("done", "Nothing was due.")
    status = parts.learning.status(SYSTEM, brand_id)
    assert status.active is not None
    assert (status.active.by, status.new) == (SYSTEM.name, 0)
    clock.forward(timedelta(hours=25))
    assert jobs.ask_nightly(parts)
    assert work(parts)[-2] == ("done", "No brand has enough new corrections.")
    with parts.store.read() as session:
        told = [e.action for e in session.exec(select(AuditEntry)) if e.subject == "brand"]
    assert told == ["refit", "accept"]


def test_a_rescore_asked_for_by_a_page_is_done_by_the_worker(
    parts: Parts, clock: FixedClock
) -> None:
    brand_id = teach(parts, clock)
    parts.learning.refit(SYSTEM, brand_id)
    parts.learning.accept(SYSTEM, brand_id)
    job_id = parts.rescores.ask(SYSTEM, brand_id)
    [(state, note)] = work(parts)
    assert (state, note[:26]) == ("done", "180 mentions scored again;")
    row = parts.rescores.get(SYSTEM, job_id)
    assert row is not None
    assert (row.done, row.total) == (180, 180)


def test_an_unknown_job_is_closed_with_its_name(parts: Parts, clock: FixedClock) -> None:
    with parts.store.write() as session:
        line.submit(parts.store, session, kind="dance", key="dance", by="Ada", now=clock())
    [(state, note)] = work(parts)
    assert (state, "dance" in note) == ("failed", True)
