"""Each figure runs at a tiny size, so that it still runs when somebody wants to know it.

No time is asserted: figures are reported, not passed or failed.
"""

import argparse
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks import crowd, databases, samples
from benchmarks.__main__ import FIGURES, main
from benchmarks.feedserver import ENTRIES, feed
from benchmarks.ingest import NOW
from benchmarks.page import PLACE, cleaned, pages
from benchmarks.report import Table, percentile
from benchmarks.ways import Ours, Raw
from earmark.matching import load_watch
from earmark_core.clock import FixedClock
from earmark_core.store import Store
from earmark_core.tables import Match, Mention, RawPayload
from earmark_listeners.feeds.reading import read_feed
from earmark_queue.views import Views


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(arguments)
    return capsys.readouterr().out


def test_ingest_compares_all_ways(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "ingest", "--rows", "60", "--page", "20", "--slices", "1")
    assert out.count("### ") == 2
    assert "keep_page" in out
    assert "COPY" in out
    rows = [line for line in out.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 5 + 2 + 3
    assert all(row.rstrip(" |").endswith(" 0") for row in rows if "ours" in row)


def test_inbox_measures_both_databases(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "inbox", "--mentions", "2000", "--runs", "1")
    assert out.count("### ") == 2
    for query in ("page 1, needs_reply", "claim next", "counts", "change counter"):
        assert out.count(f"| {query} ") == 2


def test_inbox_reuses_a_database_that_was_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    size = ("--mentions", "400", "--runs", "1", "--no-postgres", "--data", str(tmp_path))
    assert "filled in" in printed(capsys, "inbox", *size)
    assert "filled in" not in printed(capsys, "inbox", *size)


def test_cycle_hears_every_feed(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "cycle", "--feeds", "4", "--ports", "2", "--rounds", "1")
    assert "Polls that failed: 0" in out
    all_of_ours = [line for line in out.splitlines() if "**ours, all**" in line]
    assert [line.split("|")[-2].strip() for line in all_of_ours] == ["120", "8", "0"]


def test_http_compares_what_one_request_costs(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "http", "--feeds", "4", "--ports", "2", "--slices", "1")
    for answer in ("304", "200, 28 KB packed"):
        assert out.count(f"| {answer} ") == 4
    assert out.count("| 1.00x") == 2


def test_feeds_compares_what_reading_one_costs(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "feeds", "--feeds", "2", "--slices", "1")
    for kind in ("RSS", "Atom"):
        assert out.count(f"| {kind} ") >= 4
    assert "ours, fields" in out


def test_the_feed_server_serves_feeds_of_the_size_that_is_told() -> None:
    for number in (0, 9):
        body = feed(number, 1)
        assert 27_000 < len(body) < 30_000
        assert len(read_feed(body).entries) == ENTRIES


def test_start_tells_how_long_commands_take(capsys: pytest.CaptureFixture[str]) -> None:
    assert "| earmark version" in printed(capsys, "start", "--runs", "1", "--pages", "0")


@pytest.mark.slow
def test_start_waits_for_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "start", "--runs", "1", "--pages", "1")
    assert "| with the demo" in out
    assert "nan" not in out


def test_both_ways_of_ingest_store_the_same(tmp_path: Path) -> None:
    """A ceiling that wrote less than we do would be no ceiling."""
    clock = FixedClock(NOW)
    raw = Raw(databases.sqlite_store(tmp_path, "raw"), clock)
    ours = Ours("matching", databases.sqlite_store(tmp_path, "ours"), clock)
    for way in (raw, ours):
        for page in pages(40, 20, NOW):
            way.take(way.ready(page))
        way.close()
    kept = [_rows(Store(sa.create_engine(f"sqlite:///{tmp_path / name}.db"))) for name in
            ("raw", "ours")]  # fmt: skip
    assert kept[0] == kept[1]
    assert [len(rows) for rows in kept[0][:2]] == [40, 40]


def _rows(store: Store) -> list[list[tuple[object, ...]]]:
    tables = [model.__table__ for model in (Mention, RawPayload, Match)]
    with store.engine.connect() as connection:
        found = [
            [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.c))]
            for table in tables
        ]
    store.close()
    return found


def test_samples_are_the_same_again_and_of_both_kinds(store: Store) -> None:
    first, again = (list(samples.items(40, seed=3, now=NOW)) for _ in range(2))
    assert first == again
    assert {item.text.isascii() for item in first} == {True, False}
    databases.people_and_brands(store, FixedClock(NOW))
    made = cleaned(pages(40, 40, NOW)[0], load_watch(store), NOW)
    assert len(made.rows) == 40
    assert {match["brand_id"] for found in made.found for match in found} == {1, 2, 3}
    assert PLACE.takes_all


def test_the_crowd_looks_like_a_queue(store: Store) -> None:
    crowd.fill(store, 4_000)
    counts = Views(store, FixedClock(crowd.NOW)).counts(databases.ACTOR)
    assert all(counts.values())
    with store.engine.connect() as connection:
        broken = connection.exec_driver_sql(
            'SELECT count(*) FROM "case" LEFT JOIN mention ON mention.id = last_mention_id'
            ' WHERE mention.id IS NULL OR mention.thread_key <> "case".thread_key'
        ).scalar_one()
        if store.dialect == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert broken == 0


def test_a_table_says_where_it_was_measured() -> None:
    table = Table("A figure", ("what", "ms"))
    table.add("x", 1234.5)
    assert re.search(r"Machine: \d+ cores .*Python .*SQLite ", table.text())
    assert "Load (1 / 5 min)" in table.text()
    assert "| x    | 1,234 |" in table.text()


def test_a_percentile_is_a_value_that_occurred() -> None:
    values = [float(number) for number in range(1, 21)]
    assert [percentile(values, share) for share in (0.5, 0.95, 1.0)] == [10.0, 19.0, 20.0]
    assert percentile([7.0], 0.95) == 7.0


def test_every_figure_has_options_and_says_what_it_is() -> None:
    for figure in FIGURES.values():
        figure.options(argparse.ArgumentParser())
        assert (figure.__doc__ or "").splitlines()[0].endswith(".")
