"""Waits and quotas are rows: they outlive a restart and hold for every process."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import select

from earmark_core.budget_rows import KEPT, sweep
from earmark_core.budget_words import limited
from earmark_core.budgets import Budgets, Quota
from earmark_core.clock import FixedClock
from earmark_core.errors import Held, StoreError, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import SYSTEM
from earmark_core.store import Store
from earmark_core.tables import Budget
from earmark_listeners.contract import Wiring
from earmark_listeners.health import Sources
from earmark_listeners.registry import build

MINUTE = timedelta(minutes=1)
SLOW = httpx.Response(429, headers={"retry-after": "300"})


class Process:
    """One process over a database: its own budgets, its own door; `asked` is what went out."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.clock, self.budgets = clock, Budgets(store)
        self.answers: dict[str, httpx.Response] = {}
        self.asked: list[str] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        return self.answers.get(request.url.path, httpx.Response(200, json={"items": []}))

    def use(self, act: Callable[[Wiring], Any]) -> Any:
        async def go() -> Any:
            async with make_fetcher(
                user_agent="t", transport=httpx.MockTransport(self._answer), clock=self.clock,
                budgets=self.budgets,
            ) as fetch:  # fmt: skip
                wiring = Wiring(fetch, self.clock, lambda _: "k3y-of-ours", budgets=self.budgets)
                return await act(wiring)

        return asyncio.run(go())

    def get(self, url: str, secret: str | None = None) -> int:
        async def act(wiring: Wiring) -> int:
            return (await wiring.fetch.get(url, secret=secret)).status

        status: int = self.use(act)
        return status

    def search(self, **options: Any) -> None:
        async def act(wiring: Wiring) -> None:
            told = {"kind": "search", "query": "acme", "api_key": "env:K", "searches_per_day": 2}
            listener = build("youtube", {**told, **options}, wiring)
            async for _ in listener.poll(None):
                pass

        self.use(act)


@pytest.fixture
def start(store: Store, clock: FixedClock) -> Callable[[], Process]:
    """Starts a process; the one before goes on, or has ended, as you like it."""
    return lambda: Process(store, clock)


def all_rows(store: Store) -> list[Budget]:
    with store.read() as session:
        return list(session.exec(select(Budget).order_by(Budget.key)).all())


def test_a_wait_outlives_a_restart(start: Callable[[], Process], clock: FixedClock) -> None:
    first = start()
    first.answers["/one"] = SLOW
    assert first.get("https://a.test/one") == 429
    again = start()
    with pytest.raises(Held) as caught:
        again.get("https://a.test/two")
    assert (again.asked, caught.value.retry_after) == ([], 5 * MINUTE)
    clock.forward(5 * MINUTE)
    assert again.get("https://a.test/two") == 200


def test_the_first_requests_of_a_process_beside_each_other_all_know(
    start: Callable[[], Process],
) -> None:
    first = start()
    first.answers["/one"] = SLOW
    first.get("https://a.test/one")
    again = start()

    async def act(wiring: Wiring) -> list[Any]:
        asks = [wiring.fetch.get(f"https://a.test/{n}") for n in range(4)]
        return await asyncio.gather(*asks, return_exceptions=True)

    assert [type(found) for found in again.use(act)] == [Held] * 4
    assert again.asked == []


def test_another_process_hears_of_a_wait_within_seconds(
    start: Callable[[], Process], clock: FixedClock
) -> None:
    one, other = start(), start()
    assert other.get("https://a.test/two") == 200
    one.answers["/one"] = SLOW
    one.get("https://a.test/one")
    clock.forward(timedelta(seconds=5))
    with pytest.raises(Held):
        other.get("https://a.test/two")
    assert other.get("https://b.test/two") == 200
    assert other.get("https://a.test/two", secret="another-account") == 200


def test_a_host_without_a_row_never_reaches_for_the_database(
    start: Callable[[], Process], store: Store
) -> None:
    process, statements = start(), []
    process.get("https://a.test/x")
    sa.event.listen(store.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    for _ in range(20):
        process.get("https://a.test/x")
    assert statements == []
    assert all_rows(store) == []


def test_rows_say_what_waits_in_words_and_hold_no_secret(
    start: Callable[[], Process], store: Store, clock: FixedClock
) -> None:
    process = start()
    process.answers["/one"] = SLOW
    process.get("https://a.test/one?key=sesame-one", secret="sesame-two")
    process.get("https://b.test/one")
    for _ in range(2):
        process.search()
    rows = all_rows(store)
    assert [row.key.split()[0] for row in rows] == ["host", "host", "quota"]
    told = " ".join(f"{row.key} {row.reason}" for row in rows)
    assert not any(secret in told for secret in ("sesame", "k3y"))
    assert [one.words for one in Sources(store, clock).limits(SYSTEM)] == [
        "youtube: 2 of 2 searches used, again at 3 March, 08:00 UTC.",
        "b.test asked us to wait until 09:05 UTC.",
        "a.test asked one of our accounts to wait until 09:05 UTC.",
    ]
    clock.forward(timedelta(days=1))
    assert limited(store, clock()) == ()


def test_searches_are_one_count_for_a_project_over_processes_and_restarts(
    start: Callable[[], Process], clock: FixedClock
) -> None:
    start().search()
    start().search(query="another")
    third = start()
    with pytest.raises(Unavailable) as caught:
        third.search()
    assert third.asked == []
    assert clock() + (caught.value.retry_after or MINUTE) == datetime(2026, 3, 3, 8, tzinfo=UTC)
    clock.forward(timedelta(hours=23))
    third.search()
    assert len(third.asked) == 1


def test_no_quota_is_passed_by_many_at_once(store: Store, clock: FixedClock) -> None:
    quota = Quota("place", "me", 25, "calls", lambda now: now + MINUTE)
    budgets = [Budgets(store) for _ in range(4)]

    def spend(n: int) -> bool:
        try:
            asyncio.run(budgets[n % 4].spend(quota, now=clock()))
        except Unavailable:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        went = list(pool.map(spend, range(40)))
    assert sum(went) == 25
    assert [row.used for row in all_rows(store)] == [25]


def test_budgets_are_cleared_away_a_week_after_they_ended(
    start: Callable[[], Process], store: Store, clock: FixedClock
) -> None:
    process = start()
    process.answers["/one"] = SLOW
    process.get("https://a.test/one")
    process.search()
    assert sweep(store, clock.forward(KEPT)) == 0
    assert sweep(store, clock.forward(6 * MINUTE)) == 1
    assert sweep(store, clock.forward(timedelta(days=1))) == 1
    assert all_rows(store) == []


def test_a_database_that_is_away_is_no_reason_not_to_ask(
    start: Callable[[], Process], clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise StoreError("The database is busy.")

    process = start()
    process.answers["/one"] = SLOW
    monkeypatch.setattr(Store, "read", away)
    monkeypatch.setattr(Store, "write", away)
    assert process.get("https://a.test/one") == 429
    clock.forward(MINUTE)
    with pytest.raises(Held):
        process.get("https://a.test/two")
    assert process.get("https://b.test/two") == 200
