"""Hostile: what bodies that mean harm cost the worker, and whether other sources keep pace.

The worker is the product's own process (`earmark worker`), its memory the peak that the kernel
noted (VmHWM). It polls well-behaved feeds alone for a while, then the hostile bodies beside them.
Each body is asked for again and again, as the back-off after an error allows.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise, product
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from sqlmodel import col

from benchmarks import databases
from benchmarks.hostileserver import HACKERNEWS, HOSTILE, Addresses, hostile_server
from benchmarks.machine import cpu_of, peak_of
from benchmarks.report import Print, Table
from earmark_core.clock import system_clock
from earmark_core.store import Store
from earmark_core.tables import Heartbeat, PollWindow, Source
from earmark_core.tables.columns import table_of

LOOK_SECONDS = 0.1
_COPY = ", source "


def options(parser: ArgumentParser) -> None:
    """Adds the options of this figure."""
    parser.add_argument("--good", type=int, default=50, help="well-behaved feeds")
    parser.add_argument("--interval", type=int, default=15, help="seconds between their polls")
    parser.add_argument("--alone", type=float, default=60, help="seconds without the hostile")
    parser.add_argument("--beside", type=float, default=120, help="seconds with them")
    parser.add_argument("--copies", type=int, default=1, help="sources of each hostile body")
    parser.add_argument("--only", action="append", help="this body alone; may be repeated")


def run(chosen: Namespace, say: Print) -> None:
    """Prints a table of bodies, one of memory and one of how the others kept pace."""
    names = [name for name in HOSTILE if not chosen.only or name in chosen.only]
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as scratch, hostile_server() as at:
        folder = Path(scratch)
        store = databases.sqlite_store(folder, "earmark")
        try:
            _prepare(store, at, names, chosen)
            config = folder / "earmark.toml"
            config.write_text(f'allow = {at.allow}\nlog_level = "error"\n')
            tables = [Table(title, columns) for title, columns in _TABLES]
            _measure(store, config, at, chosen, tables)
            for table in tables:
                say(table.text())
        finally:
            store.close()


_TABLES = (
    ("Hostile bodies", ("body", "polls", "longest s", "what became of the last")),
    ("The worker meanwhile", ("moment", "worker's peak MB", "parser child's peak MB", "CPU s")),
    ("Well-behaved feeds beside them",
     ("meanwhile", "polls", "median gap s", "longest gap s", "later than two intervals")),
)  # fmt: skip


@dataclass
class Watched:
    """A worker that is looked at: its peak, and the highest of the children it had."""

    pid: int
    children: dict[int, float] = field(default_factory=dict)

    def look(self, until: float) -> None:
        """Notes the children's peaks until that moment of `time.monotonic`."""
        while time.monotonic() < until:
            if not peak_of(self.pid):
                raise RuntimeError("the worker ended; its log says why")
            for pid in _children(self.pid):
                self.children[pid] = max(self.children.get(pid, 0.0), peak_of(pid))
            time.sleep(LOOK_SECONDS)  # another process is measured: it tells nothing by itself

    def row(self) -> tuple[float, float, float]:
        """Gives its peak, that of its children, and its CPU seconds."""
        return peak_of(self.pid), max(self.children.values(), default=0.0), cpu_of(self.pid)


