"""Polling a feed: asking only for what changed, and believing servers no more than they deserve."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, ListenerError, Malformed, Rejected, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import WindowState
from earmark_listeners.channels import feed as module
from earmark_listeners.channels.feed import FeedListener, FeedOptions
from earmark_listeners.contract import Wiring
from earmark_listeners.feeds import memory
from earmark_listeners.feeds.freshness import lasting_validators, wait_from
from earmark_listeners.feeds.memory import recall

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = "sentinel-path"
URL = f"https://a.example/{SECRET}/feed.xml?key=sentinel-query"


def document(*names, ttl="", links=None, tail="</channel></rss>"):
    links = links or [f"https://a.example/{name}" for name in names]
    found = "".join(
        f"<item><guid isPermaLink='false'>{name}</guid><title>t {name}</title>"
        f"<link>{link}</link></item>"
        for name, link in zip(names, links, strict=True)
    )
    return f"<rss version='2.0'><channel><title>T</title>{ttl}{found}{tail}"


class Server:
    """Answers with what it was given last, and keeps what it was asked."""

    def __init__(self, text="", status=200, **headers):
        self.give(text, status, **headers)
        self.asked = []

    def give(self, text="", status=200, **headers):
        self.text, self.status = text, status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __call__(self, request):
        self.asked.append(request.headers)
        return httpx.Response(self.status, text=self.text, headers=self.headers)


@pytest.fixture
def moment():
    return FixedClock(NOW)


@pytest.fixture
def poll(moment):
    def run(server, since=None, secret=lambda _: URL, **options):
        async def heard():
            fetch = make_fetcher(user_agent="tests", transport=httpx.MockTransport(server))
            listener = FeedListener(FeedOptions(**{"url": URL, **options}),
                                    Wiring(fetch, moment, secret))  # fmt: skip
            try:
                return [batch async for batch in listener.poll(since)]
            finally:
                await fetch.aclose()

        return asyncio.run(heard())

    return run


def names(batches):
    return [item.external_id for batch in batches for item in batch.items]


def test_validators_come_back_exactly_as_sent(poll):
    server = Server(document("1"), ETag='W/"a b"', Last_Modified="yesterday, about noon")
    (first,) = poll(server)
    assert "if-none-match" not in server.asked[0]
    server.give(status=304)
    (second,) = poll(server, first.cursor)
    assert server.asked[1]["if-none-match"] == 'W/"a b"'
    assert server.asked[1]["if-modified-since"] == "yesterday, about noon"
    assert (second.items, second.state) == ((), WindowState.complete)
    (third,) = poll(server, second.cursor)
    assert server.asked[2]["if-none-match"] == 'W/"a b"'
    assert third.items == ()


def test_validators_of_a_server_that_expires_at_0_are_not_used(poll):
    server = Server(document("1"), ETag='"a"', Expires="0")
    (first,) = poll(server)
    poll(server, first.cursor)
    assert "if-none-match" not in server.asked[1]


class Liar(Server):
    """Answers 304 to everybody who sends validators, whatever has changed."""

    def __call__(self, request):
        self.asked.append(request.headers)
        if "if-none-match" in request.headers:
            return httpx.Response(304)
        return httpx.Response(self.status, text=self.text, headers=self.headers)


def polled_each(poll, moment, server, step, times, **options):
    """Polls again and again; gives the names heard each time, the first poll's left out."""
    (batch,) = poll(server, **options)
    heard = []
    for _ in range(times):
        moment.forward(step)
        (batch,) = poll(server, batch.cursor, **options)
        heard.append(names([batch]))
    return heard


def test_server_that_says_not_modified_for_ever_is_found_out_within_a_day(poll, moment):
    server = Liar(document("1"), ETag='"a"')
    (batch,) = poll(server)
    server.give(document("1", "2"), ETag='"a"')
    hours, batch = 0, replace(batch, items=())
    while not batch.items and hours < 30:
        hours += 1
        moment.forward(timedelta(hours=1))
        (batch,) = poll(server, batch.cursor)
    assert names([batch]) == ["2", "1"]
    assert 20 <= hours <= 24
    assert sum("if-none-match" not in asked for asked in server.asked) == 2


