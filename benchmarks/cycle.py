"""Cycle: 1,000 feeds through the whole pipeline, beside a bare aiohttp loop on the same server.

Beside it stand our HTTP layer alone and our parser alone, over the same answers.

The server is a process of its own with 30 entries a feed. It answers on many ports, because our
own politeness allows two requests at a time to one host and port. Cold: everything is new;
changed: two of 30 entries are; all 304: nothing is.
"""

import asyncio
import random
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import sqlalchemy as sa

from benchmarks import databases
from benchmarks.atonce import each
from benchmarks.feedserver import ENTRIES, feed_server, set_edition
from benchmarks.machine import cpu, peak_megabytes
from benchmarks.report import Print, Table, spread
from earmark.pipeline import Pipeline
from earmark_core.clock import FixedClock
from earmark_core.fetch import Fetcher, make_fetcher
from earmark_core.store import Store
from earmark_core.tables import Mention, Source
from earmark_listeners import registry
from earmark_listeners.contract import Listener, Wiring
from earmark_listeners.feeds.reading import read_feed
from earmark_listeners.schedule import Due
from earmark_queue.cases import Cases
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.plugins import chosen_scorer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Seconds = tuple[float, float]


def options(parser: ArgumentParser) -> None:
    """Adds the options of this figure."""
    parser.add_argument("--feeds", type=int, default=1_000)
    parser.add_argument("--ports", type=int, default=50, help="ports the server answers on")
    parser.add_argument("--at-once", type=int, default=20, help="polls and requests at a time")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of changed and 304")


def run(chosen: Namespace, say: Print) -> None:
    """Prints the table of the three cycles."""
    with feed_server(chosen.feeds, min(chosen.ports, chosen.feeds)) as urls:
        say(asyncio.run(_measured(urls, chosen)).text())


class Bare:
    """The least that fetching takes: aiohttp, with the ETag of the last time."""

    def __init__(self, session: aiohttp.ClientSession, urls: Sequence[str], at_once: int) -> None:
        self._session = session
        self._urls = urls
        self._at_once = at_once
        self._etags: dict[str, str] = {}

    async def cycle(self) -> None:
        """Asks for every feed once and reads the answers."""

        async def fetch(url: str) -> None:
            headers = {"If-None-Match": self._etags[url]} if url in self._etags else {}
            async with self._session.get(url, headers=headers) as answer:
                await answer.read()
                self._etags[url] = answer.headers["ETag"]

        await each(fetch, self._urls, self._at_once)


class Door:
    """Our HTTP layer alone, with the ETag of the last time, and our parser alone."""

    def __init__(self, fetcher: Fetcher, urls: Sequence[str], at_once: int) -> None:
        self._fetcher = fetcher
        self._urls = urls
        self._at_once = at_once
        self._etags: dict[str, str] = {}
        self._bodies: list[bytes] = []

    async def cycle(self) -> None:
        """Asks for every feed once; keeps the bodies for `parse`."""
        self._bodies = []

        async def fetch(url: str) -> None:
            headers = {"If-None-Match": self._etags[url]} if url in self._etags else {}
            answer = await self._fetcher.get(url, headers=headers)
            self._etags[url] = answer.headers["ETag"]
            if answer.body:
                self._bodies.append(answer.body)

        await each(fetch, self._urls, self._at_once)

    async def parse(self) -> None:
        """Reads what the last cycle brought, one after the other."""
        for body in self._bodies:
            if len(read_feed(body).entries) != ENTRIES:
                raise AssertionError("an entry was lost")


class Ours:
    """The pipeline as the worker runs it: claim, poll, store; then score, then decide."""

    def __init__(
        self, store: Store, pipeline: Pipeline, door: Door, clock: FixedClock, at_once: int
    ) -> None:
        self.store = store
        self.door = door
        self.clock = clock
        self._pipeline = pipeline
        self._at_once = at_once
        self.failed: list[str] = []

    async def hear(self) -> None:
        """Polls every source once."""

        async def poll(due: Due) -> None:
            polled = await self._pipeline.poll(due)
            if polled.outcome.error:
                self.failed.append(polled.outcome.error)

        while claimed := await self._pipeline.claim(limit=self._at_once * 5):
            await each(poll, claimed, self._at_once)

    async def score(self) -> None:
        """Scores all that is new."""
        while await self._pipeline.score():
            pass

    async def decide(self) -> None:
        """Decides on all that was scored."""
        while await self._pipeline.decide():
            pass

    def make_due(self) -> None:
        """Lets an hour pass, after which every source is due."""
        self.clock.forward(timedelta(hours=1))
        with self.store.write() as session:
            session.execute(sa.update(Source).values(next_poll_at=self.clock(), not_before=None))

    def mentions(self) -> int:
        """Gives how many are stored."""
        with self.store.read() as session:
            count: int = session.execute(
                sa.select(sa.func.count()).select_from(Mention)
            ).scalar_one()
            return count


