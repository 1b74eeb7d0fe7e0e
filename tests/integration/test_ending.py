"""Polls that end together: one transaction, and each is still on its own."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from earmark import ending
from earmark.ending import Ending
from earmark_core.clock import FixedClock
from earmark_core.errors import StoreError
from earmark_core.model import WindowState
from earmark_core.store import Store
from earmark_core.tables import Brand, PollWindow, Source
from earmark_core.tables.columns import table_of
from earmark_listeners.polling import Outcome
from earmark_listeners.schedule import claim_due, finish, finish_all

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def sources(store: Store) -> list[int]:
    with store.write() as session:
        brand = Brand(name="Brightcup", created_at=NOW)
        session.add(brand)
        session.flush()
        made = [
            Source(brand_id=brand.id or 0, channel="fake", name=f"s{number}", next_poll_at=NOW,
                   created_at=NOW)
            for number in range(6)
        ]  # fmt: skip
        session.add_all(made)
        session.flush()
        return [source.id or 0 for source in made]


def rows(store: Store, model: Any) -> list[Any]:
    table = table_of(model)
    with store.engine.connect() as connection:
        return list(connection.execute(sa.select(table).order_by(table.c.id)))


def together(store: Store, clock: FixedClock, ended: list[Any]) -> list[BaseException | None]:
    """Ends polls at once; gives what each of those who waited was told."""

    async def main() -> list[BaseException | None]:
        polls = Ending(store, clock, random.Random(1))
        return await asyncio.gather(
            *(polls.finish(due, outcome) for due, outcome in ended), return_exceptions=True
        )

    return asyncio.run(main())


def test_polls_that_end_together_share_a_transaction(
    store: Store, clock: FixedClock, sources: list[int]
) -> None:
    claimed = claim_due(store, clock(), random.Random(1))
    commits: list[object] = []
    sa.event.listen(store.engine, "commit", commits.append)
    clock.forward(timedelta(seconds=5))
    assert together(store, clock, [(due, Outcome()) for due in claimed]) == [None] * len(sources)
    assert len(commits) == 1
    for source in rows(store, Source):
        assert (source.lease_until, source.lease_token) == (None, "")
        assert (source.last_success_at, source.first_polled_at) == (clock(), clock())
        assert source.next_poll_at > clock()
    assert {window.state for window in rows(store, PollWindow)} == {"complete"}


def test_one_that_cannot_be_written_fails_alone(
    store: Store, clock: FixedClock, sources: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = claim_due(store, clock(), random.Random(1))
    bad = claimed[2]

    def some(store: Store, ended: Any, **more: Any) -> list[datetime | None]:
        if any(due is bad for due, _ in ended):
            raise StoreError("no")
        return finish_all(store, ended, **more)

    monkeypatch.setattr(ending, "finish_all", some)
    told = together(store, clock, [(due, Outcome()) for due in claimed])
    assert [isinstance(one, StoreError) for one in told] == [due is bad for due in claimed]
    held = [source.id for source in rows(store, Source) if source.lease_until is not None]
    assert held == [bad.source_id]  # found again when its lease runs out
    states = {window.source_id: window.state for window in rows(store, PollWindow)}
    assert states.pop(bad.source_id) == "down"
    assert set(states.values()) == {"complete"}


def test_a_source_that_was_claimed_again_meanwhile_is_left_alone(
    store: Store, clock: FixedClock, sources: list[int]
) -> None:
    slow = claim_due(store, clock(), random.Random(1))
    clock.forward(timedelta(hours=1))
    [quick] = claim_due(store, clock(), random.Random(2), limit=1)
    assert together(store, clock, [(due, Outcome()) for due in slow]) == [None] * len(slow)
    held = {source.id: source.lease_token for source in rows(store, Source) if source.lease_token}
    assert held == {quick.source_id: quick.token}


def test_one_who_stops_waiting_takes_nobody_along(
    store: Store, clock: FixedClock, sources: list[int]
) -> None:
    claimed = claim_due(store, clock(), random.Random(1))

    async def main() -> None:
        polls = Ending(store, clock, random.Random(1))
        tasks = [asyncio.create_task(polls.finish(due, Outcome())) for due in claimed]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert [source.lease_until for source in rows(store, Source)] == [None] * len(sources)


@pytest.mark.parametrize("at_once", [True, False])
def test_quiet_windows_become_one_whether_polls_end_together_or_alone(
    store: Store, clock: FixedClock, sources: list[int], at_once: bool
) -> None:
    rng = random.Random(1)
    ends = [Outcome(pages=1), Outcome(pages=1, items=3), Outcome(new_items=1, items=1),
            Outcome(pages=1), Outcome(state=WindowState.failed, error="no"),
            Outcome(pages=1)]  # fmt: skip
    for number, outcome in enumerate(ends):
        clock.forward(timedelta(days=2))
        claimed = claim_due(store, clock(), rng)
        assert len(claimed) == len(sources), number
        ended = [(due, outcome) for due in claimed]
        if at_once:
            finish_all(store, ended, now=clock(), rng=rng)
        else:
            for due, one in ended:
                finish(store, due, one, now=clock(), rng=rng)
    for source in sources:
        kept = [w for w in rows(store, PollWindow) if w.source_id == source]
        told = [(w.state, w.pages, w.items, w.new_items) for w in kept]
        assert told == [("complete", 2, 3, 0), ("complete", 0, 1, 1), ("complete", 1, 0, 0),
                        ("failed", 0, 0, 0), ("complete", 1, 0, 0)]  # fmt: skip
        assert kept[0].started_at == NOW + timedelta(days=2)
        assert kept[0].ended_at == NOW + timedelta(days=4)


def test_two_polls_of_one_source_that_end_together_each_close_their_window(
    store: Store, clock: FixedClock, sources: list[int]
) -> None:
    rng = random.Random(1)
    [slow] = claim_due(store, clock(), rng, only=sources[0])
    clock.forward(timedelta(hours=1))
    [quick] = claim_due(store, clock(), rng, only=sources[0])
    planned = finish_all(store, [(slow, Outcome()), (quick, Outcome())], now=clock(), rng=rng)
    assert planned[0] is None
    assert planned[1] is not None
    assert {window.state for window in rows(store, PollWindow)} == {"complete"}