def test_truthful_server_sends_the_whole_feed_once_a_day(poll, moment):
    server = Liar(document("1"), ETag='"a"')
    heard = polled_each(poll, moment, server, timedelta(hours=1), 72)
    assert heard == [[]] * 72
    assert sum("if-none-match" not in asked for asked in server.asked[1:]) == 3


def test_feeds_added_together_are_not_all_read_in_the_same_minute():
    full_at = NOW.isoformat()
    feeds = [recall(None, f"https://a.example/{number}") for number in range(200)]
    feeds = [replace(feed, etag="x", full_at=full_at) for feed in feeds]

    def due(minutes):
        now = NOW + timedelta(minutes=minutes)
        return sum(not feed.may_ask_conditionally(now) for feed in feeds)

    assert due(20 * 60 - 1) == 0
    assert due(24 * 60) == 200
    each_minute = [due(minute + 1) - due(minute) for minute in range(20 * 60 - 1, 24 * 60)]
    assert max(each_minute) < 10


def test_clock_that_went_back_asks_for_everything(poll, moment):
    server = Server(document("1"), ETag='"a"')
    (batch,) = poll(server)
    moment.forward(timedelta(days=-3))
    poll(server, batch.cursor)
    assert "if-none-match" not in server.asked[1]


def test_unasked_not_modified_is_no_empty_feed(poll):
    with pytest.raises(Malformed, match="not modified"):
        poll(Server(status=304))


def test_same_body_gives_nothing_new(poll):
    server = Server(document("1"))
    (first,) = poll(server)
    (second,) = poll(server, first.cursor)
    assert (second.items, second.state) == ((), WindowState.complete)
    server.give(document("2", "1"))
    assert names(poll(server, second.cursor)) == ["1", "2"]


def test_changed_parser_reads_again(poll, monkeypatch):
    server = Server(document("1"), ETag='"a"')
    (first,) = poll(server)
    monkeypatch.setattr(memory, "PARSER_VERSION", memory.PARSER_VERSION + 1)
    assert names(poll(server, first.cursor)) == ["1"]
    assert "if-none-match" not in server.asked[1]


def test_cursor_of_another_address_or_of_nobody_is_not_used(poll):
    server = Server(document("1"), ETag='"a"')
    (first,) = poll(server)
    for cursor in (first.cursor, "", "{", "[]", '{"source": 3}', '{"x": 1}', "null"):
        (batch,) = poll(server, cursor, url="https://b.example/feed")
        assert names([batch]) == ["1"]
        assert "if-none-match" not in server.asked[-1]


def test_gone_feed_needs_a_person(poll):
    with pytest.raises(Rejected):
        poll(Server(status=410))


@pytest.mark.parametrize("wait", ["120", "Mon, 02 Mar 2126 09:02:00 GMT"])
def test_server_that_wants_less_is_obeyed(poll, wait):
    with pytest.raises(Unavailable) as caught:
        poll(Server(status=429, Retry_After=wait))
    assert caught.value.retry_after >= timedelta(seconds=120)


def test_web_page_is_not_an_empty_feed(poll):
    with pytest.raises(Unavailable, match="web page, not a feed"):
        poll(Server("<html><body>Log in</body></html>", Content_Type="text/html"))


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 410, 429, 500, 503])
def test_address_is_never_shown(poll, status, caplog):
    caplog.set_level("DEBUG", logger="earmark")
    told = f"no feed for {URL} here"
    with pytest.raises(ListenerError) as caught:
        poll(Server(told, status=status))
    shown = f"{caught.value!r} {caught.value} {caught.value.subject}" + caplog.text
    assert "sentinel" not in shown
    assert "a.example" in str(caught.value)


def test_cursor_holds_no_address(poll):
    (batch,) = poll(Server(document("1"), ETag='"a"'))
    assert "sentinel" not in batch.cursor