def _measure(
    store: Store, config: Path, at: Addresses, chosen: Namespace, tables: Sequence[Table]
) -> None:
    bodies, memory, pace = tables
    with _worker(config) as watched:
        while not _beats(store):
            watched.look(time.monotonic() + LOOK_SECONDS)
        watched.look(time.monotonic() + chosen.alone)
        memory.add("well-behaved feeds alone", *watched.row())
        _let_loose(store)
        began = time.monotonic()
        watched.look(began + chosen.beside)
        memory.add("hostile bodies beside them", *watched.row())
        asked = at.asked()
    log = (config.parent / "worker.log").read_text(encoding="utf-8")
    for name, (polls, longest, words) in _outcomes(store).items():
        bodies.add(name, polls, longest, words)
    for name, early in (("alone", True), ("beside hostile bodies", False)):
        gaps = _gaps(asked, began, is_early=early)
        late = sum(gap > 2 * chosen.interval for gap in gaps)
        pace.add(name, len(gaps), median(gaps or [0.0]), max(gaps, default=0.0), late)
    bodies.notes = [f"Lines of level error in the worker's log: {log.count(chr(10))}."]
    memory.notes = [
        "Its start included: Python, the models, the database. The child is the process that reads "
        "broken feeds; it has a limit of its own (768 MB of address space)."
    ]
    pace.notes = [
        f"{chosen.good} feeds at an interval of {chosen.interval} s ± 10 %, 8 polls at a time; "
        "a gap lies between two requests for the same feed, as their server saw them."
    ]


def _gaps(asked: Mapping[str, Sequence[float]], began: float, *, is_early: bool) -> list[float]:
    """Gives the gaps that ended before the hostile came, or since."""
    pairs = ((a, b) for times in asked.values() for a, b in pairwise(times))
    return [b - a for a, b in pairs if (b < began) == is_early]


def _prepare(store: Store, at: Addresses, names: Sequence[str], chosen: Namespace) -> None:
    databases.people_and_brands(store, system_clock)
    every = dict.fromkeys(("interval_seconds", "max_interval_seconds"), chosen.interval)
    with store.write() as session:
        good = [
            databases.add_source(session, system_clock, f"good {number}",
                                 options={"url": f"{at.of('good')}/{number}"})
            for number in range(chosen.good)
        ]  # fmt: skip
        for copy, name in product(range(chosen.copies), names):
            channel, found = "feed", {"url": at.of(name)}
            if name in HACKERNEWS:
                channel, found = "hackernews", {"query": "kettle", "base_url": at.of(name)}
            number = databases.add_source(session, system_clock, f"{name}{_COPY}{copy}",
                                          channel=channel, options=found)  # fmt: skip
            session.get_one(Source, number).is_enabled = False
        session.execute(sa.update(Source).values(min_interval_seconds=1))
        session.execute(
            sa.update(Source).where(col(Source.id).in_(good))
            .values(**every, min_interval_seconds=chosen.interval)
        )  # fmt: skip


def _beats(store: Store) -> bool:
    with store.read() as session:
        return session.get(Heartbeat, "worker") is not None


def _let_loose(store: Store) -> None:
    with store.write() as session:
        session.execute(
            sa.update(Source)
            .where(~col(Source.is_enabled))
            .values(is_enabled=True, next_poll_at=system_clock())
        )


@contextmanager
def _worker(config: Path) -> Iterator[Watched]:
    """Runs the worker as the supervisor does."""
    command = [sys.executable, "-m", "earmark", "worker"]
    command += ["--data", str(config.parent), "--config", str(config)]
    command += ["--parent", str(os.getpid())]
    with (
        (config.parent / "worker.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            yield Watched(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _children(pid: int) -> list[int]:
    """Gives the children of all threads of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue  # the thread has ended meanwhile
    return found


def _outcomes(store: Store) -> dict[str, tuple[int, float, str]]:
    """Gives for each hostile source: finished polls, the longest, and the last one's words."""
    window, source = table_of(PollWindow), table_of(Source)
    asked = (
        sa.select(source.c.name, window.c.started_at, window.c.ended_at, window.c.note)
        .join(source, source.c.id == window.c.source_id)
        .where(source.c.name.contains(_COPY), window.c.ended_at > window.c.started_at)
        .order_by(window.c.id)
    )
    found: dict[str, tuple[int, float, str]] = {}
    with store.read() as session:
        for row in session.execute(asked):
            name = row.name.partition(_COPY)[0]
            polls, longest, _ = found.get(name, (0, 0.0, ""))
            lasted = _seconds(row.started_at, row.ended_at)
            found[name] = polls + 1, max(longest, lasted), row.note or "read, nothing amiss"
    return found


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
