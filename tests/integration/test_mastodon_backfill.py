"""An earlier stretch of time, fetched from a Mastodon server that somebody else wrote."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from earmark.app import Parts
from earmark.backfilling import Backfilling
from earmark_core import jobs as line
from earmark_core.clock import FixedClock, system_clock
from earmark_core.jobs import JobRow
from earmark_core.model import SYSTEM
from earmark_core.tables import Case, Mention, PollWindow
from tests.peers.house import House, hashtag, listen, mentions, opened, rows
from tests.peers.mastodon_mock import BRAND, CUSTOMER, MastodonMock
from tests.peers.wire_tap import WireTap

pytestmark = [pytest.mark.peer, pytest.mark.slow]

POSTS = 110
FIRST, LAST = 20, 100


class Killed(BaseException):
    """A crash between two pages."""


@pytest.mark.parametrize("kind", ["hashtag", "mentions"])
def test_a_stretch_is_fetched_whole_by_max_id_also_after_a_crash(
    kind: str, sqlite_url: str, tmp_path: Path, mastodon: MastodonMock, tap: WireTap
) -> None:
    clock = FixedClock(system_clock())
    house = House(sqlite_url, tmp_path, clock, tap.allow)
    said = [mastodon.post(CUSTOMER, f"@{BRAND} it leaks {n} #brightcup") for n in range(POSTS)]
    start, end = (datetime.fromisoformat(said[n]["created_at"]) for n in (FIRST, LAST))
    wanted = {post["uri"] for post in said if start <= made_at(post) < end}
    assert 40 < len(wanted) < POSTS
    clock.forward(timedelta(minutes=5))
    with opened(house.database) as store:
        options = {"hashtag": hashtag, "mentions": mentions}[kind](tap.url)
        number = listen(store, clock, place=options)["place"]

        job = house.ask(lambda parts: claimed(parts, number, start, end))
        with pytest.raises(Killed):
            fetched(house, job, is_killed=True)
        assert 0 < len(rows(store, Mention)) < len(wanted)
        fetched(house, line.get(store, job.id))

        found = rows(store, Mention)
        assert {mention.uri for mention in found} == wanted
        assert len(found) == len(wanted)
        assert all(mention.is_history for mention in found)
        assert rows(store, Case) == []
        [window] = rows(store, PollWindow)
        assert (window.state, window.covers_from, window.ended_at) == ("backfilled", start, end)
    assert any("max_id=" in exchange.path for exchange in tap.exchanges)


def made_at(post: dict[str, str]) -> datetime:
    return datetime.fromisoformat(post["created_at"])


def claimed(parts: Parts, source_id: int, start: datetime, end: datetime) -> JobRow:
    number = parts.backfills.ask(SYSTEM, source_id, start, end)
    job = line.claim(parts.store, parts.clock(), only=number)
    assert job is not None
    return job


def fetched(house: House, job: JobRow | None, *, is_killed: bool = False) -> None:
    assert job is not None
    parts = house.parts()

    def tick(_done: int, _total: int) -> None:
        with parts.store.read() as session:
            has_some = session.exec(select(Mention.id).limit(1)).first() is not None
        if is_killed and has_some:
            raise Killed

    async def work() -> None:
        try:
            await Backfilling(parts, job, pause=0).run(tick)
        finally:
            await parts.aclose()

    asyncio.run(work())
