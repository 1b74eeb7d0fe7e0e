"""Whom we may ask: what a host asks of one is owed by all, and no quota is passed."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.answer import Answer
from earmark_core.budget_rows import RowsInMemory
from earmark_core.budgets import UNSAID, Asked, Budgets, Quota, account_of, digest, wait_asked
from earmark_core.clock import FixedClock
from earmark_core.errors import Held, StoreError, Unavailable
from earmark_core.fetch import make_fetcher

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
GOOGLE = b'{"error": {"code": 403, "errors": [{"reason": "quotaExceeded"}]}}'


def answer(status, headers=None, body=b""):
    return Answer(status, headers or {}, body, "https://a.test/x", received_at=NOW)


@pytest.mark.parametrize(
    ("status", "headers", "body", "asked"),
    [
        (200, {}, b"", None),
        (200, {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "60"}, b"", None),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, b"", Asked(MINUTE)),
        (200, {"X-RateLimit-Remaining": "0.0", "X-RateLimit-Reset": "60"}, b"", Asked(MINUTE)),
        (200, {"retry-after": "60"}, b"", Asked(MINUTE)),
        (304, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, b"", Asked(MINUTE)),
        (301, {"retry-after": "60", "location": "/y"}, b"", None),
        (404, {}, b"", None),
        (403, {}, b"no", None),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, b"", Asked(MINUTE)),
        (429, {"retry-after": "60"}, b"", Asked(MINUTE)),
        (429, {"retry-after": "Mon, 02 Mar 2026 09:01:00 GMT"}, b"", Asked(MINUTE)),
        (429, {"retry-after": "Mon, 02 Mar 2026 08:00:00 GMT"}, b"", Asked(timedelta(seconds=1))),
        (429, {"x-ratelimit-reset": "60"}, b"", Asked(MINUTE)),
        (429, {"retry-after": "abc"}, b"", Asked(UNSAID)),
        (429, {"retry-after": "-5"}, b"", Asked(UNSAID)),
        (429, {"retry-after": "315360000"}, b"", Asked(6 * HOUR)),
        (429, {}, b"<html>", Asked(UNSAID)),
        (500, {}, b"", None),
        (503, {}, b"", None),
        (503, {"retry-after": "60"}, b"", Asked(MINUTE)),
        (403, {}, GOOGLE, Asked(23 * HOUR, is_daily=True)),
    ],
    ids=[
        "fine", "some left", "none left", "none left as a float", "wait with a success",
        "none left of a 304", "redirect", "not found", "forbidden", "spent", "seconds", "date",
        "past date", "reset only", "no number", "negative", "ten years", "unsaid", "broken", "away",
        "away for a minute", "quota of the day",
    ],
)  # fmt: skip
def test_what_asks_us_to_wait_is_told_from_what_does_not(status, headers, body, asked):
    assert wait_asked(answer(status, headers, body)) == asked


def test_accounts_are_told_apart_and_not_given_away():
    def mark(url="https://a.test/x?q=1", **headers):
        return account_of(httpx.Request("GET", url, headers=headers))

    marks = {
        mark(authorization="Bearer sesame"),
        mark(authorization="Bearer other-word"),
        mark(apikey="sesame"),
        mark(**{"User-Api-Key": "sesame"}),
        mark("https://a.test/x?key=sesame"),
        mark("https://a.test/x?access_token=sesame&key=1"),
    }
    assert len(marks) == 6
    assert not any("sesame" in one for one in marks)
    assert mark() == mark("https://a.test/y?q=2", accept="text/html") == ""
    assert mark("https://a.test/x?q=1&key=k") == mark("https://a.test/z?key=k&q=2")
    assert digest("") == ""


class Host:
    """A host that says what it is told to, by path, and remembers what it was asked."""

    def __init__(self):
        self.says, self.asked = {}, []

    def __call__(self, request):
        self.asked.append(f"{request.url.host}{request.url.path}")
        status, headers, body = self.says.get(request.url.path, (200, {}, b"ok"))
        return httpx.Response(status, headers=headers, content=body)


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def ask(host, clock):
    """Asks one address after the other through one door; gives the statuses, or the wait."""
    budgets = Budgets()

    def run(*urls, secret=None):
        async def go():
            transport = httpx.MockTransport(host)
            async with make_fetcher(
                user_agent="t", transport=transport, clock=clock, budgets=budgets
            ) as fetch:
                return [await one(fetch, url) for url in urls]

        async def one(fetch, url):
            try:
                return (await fetch.get(url, secret=secret)).status
            except Held as error:
                return error.retry_after if error.rate_limited else None

        return asyncio.run(go())

    return run


def test_a_host_that_asked_for_a_wait_is_left_alone_by_all_until_then(host, ask, clock):
    host.says["/one"] = 429, {"retry-after": "300"}, b""
    assert ask("https://a.test/one", "https://a.test/two") == [429, 5 * MINUTE]
    assert host.asked == ["a.test/one"]
    assert ask("https://b.test/two") == [200]
    clock.forward(4 * MINUTE)
    assert ask("https://a.test/two") == [MINUTE]
    clock.forward(MINUTE)
    assert ask("https://a.test/two") == [200]


def test_another_account_at_the_host_is_not_held(host, ask):
    host.says["/one"] = 429, {"retry-after": "300"}, b""
    ask("https://a.test/one", secret="sesame-one")
    assert ask("https://a.test/two", secret="sesame-one") == [5 * MINUTE]
    assert ask("https://a.test/two", secret="sesame-two") == [200]
    assert ask("https://a.test/two") == [200]


def test_a_limit_that_is_just_used_up_holds_before_it_is_passed(host, ask):
    host.says["/one"] = 200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "90"}, b""
    assert ask("https://a.test/one", "https://a.test/one") == [200, timedelta(seconds=90)]


def test_a_quota_of_the_day_holds_only_what_it_is_for(host, ask):
    host.says["/search"] = 403, {"content-type": "application/json"}, GOOGLE
    urls = ["https://a.test/search?key=k", "https://a.test/comments?key=k"]
    assert ask(*urls, urls[0]) == [403, 200, 23 * HOUR]


def test_a_shorter_wait_does_not_undo_a_longer_one(host, clock):
    async def go():
        budgets, at_a = Budgets(), httpx.Request("GET", "https://a.test/")
        for seconds in ("600", "5"):
            await budgets.hear(at_a, answer(429, {"retry-after": seconds}))
        with pytest.raises(Held) as caught:
            await budgets.refuse_if_held(at_a, NOW + MINUTE)
        return caught.value

    error = asyncio.run(go())
    assert error.retry_after == 9 * MINUTE
    assert str(error).startswith("a.test asked us to wait until 09:10 UTC.")


def test_where_a_redirect_leads_is_held_too(host, ask):
    host.says["/one"] = 429, {"retry-after": "300"}, b""
    host.says["/old"] = 302, {"location": "https://a.test/new"}, b""
    ask("https://a.test/one")
    assert ask("https://b.test/old") == [5 * MINUTE]


def test_a_database_in_trouble_never_stands_in_the_way(host, ask, monkeypatch, clock):
    def broken(*_, **__):
        raise StoreError("Away.")

    host.says["/one"] = 429, {"retry-after": "300"}, b""
    ask("https://a.test/one")
    monkeypatch.setattr(RowsInMemory, "held", broken)
    monkeypatch.setattr(RowsInMemory, "hold", broken)
    clock.forward(MINUTE)
    assert ask("https://a.test/two", "https://b.test/one", "https://b.test/two") == [
        4 * MINUTE, 429, 5 * MINUTE,
    ]  # fmt: skip


def quota(cap, renews=lambda now: now.replace(minute=0, second=0) + HOUR):
    return Quota("place", "me", cap, "searches", renews, hint="Search less.")


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40)), max_size=30))
def test_no_more_is_spent_than_there_is_until_it_renews(cap, steps):
    async def go():
        budgets, clock, spent = Budgets(), FixedClock(NOW), {}
        for n, minutes in steps:
            now = clock.forward(timedelta(minutes=minutes))
            total = spent.get((now.hour, now.day), 0) + n
            if total <= cap:
                assert await budgets.spend(quota(cap), n, now=now) == total
                spent[now.hour, now.day] = total
            else:
                with pytest.raises(Unavailable) as caught:
                    await budgets.spend(quota(cap), n, now=now)
                assert now + caught.value.retry_after == quota(cap).renews(now)
                assert caught.value.rate_limited
            assert await budgets.used(quota(cap), now=now) == spent.get((now.hour, now.day), 0)

    asyncio.run(go())


def test_what_was_used_already_is_counted_beyond_the_cap():
    async def go():
        budgets = Budgets()
        assert await budgets.count(quota(3), 5, now=NOW) == 5
        with pytest.raises(
            Unavailable, match=r"The 3 searches are used up; .* from 10:00 UTC"
        ) as e:
            await budgets.spend(quota(3), now=NOW)
        return e.value

    error = asyncio.run(go())
    assert (error.retry_after, error.hint) == (HOUR, "Search less.")