def test_waits_asked_for_are_passed_on(poll):
    server = Server(document("1", ttl="<ttl>90</ttl>"), ETag='"a"', Cache_Control="max-age=60")
    (first,) = poll(server)
    assert first.next_poll_after == timedelta(minutes=90)
    server.give(status=304)
    (second,) = poll(server, first.cursor)
    assert second.next_poll_after == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("headers", "ttl", "minutes"),
    [
        ({}, None, None),
        ({"cache-control": "public, max-age=600, must-revalidate"}, None, 10),
        ({"cache-control": "s-maxage=600"}, None, None),
        ({"cache-control": "max-age=99999999999999"}, None, 24 * 60),
        ({"cache-control": "no-cache, max-age=0"}, 0, None),
        ({"expires": "Mon, 02 Mar 2026 09:20:00 GMT"}, 10, 20),
        (
            {"expires": "Mon, 02 Mar 2026 09:20:00 GMT", "date": "Mon, 02 Mar 2026 09:15:00 GMT"},
            1,
            5,
        ),
        ({"expires": "-1"}, None, None),
        ({"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, None, None),
        ({}, 999_999_999, 24 * 60),
    ],
)
def test_longest_wait_counts_up_to_a_day(headers, ttl, minutes):
    expected = None if minutes is None else timedelta(minutes=minutes)
    assert wait_from(headers, ttl, NOW) == expected


def test_validators_that_cannot_be_sent_are_forgotten():
    assert lasting_validators({"etag": "é", "last-modified": "x" * 5000}) == ("", "")


def test_feed_that_moved_on_too_fast_says_so(poll):
    server = Server(document("3", "2", "1"))
    (first,) = poll(server)
    server.give(document("9", "8", "7"))
    (second,) = poll(server, first.cursor)
    assert second.state is WindowState.truncated
    assert "missed" in second.note
    server.give(document("10", "9", "8"))
    (third,) = poll(server, second.cursor)
    assert (third.state, third.note) == (WindowState.complete, "")


def test_renumbered_feed_is_told_apart_by_its_links(poll):
    links = [f"https://a.example/{n}" for n in range(6)]
    server = Server(document(*"abcdef", links=links))
    (first,) = poll(server)
    server.give(document(*"ghijkl", links=links))
    (second,) = poll(server, first.cursor)
    assert second.state is WindowState.backfilled
    assert "links" in second.note
    assert sorted(names([second])) == sorted(links)
    server.give(document(*"mnopqr", links=links))
    (third,) = poll(server, second.cursor)
    assert third.state is WindowState.complete
    assert names([third]) == names([second])


def test_a_few_renumbered_entries_are_no_rebuilt_feed(poll):
    links = [f"https://a.example/{n}" for n in range(6)]
    server = Server(document(*"abcdef", links=links))
    (first,) = poll(server)
    server.give(document(*"ghidef", links=links))
    (second,) = poll(server, first.cursor)
    assert second.state is WindowState.complete


def test_cut_feed_is_read_again_though_its_bytes_are_known(poll):
    server = Server(document("2", "1", tail="<item><title>ha"), ETag='"a"')
    (first,) = poll(server)
    assert first.state is WindowState.truncated
    assert {"1", "2"} <= set(names([first]))
    (second,) = poll(server, first.cursor)
    assert "if-none-match" not in server.asked[1]
    assert names([second]) == names([first])


def test_malformed_feed_is_kept_and_mentioned(poll):
    (batch,) = poll(Server(document("1").replace("t 1", "fish & chips")))
    assert (batch.items[0].title, batch.state) == ("fish & chips", WindowState.complete)
    assert "not well-formed" in batch.note


def test_long_feed_comes_in_pages_and_the_cursor_with_the_last(poll, monkeypatch):
    monkeypatch.setattr(module, "_PAGE", 2)
    batches = poll(Server(document("5", "4", "3", "2", "1")))
    assert [len(batch.items) for batch in batches] == [2, 2, 1]
    assert names(batches) == ["1", "2", "3", "4", "5"]
    assert [batch.cursor is None for batch in batches] == [True, True, False]


def test_cursor_stays_small(poll):
    (*_, last) = poll(Server(document(*(f"{n}" for n in range(3_000)))))
    assert len(last.cursor) < 16_000
    json.loads(last.cursor)


def test_other_host_is_mentioned(poll):
    def moved(request):
        if request.url.host == "a.example":
            return httpx.Response(301, headers={"location": "https://b.example/feed"})
        return httpx.Response(200, text=document("1"))

    (batch,) = poll(moved)
    assert "b.example" in batch.note
    assert "sentinel" not in batch.note


MOVED = "https://b.example/feed"


def moving(*statuses, to=MOVED):
    """Sends on once with each of these statuses, to the last place in the end."""
    places = [f"https://a.example/{number}" for number in range(1, len(statuses))] + [to]
    steps = dict(zip([URL, *places], zip(statuses, places, strict=True), strict=False))

    def handler(request):
        if str(request.url) in steps:
            status, place = steps[str(request.url)]
            return httpx.Response(status, headers={"location": place})
        return httpx.Response(200, text=document("1"))

    return handler


@pytest.mark.parametrize(
    ("statuses", "told"),
    [((301,), MOVED), ((308,), MOVED), ((301, 308, 301), MOVED), ((302,), ""), ((307,), ""),
     ((301, 302), ""), ((303, 301), "")],
)  # fmt: skip
def test_move_is_told_where_every_step_of_it_is_for_good(poll, statuses, told):
    assert poll(moving(*statuses))[-1].moved_to == told


def test_no_move_is_told_of_a_feed_that_stays(poll):
    assert poll(Server(document("1")))[0].moved_to == ""


def test_move_of_a_secret_address_is_not_told(poll):
    assert poll(moving(301), url="env:FEED")[-1].moved_to == ""


def test_move_to_an_address_with_a_key_in_it_is_not_told(poll):
    assert poll(moving(301, to="https://b.example/feed?token=sentinel"))[-1].moved_to == ""


def test_move_is_told_while_nothing_changes_and_by_the_last_page_only(poll, monkeypatch):
    (first,) = poll(moving(301))
    (second,) = poll(moving(301), first.cursor)  # the same bytes again
    assert (second.items, second.moved_to) == ((), MOVED)
    monkeypatch.setattr(module, "_PAGE", 1)

    def two(request):
        if request.url.host == "a.example":
            return httpx.Response(301, headers={"location": MOVED})
        return httpx.Response(200, text=document("2", "1"))

    assert [batch.moved_to for batch in poll(two)] == ["", MOVED]


def test_google_news_is_known_by_its_host_and_can_be_forced(poll):
    text = document("1").replace("t 1", "Late again - The Plum")
    assert poll(Server(text))[0].items[0].title == "Late again - The Plum"
    assert poll(Server(text), google_news=True)[0].items[0].title == "Late again"
    news = "https://news.google.com/rss/search?q=acme"
    (batch,) = poll(Server(text), url=news)
    assert (batch.items[0].title, batch.items[0].author.name) == ("Late again", "The Plum")
    assert poll(Server(text), url=news, google_news=False)[0].items[0].author is None


def test_address_may_be_a_reference(poll):
    asked = []
    batches = poll(
        Server(document("1")), url="env:FEED", secret=lambda ref: asked.append(ref) or URL
    )
    assert asked == ["env:FEED"]
    assert names(batches) == ["1"]


def test_missing_reference_says_which(poll):
    def missing(reference):
        raise ConfigError("nothing there", subject=reference)

    with pytest.raises(ConfigError, match="env:FEED"):
        poll(Server(), url="env:FEED", secret=missing)


@pytest.mark.parametrize(
    "url", ["", "ftp://a.example/x", "a.example/feed", "https://", "javascript:x"]
)
def test_wrong_addresses_are_refused(url):
    with pytest.raises(ValueError, match="http or https"):
        FeedOptions(url=url)


def test_cursor_survives_a_round(poll):
    (batch,) = poll(Server(document("1"), ETag='"a"'))
    assert recall(batch.cursor, URL).dump() == batch.cursor
