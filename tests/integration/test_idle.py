"""Many sources that sleep cost next to nothing: what is asked of the database does not grow."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.databases import ACTOR
from benchmarks.sleepers import NOW, fill
from earmark.rechecking import Rechecking
from earmark_core import jobs
from earmark_core.clock import FixedClock
from earmark_core.store import Store
from earmark_core.tables import Source
from earmark_listeners.health import Sources
from earmark_listeners.schedule import claim_due

MANY = 1_200
Asked = list[tuple[str, Any]]


@pytest.fixture
def many(store: Store) -> Store:
    fill(store, MANY)
    return store


@contextmanager
def asked_of(store: Store) -> Iterator[Asked]:
    """Notes every statement with its parameters, but for those that begin a transaction."""
    seen: Asked = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append((statement, parameters))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)


def plan_of(store: Store, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN " if store.dialect == "sqlite" else "EXPLAIN "
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
        connection.rollback()
    return "\n".join(str(row) for row in rows)


def test_what_is_due_is_found_by_its_index(many: Store) -> None:
    with asked_of(many) as asked:
        assert claim_due(many, NOW, random.Random(1)) == []
    (claim,) = [one for one in asked if "UPDATE source" in one[0]]
    plan = plan_of(many, *claim)
    assert "ix_source_due" in plan
    assert "Seq Scan on source" not in plan
    assert "SCAN source" not in plan


def test_a_sleeping_source_costs_the_claim_of_the_others_nothing(many: Store) -> None:
    with many.write() as session:
        session.execute(sa.update(Source).where(sa.text("id <= 3")).values(next_poll_at=NOW))
    assert {due.source_id for due in claim_due(many, NOW, random.Random(1))} == {1, 2, 3}


def test_looking_again_asks_nothing_of_sources_that_brought_nothing(many: Store) -> None:
    rechecking = Rechecking(many, FixedClock(NOW), lambda _: None, lambda _: True)
    with asked_of(many) as asked:
        assert asyncio.run(rechecking.round()).looked == 0
    assert len(asked) == 1


def test_an_empty_line_of_jobs_is_looked_at_without_a_write(many: Store) -> None:
    with asked_of(many) as asked:
        assert jobs.claim(many, NOW) is None
    assert not [statement for statement, _ in asked if statement.startswith("UPDATE")]


def test_the_page_of_sources_reads_no_more_than_it_shows(many: Store) -> None:
    with many.write() as session:
        session.execute(
            sa.update(Source).where(sa.text("id = 900")).values(error_streak=3, error="It broke.")
        )
    service = Sources(many, FixedClock(NOW))
    with asked_of(many) as asked:
        rows = service.rows(ACTOR, limit=20)
    assert (len(rows), rows[0].id, rows[0].state) == (20, 900, "failing")
    assert len(asked) <= 2 + 20
    (named,) = service.rows(ACTOR, limit=20, named="rce 777")
    assert named.name == "source 777"
    assert service.rows(ACTOR, named="%") == ()


def test_coverage_of_all_is_read_in_lots(many: Store) -> None:
    service = Sources(many, FixedClock(NOW))
    with asked_of(many) as asked:
        covered = service.covered(ACTOR)
    assert len(asked) <= 1 + MANY // 500 + 1
    assert covered.words == "covers 100.0 % of source-hours"
    each = [service.covered(ACTOR, source_id=number) for number in range(1, MANY + 1, 100)]
    usual = sum(one.hours for one in each) / len(each)
    assert covered.hours / MANY == pytest.approx(usual, rel=0.1)
