"""X is read once, counted and capped, and nothing between two polls is lost."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.budgets import Budgets
from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Malformed, Rejected, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor, WindowState
from earmark_listeners.channels.x.place import moment_of, not_after, order
from earmark_listeners.contract import Wiring
from earmark_listeners.registry import build, responder

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPTIONS = {"query": "acme", "token": "env:T", "overlap_seconds": 0, "page_size": 10}
EMPTY = {"meta": {"result_count": 0}}
EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657_000, tzinfo=UTC)


def post_id(moment, number=0):
    return str((((moment - EPOCH) // timedelta(milliseconds=1)) << 22) + number)


@dataclass
class FakeX:
    """Posts by id; answers as recent search does, and keeps what was asked."""

    ids: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    sent: int = 0
    fail_after: int = 10**6

    def say(self, count, *, until=NOW, every=timedelta(seconds=10)):
        self.ids += [post_id(until - every * n, n) for n in range(count, 0, -1)]
        self.ids.sort(key=order)

    def __call__(self, request):
        query = dict(request.url.params)
        self.asked.append(query)
        if len(self.asked) > self.fail_after:
            return httpx.Response(503)
        after = order(query.get("since_id", "0"))
        before = order(query.get("until_id", "9" * 30))
        fit = [each for each in reversed(self.ids) if after < order(each) < before]
        begin = datetime.fromisoformat(query.get("start_time", "2010-12-01T00:00:00Z"))
        fit = [each for each in fit if moment_of(each) >= begin]
        start = int(query.get("next_token", query.get("pagination_token", "t0"))[1:])
        size = int(query["max_results"])
        page = fit[start : start + size]
        self.sent += len(page)
        meta = {"result_count": len(page)}
        if start + size < len(fit):
            meta["next_token"] = f"t{start + size}"
        posts = [
            {"id": each, "text": f"acme {each}", "created_at": moment_of(each).isoformat()}
            for each in page
        ]
        return httpx.Response(200, json={"meta": meta} | ({"data": posts} if posts else {}))


@dataclass
class Account:
    """One source: its memory and its cursor from poll to poll, at a time that can be moved."""

    options: dict = field(default_factory=lambda: dict(OPTIONS))
    memory: dict = field(default_factory=dict)
    budgets: Budgets = field(default_factory=Budgets)
    cursor: Cursor | None = None
    now: datetime = NOW

    def use(self, handler, act):
        async def run():
            clock = FixedClock(self.now)
            fetch = make_fetcher(
                user_agent="tests", transport=httpx.MockTransport(handler), clock=clock
            )
            wiring = Wiring(
                fetch, clock, lambda ref: "t0ken", memory=self.memory, budgets=self.budgets
            )
            try:
                return await act(build("x", self.options, wiring))
            finally:
                await fetch.aclose()

        return asyncio.run(run())

    def poll(self, handler, *, stop_after=None):
        batches = []

        async def act(listener):
            async with aclosing(listener.poll(self.cursor)) as pages:
                async for batch in pages:
                    batches.append(batch)
                    self.cursor = batch.cursor or self.cursor
                    if len(batches) == stop_after:
                        return

        self.use(handler, act)
        return batches

    @property
    def place(self):
        return json.loads(self.cursor)


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def test_first_poll_takes_one_page():
    x, account = FakeX(), Account()
    x.say(35)
    batches = account.poll(x)
    assert ids(batches) == x.ids[-10:]
    assert {batch.state for batch in batches} == {WindowState.complete}
    assert account.place["hole"] is None
    assert account.place["read"] == 10


def test_nothing_said_yet_is_listened_to_from_then_on():
    x, account = FakeX(), Account()
    assert ids(account.poll(x)) == []
    account.now += timedelta(minutes=15)
    account.poll(x)
    assert x.asked[-1]["start_time"] == "2026-03-02T09:00:00Z"
    assert "since_id" not in x.asked[-1]


def test_later_polls_go_on_from_the_newest_post():
    x, account = FakeX(), Account()
    x.say(5)
    account.poll(x)
    newest = x.ids[-1]
    x.say(3, until=NOW + timedelta(minutes=9))
    account.now += timedelta(minutes=10)
    assert ids(account.poll(x)) == x.ids[-3:]
    assert x.asked[-1]["since_id"] == newest
    assert account.place["read"] == 8


def test_only_what_was_said_just_before_a_poll_is_looked_at_again():
    account = Account(OPTIONS | {"overlap_seconds": 30})
    x = FakeX()
    x.say(5)
    account.poll(x)
    late = post_id(NOW - timedelta(seconds=15))
    x.ids = sorted([*x.ids, late], key=order)
    account.now += timedelta(minutes=15)
    assert set(ids(account.poll(x))) == {*x.ids[-4:-1], x.ids[-1]} >= {late}
    sent = x.sent
    account.now += timedelta(minutes=15)
    assert ids(account.poll(x)) == []
    assert account.place["read"] == x.sent == sent


def test_what_a_poll_does_not_reach_comes_with_the_next_one():
    account = Account(OPTIONS | {"max_pages": 2})
    x = FakeX()
    x.say(1)
    account.poll(x)
    x.say(45, until=NOW + timedelta(minutes=14))
    account.now += timedelta(minutes=15)
    first = account.poll(x)
    assert [batch.state for batch in first] == [WindowState.complete, WindowState.truncated]
    assert "2 pages were read" in first[-1].note
    assert first[-1].covers_from == moment_of(x.ids[-20])
    x.say(1, until=NOW + timedelta(minutes=29))
    account.now += timedelta(minutes=15)
    heard = ids(first) + ids(account.poll(x)) + ids(account.poll(x))
    assert sorted(heard) == sorted(x.ids[1:])
    assert account.place["hole"] is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=6),
    st.integers(1, 4),
    st.sampled_from([None, 1, 2]),
)
def test_nothing_is_lost_however_much_is_said_and_wherever_it_is_killed(bursts, pages, stop):
    account = Account(OPTIONS | {"max_pages": pages, "monthly_posts": 100_000})
    x = FakeX()
    x.say(1)
    heard = ids(account.poll(x))
    for burst in bursts:
        account.now += timedelta(minutes=15)
        x.say(burst, until=account.now, every=timedelta(seconds=5))
        heard += ids(account.poll(x, stop_after=stop))
    for _ in range(40):
        heard += ids(account.poll(x))
    assert sorted(heard) == sorted(x.ids)
    assert account.place["hole"] is None


@pytest.mark.parametrize("most", [10, 25, 30])
def test_no_more_is_bought_than_the_month_permits(most):
    account = Account(OPTIONS | {"monthly_posts": most})
    x = FakeX()
    x.say(5)
    account.poll(x)
    x.say(200, until=NOW + timedelta(hours=1))
    account.now += timedelta(hours=1)
    april = datetime(2026, 4, 1, tzinfo=UTC) - account.now
    heard = []
    with pytest.raises(Unavailable, match=f"(?i)the {most} posts .* used up") as caught:
        for _ in range(5):
            heard += account.poll(x)
    assert caught.value.rate_limited
    assert caught.value.retry_after == april
    assert x.sent <= most
    assert account.place["read"] == x.sent
    if heard:
        assert heard[-1].state is WindowState.truncated
        assert "used up" in heard[-1].note
        assert "1 April 2026" in heard[-1].note
        assert heard[-1].next_poll_after == april


def test_the_cap_outlives_the_process_and_ends_with_the_month():
    account = Account(OPTIONS | {"monthly_posts": 12})
    x = FakeX()
    x.say(5)
    account.poll(x)
    account.memory.clear()
    account.budgets = Budgets()  # what was written by a version that counted in the cursor alone
    asked = len(x.asked)
    with pytest.raises(Unavailable):
        account.poll(x)
    assert len(x.asked) == asked
    account.now = datetime(2026, 4, 1, tzinfo=UTC)
    x.say(3, until=account.now)
    account.poll(x)
    assert account.place["period"] == "2026-04-01"
    assert account.place["read"] == 3


def test_what_was_bought_by_a_poll_that_broke_is_counted():
    account = Account()
    x = FakeX()
    x.say(5)
    account.poll(x)
    x.say(30, until=NOW + timedelta(hours=1))
    account.now += timedelta(hours=1)
    x.fail_after = len(x.asked) + 1
    with pytest.raises(Unavailable):
        account.poll(x)
    x.fail_after = 10**6
    account.poll(x)
    assert account.place["read"] >= x.sent


def test_what_replies_look_at_is_counted_with_the_next_poll():
    account, x = Account(), FakeX()
    seen = {"data": {"id": "11", "text": "late"}}

    async def look(listener):
        return await listener.target({"post_id": "11"})

    account.use(lambda _: httpx.Response(200, json=seen), look)
    account.use(lambda _: httpx.Response(200, json=seen), look)
    x.say(3)
    account.poll(x)
    assert account.place["read"] == 5


@pytest.mark.parametrize(
    ("day", "now", "period", "again"),
    [
        (1, NOW, "2026-03-01", datetime(2026, 4, 1, tzinfo=UTC)),
        (28, NOW, "2026-02-28", datetime(2026, 3, 28, tzinfo=UTC)),
        (2, NOW, "2026-03-02", datetime(2026, 4, 2, tzinfo=UTC)),
        (28, datetime(2026, 1, 3, tzinfo=UTC), "2025-12-28", datetime(2026, 1, 28, tzinfo=UTC)),
        (1, datetime(2026, 12, 31, 23, tzinfo=UTC), "2026-12-01", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_month_begins_on_the_day_that_is_set(day, now, period, again):
    account = Account(OPTIONS | {"month_begins": day, "monthly_posts": 10}, now=now)
    x = FakeX()
    x.say(10, until=now)
    account.poll(x)
    assert account.place["period"] == period
    with pytest.raises(Unavailable) as caught:
        account.poll(x)
    assert caught.value.retry_after == again - now


def test_what_lies_beyond_the_week_is_said_to_be_lost():
    account, x = Account(), FakeX()
    x.say(5)
    account.poll(x)
    account.now += timedelta(days=9)
    x.say(2, until=account.now)
    batches = account.poll(x)
    assert ids(batches)[-2:] == x.ids[-2:]
    assert x.asked[-1]["start_time"] == "2026-03-04T09:02:00Z"
    assert batches[-1].state is WindowState.truncated
    assert batches[-1].covers_from == datetime(2026, 3, 4, 9, 2, tzinfo=UTC)
    assert "7 days" in batches[-1].note


def test_a_hole_beyond_the_week_is_given_up():
    account = Account(OPTIONS | {"max_pages": 1})
    x = FakeX()
    x.say(1)
    account.poll(x)
    x.say(30, until=NOW + timedelta(minutes=10))
    account.poll(x)
    assert account.place["hole"]
    account.now += timedelta(days=9)
    account.options["max_pages"] = 5
    asked = len(x.asked)
    account.poll(x)
    assert account.place["hole"] is None
    assert all("until_id" not in query for query in x.asked[asked:])


def test_a_reach_that_is_shorter_than_we_think_is_survived():
    account, x = Account(), FakeX()
    x.say(5)
    account.poll(x)

    def stricter(request):
        if "since_id" in request.url.params:
            errors = [{"parameters": {"since_id": ["1"]}, "message": "'since_id' must be larger"}]
            return httpx.Response(400, json={"errors": errors, "title": "Invalid Request"})
        return x(request)

    (batch, *_) = account.poll(stricter)
    assert batch.state is WindowState.truncated
    assert x.asked[-1]["start_time"] == "2026-02-23T09:02:00Z"


@pytest.mark.parametrize(
    ("period", "wait"),
    [("Monthly", timedelta(days=29, hours=15)), ("Daily", timedelta(hours=15))],
)
def test_x_s_own_cap_is_not_a_quarter_of_an_hour(period, wait):
    body = {
        "title": "UsageCapExceeded",
        "period": period,
        "type": "https://api.twitter.com/2/problems/usage-capped",
    }
    with pytest.raises(Unavailable, match="used up") as caught:
        Account().poll(lambda _: httpx.Response(429, json=body))
    assert caught.value.retry_after == wait
    assert caught.value.rate_limited


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"title": "Not Found Error"}]},
        {"meta": {}},
        {"meta": {"result_count": 3}},
        {"data": []},
    ],
)
def test_no_posts_and_no_word_of_it_is_never_an_empty_page(body):
    with pytest.raises(Malformed):
        Account().poll(lambda _: httpx.Response(200, json=body))


def test_mentions_are_asked_for_by_number_and_page_by_their_own_token():
    account = Account({k: v for k, v in OPTIONS.items() if k != "query"})
    account.options |= {"kind": "mentions", "user_id": "900"}
    x, paths = FakeX(), []

    def mentions(request):
        paths.append(request.url.path)
        return x(request)

    x.say(1)
    account.poll(mentions)
    x.say(15, until=NOW + timedelta(minutes=5))
    batches = account.poll(mentions)
    assert set(paths) == {"/2/users/900/mentions"}
    assert x.asked[-1]["pagination_token"] == "t10"
    assert "query" not in x.asked[-1]
    assert batches[0].items[0].reply_ref["names_us"] == "yes"


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ({}, "(acme) -is:retweet"),
        ({"query": "acme OR air"}, "(acme OR air) -is:retweet"),
        ({"reposts": True}, "acme"),
        ({"query": "acme is:retweet"}, "acme is:retweet"),
    ],
)
def test_reposts_are_not_bought_unless_wanted(more, sent):
    x = FakeX()
    Account(OPTIONS | more).poll(x)
    assert x.asked[0]["query"] == sent


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"token": "env:T"}, "query is missing"),
        ({"kind": "mentions", "token": "env:T"}, "user_id is missing"),
        ({"query": "acme"}, "token or refresh_token is missing"),
        ({"query": "acme", "refresh_token": "env:T"}, "client_id is missing"),
        ({"query": "a" * 510, "token": "env:T"}, "too long: 524 of 512"),
    ],
)
def test_options_say_what_is_missing(options, says):
    with pytest.raises(ConfigError, match=says):
        Account(options).poll(FakeX())


@pytest.mark.parametrize(
    "cursor", ["", "[]", "{}", '{"after": 1}', '{"after": "1", "hole": ["2"]}']
)
def test_a_cursor_of_another_kind_is_refused(cursor):
    with pytest.raises(Rejected, match="cannot be read"):
        Account(cursor=Cursor(cursor)).poll(FakeX())


def test_a_bearer_token_alone_listens_and_does_not_answer():
    async def act(listener):
        return responder(listener)

    assert Account().use(FakeX(), act) is None


def test_ids_are_ordered_by_number_and_tell_their_moment():
    assert order("99") < order("100") < order("1275653067283759104")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert moment_of(post_id(at, 4_000_000)) == at
    assert moment_of("20") is None  # from before ids held a moment
    assert not_after(post_id(at), at - timedelta(minutes=1)) == post_id(at - timedelta(minutes=1))
    assert not_after(post_id(at), at + timedelta(minutes=1)) == post_id(at)
    assert not_after("20", at) == "20"
