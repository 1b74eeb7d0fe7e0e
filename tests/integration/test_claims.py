"""Eight processes want the same cases: nobody gets one that another has.

On PostgreSQL a claim that reads first and writes later hands out most cases twice, which no test
on SQLite alone would show.
"""

import multiprocessing
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, func, select

from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Role
from earmark_core.store import Store, open_store
from earmark_core.tables import AuditEntry, Brand, Case, Person
from earmark_queue.cases import Cases

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PROCESSES = 8
CASES = 3_000


def fill(store: Store) -> list[Actor]:
    with store.write() as session:
        brand = Brand(name="Acme", created_at=NOW)
        people = [
            Person(name=f"P{n}", role=Role.responder, created_at=NOW) for n in range(PROCESSES)
        ]
        session.add_all([brand, *people])
        session.flush()
        session.execute(
            sa.insert(Case),
            [
                {
                    "brand_id": brand.id, "channel": "town", "thread_key": f"t{n}",
                    "status": "new", "priority": "normal", "priority_rank": n % 4,
                    "opened_at": NOW + timedelta(seconds=n), "updated_at": NOW,
                    "last_inbound_at": NOW, "headline": "", "priority_reasons": [],
                    "reasons": [], "priority_by_person": False, "version": 1,
                    "is_breached": False, "resolution": "",
                }
                for n in range(CASES)
            ],
        )  # fmt: skip
        return [Actor(person.name, Role.responder, person.id) for person in people]


def claim_all(url: str, actor: Actor, start: object, found: object) -> None:
    store = open_store(url)
    cases = Cases(store, FixedClock(NOW))
    start.wait()  # type: ignore[attr-defined]  # of multiprocessing
    mine = []
    while (row := cases.claim_next(actor)) is not None:
        mine.append(row.id)
    store.close()
    found.put((actor.person_id, mine))  # type: ignore[attr-defined]  # of multiprocessing


@pytest.mark.slow
def test_eight_processes_never_hold_the_same_case(store_url: str) -> None:
    store = open_store(store_url)
    people = fill(store)
    context = multiprocessing.get_context("spawn")
    start, found = context.Barrier(PROCESSES), context.Queue()
    workers = [
        context.Process(target=claim_all, args=(store_url, actor, start, found), daemon=True)
        for actor in people
    ]
    try:
        for worker in workers:
            worker.start()
        held = dict(found.get(timeout=240) for _ in workers)
        for worker in workers:
            worker.join(30)
    finally:
        for worker in workers:
            worker.terminate()
    claims = Counter(case_id for mine in held.values() for case_id in mine)
    assert len(claims) == CASES
    assert set(claims.values()) == {1}
    assert sum(bool(mine) for mine in held.values()) > 1
    with store.read() as session:
        for person_id, mine in held.items():
            owned = session.exec(select(Case.id).where(Case.owner_id == person_id)).all()
            assert sorted(owned) == sorted(mine)
        entries = session.exec(select(func.count()).where(col(AuditEntry.action) == "claim")).one()
        assert entries == CASES
    store.close()
