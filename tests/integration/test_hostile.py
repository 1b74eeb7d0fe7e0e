"""Bodies that mean harm end as an outcome in words, and the sources beside them are heard.

The bodies are those of `python -m benchmarks hostile`, only smaller, from the same server.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlmodel import col, select

from benchmarks.hostileserver import HACKERNEWS, HOSTILE, Addresses, Sizes, Yard
from earmark.app import Parts, assemble
from earmark.pipeline import Polled
from earmark_config.settings import Limits, load_settings
from earmark_core.model import WindowState
from earmark_core.tables import Brand, Mention, PollWindow, Source

SIZES = Sizes(feed=3_000_000, unpacked=6_000_000, depth=50_000, under_cap=1_900_000,
              broken_items=50, pace_seconds=0.05)  # fmt: skip
LIMITS = Limits(request_seconds=2, response_bytes=2_000_000)
# Within these limits, so that what they say is read.
READ = {"deep XML", "broken XML that takes long", "one title of 9.9 MB"}
WORDS = {
    "50 MB feed": "larger than 2,000,000 bytes",
    "200 MB from 194 kB of gzip": "larger than 2,000,000 bytes",
    "chunks without end": "larger than 2,000,000 bytes",
    "one byte a second": "no whole answer within 2 seconds",
    "connects and says nothing": "no whole answer within 2 seconds",
    "headers without end, one a second": "no whole answer within 2 seconds",
    "headers without end, at once": "connection failed",
    "deep JSON, to a feed": "nested too deep",
    "deep JSON, to an API channel": "nested too deep",
    "2.5 million elements, under the cap": "more than 400,000 tags",
    "3.3 million JSON objects, to a feed": "more than 500,000 values",
    "flat JSON under the cap, API channel": "more than 500,000 values",
    "a billion laughs": "document type with declarations",
}


class Noted(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record)


@dataclass(frozen=True)
class Ended:
    """What became of a poll of each body, with what was stored and logged."""

    parts: Parts
    polled: Mapping[str, Polled]
    logged: Sequence[logging.LogRecord]


def _sources(parts: Parts, at: Addresses) -> None:
    with parts.store.write() as session:
        session.add(Brand(id=1, name="Brightcup", created_at=parts.clock()))
        session.flush()
        for name in (*HOSTILE, "good"):
            is_api = name in HACKERNEWS
            where = f"{at.of(name)}/1" if name == "good" else at.of(name)
            session.add(
                Source(brand_id=1, channel="hackernews" if is_api else "feed", name=name,
                       options={"base_url": where, "query": "x"} if is_api else {"url": where},
                       takes_all=True, next_poll_at=parts.clock(), created_at=parts.clock())
            )  # fmt: skip


async def _poll_all(folder: Path) -> tuple[Parts, dict[str, Polled]]:
    yard = Yard(SIZES)
    settings = load_settings(None, {}, {"data_dir": folder}).model_copy(update={"limits": LIMITS})
    async with yard.open():
        at = Addresses(yard.ports)
        parts = assemble(settings, create=True, allow=at.allow)
        _sources(parts, at)
        pipeline = parts.pipeline()
        due = await pipeline.claim(limit=100)
        polled = await asyncio.gather(*(pipeline.poll(each) for each in due))
        await parts.fetcher.aclose()
    return parts, {each.name: each for each in polled}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    noted = Noted()
    logging.getLogger().addHandler(noted)
    try:
        parts, polled = asyncio.run(_poll_all(tmp_path_factory.mktemp("hostile")))
    finally:
        logging.getLogger().removeHandler(noted)
    yield Ended(parts, polled, noted.lines)
    parts.store.close()


def test_each_ends_in_words_and_the_others_are_heard(ended: Ended) -> None:
    polled = ended.polled
    assert polled.keys() == {*HOSTILE, "good"}
    assert HOSTILE.keys() == WORDS.keys() | READ
    for name, words in WORDS.items():
        outcome = polled[name].outcome
        assert words in outcome.error, name
        assert outcome.state is WindowState.failed, name
        assert not outcome.needs_person, name
    for name in READ:
        assert not polled[name].outcome.error, name
    assert polled["good"].outcome.new_items == 30
    assert not [line for line in ended.logged if line.levelno >= logging.ERROR or line.exc_info]


def test_what_became_of_each_stands_in_the_ledger_and_no_source_stays_claimed(ended: Ended) -> None:
    with ended.parts.store.read() as session:
        notes = dict(
            session.exec(
                select(Source.name, PollWindow.note).join(
                    PollWindow, col(PollWindow.source_id) == col(Source.id)
                )
            ).all()
        )
        titles = session.exec(select(Mention.title)).all()
        assert session.exec(select(Source).where(col(Source.lease_until).is_not(None))).all() == []
    for name, words in WORDS.items():
        assert words in notes[name], name
    assert any(title.startswith("wwww") and len(title) <= 1_001 for title in titles)