async def _measured(urls: Sequence[str], chosen: Namespace) -> Table:
    columns = ("cycle", "who", "wall s", "CPU s", "of bare CPU", "new mentions")
    table = Table(f"Cycle over {len(urls):,} feeds", columns)
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as scratch:
        async with _ours(Path(scratch), urls, chosen.at_once) as ours, _bare(urls, chosen) as bare:
            await set_edition(urls[0], 0)
            _report(table, "cold", [await _turn(ours, bare)])
            changed, same = [], []
            for number in range(1, chosen.rounds + 1):
                await set_edition(urls[0], number)
                changed.append(await _turn(ours, bare))
                same.append(await _turn(ours, bare))
            _report(table, "changed, 2 of 30 new", changed)
            _report(table, "all 304", same)
            failed = len(ours.failed)
    table.notes = [
        f"{chosen.at_once} at a time, {chosen.rounds} rounds (median). CPU of this process, without"
        f" the server's. Peak memory {peak_megabytes():.0f} MB. Polls that failed: {failed}.",
        f"The server answers on {chosen.ports} ports, so that the limit of two requests at a time"
        " to one host and port does not decide the figure.",
    ]
    return table


@asynccontextmanager
async def _ours(folder: Path, urls: Sequence[str], at_once: int) -> AsyncIterator[Ours]:
    clock = FixedClock(NOW)
    store = databases.sqlite_store(folder, "cycle")
    databases.people_and_brands(store, clock)
    with store.write() as session:
        for number, url in enumerate(urls):
            databases.add_source(session, clock, f"feed {number}", options={"url": url},
                                 takes_all=False)  # fmt: skip
    allow = {urlsplit(url).netloc for url in urls}
    fetcher = make_fetcher(user_agent="earmark-benchmark", allow=allow, clock=clock)
    wiring = Wiring(fetch=fetcher, clock=clock, secret=lambda reference: reference)

    def build(channel: str, found: Mapping[str, Any]) -> Listener[Any]:
        return registry.build(channel, dict(found), wiring)

    scorers, cases = BrandScorers(chosen_scorer()), Cases(store, clock)
    pipeline = Pipeline(store=store, clock=clock, rng=random.Random(1), build=build,
                        scorers=scorers, cases=cases)  # fmt: skip
    try:
        yield Ours(store, pipeline, Door(fetcher, urls, at_once), clock, at_once)
    finally:
        await fetcher.aclose()
        store.close()


@asynccontextmanager
async def _bare(urls: Sequence[str], chosen: Namespace) -> AsyncIterator[Bare]:
    connector = aiohttp.TCPConnector(limit=chosen.at_once)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Bare(session, urls, chosen.at_once)


async def _turn(ours: Ours, bare: Bare) -> dict[str, Seconds]:
    """Gives the seconds of each step, and the number of new mentions as the last one's."""
    ours.make_due()
    before = ours.mentions()
    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "bare aiohttp": bare.cycle,
        "HTTP only (`Fetcher.get`)": ours.door.cycle,
        "parse only (`read_feed`)": ours.door.parse,
        "ours: fetch, parse, store": ours.hear,
        "ours: score": ours.score,
        "ours: decide": ours.decide,
    }
    out = {name: await _timed(step) for name, step in steps.items()}
    out["new"] = (float(ours.mentions() - before), 0.0)
    return out


async def _timed(step: Callable[[], Awaitable[None]]) -> Seconds:
    wall, used = time.perf_counter(), cpu()
    await step()
    return time.perf_counter() - wall, cpu() - used


def _report(table: Table, cycle: str, turns: Sequence[dict[str, Seconds]]) -> None:
    names = [name for name in turns[0] if name != "new"]
    middle = {
        name: tuple(spread([turn[name][each] for turn in turns])[1] for each in (0, 1))
        for name in names
    }
    ours = [middle[name] for name in names if name.startswith("ours")]
    middle["**ours, all**"] = (sum(s[0] for s in ours), sum(s[1] for s in ours))
    bare = middle["bare aiohttp"][1]
    new = int(spread([turn["new"][0] for turn in turns])[1])
    for name, (wall, used) in middle.items():
        table.add(cycle, name, wall, used, f"{used / bare:.1f}x", new if "all" in name else "")
