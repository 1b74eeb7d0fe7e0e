"""Answers recorded from X, and its own test vectors for the length of a post."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_listeners.channels.x.place import moment_of
from earmark_listeners.channels.x.posts import read_post, words_of
from earmark_listeners.contract import Outgoing, Sent, Wiring
from earmark_listeners.lengths import weighted
from earmark_listeners.registry import build

OPTIONS = {
    "query": "snow",
    "user_id": "17200003",
    "handle": "snowman",
    "client_id": "c",
    "refresh_token": "env:R",
}


@pytest.fixture
def replay(payloads):
    def run(name, use, *, now=datetime(2020, 6, 26, tzinfo=UTC), status=200):
        def serve(request):
            if request.url.path == "/2/oauth2/token":
                return httpx.Response(200, json={"access_token": "t" * 9})
            return httpx.Response(status, content=(payloads / "x" / f"{name}.json").read_bytes())

        async def go():
            clock = FixedClock(now)
            transport = httpx.MockTransport(serve)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
            try:
                return await use(build("x", OPTIONS, Wiring(fetch, clock, lambda ref: "t0ken")))
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    return run


async def polled(listener):
    async with aclosing(listener.poll(None)) as pages:
        return [batch async for batch in pages]


def test_recent_search(replay):
    (batch,) = replay("recent_search", polled)
    assert batch.bad_items == ()
    assert [item.external_id for item in batch.items] == [
        "1275653067283759104",
        "1275763727908798470",
        "1275882613572583424",
        "1276035977375477760",
    ]
    place = json.loads(batch.cursor)
    assert place["after"] == "1276035977375477760"
    assert place["read"] == 4
    newest = batch.items[-1]
    assert newest.published_at == datetime(2020, 6, 25, 6, 14, 19, tzinfo=UTC)
    assert newest.url == "https://x.com/happycamper/status/1276035977375477760"
    assert (newest.author.id, newest.author.handle) == ("63046977", "happycamper")
    assert newest.author.followers is None
    assert (newest.kind, newest.lang) == ("comment", "en")
    assert newest.parent_id == "1275653067283759104"
    assert newest.text.startswith("@snowman Ooo, thanks error message")
    assert newest.text.endswith("/status/1276035977375477760/photo/1")
    assert newest.reply_ref == {"post_id": "1276035977375477760", "names_us": "yes"}
    assert newest.metrics == {}
    assert [item.is_own for item in batch.items] == [True, False, True, False]
    assert [item.lang for item in batch.items] == ["en", "", "en", "en"]


def test_an_id_tells_when_a_post_was_made(payloads):
    for name in ("recent_search", "tweet_lookup"):
        for raw in json.loads((payloads / "x" / f"{name}.json").read_text("utf-8"))["data"]:
            made = datetime.fromisoformat(raw["created_at"])
            assert made <= moment_of(raw["id"]) < made + timedelta(seconds=1)


def test_posts_looked_up_by_id(payloads):
    found = json.loads((payloads / "x" / "tweet_lookup.json").read_text("utf-8"))["data"]
    assert [read_post(raw).id for raw in found] == ["1261326399320715264", "1278347468690915330"]
    assert words_of(read_post(found[1])) == "Good news and bad news: \n\n2020 is half over"


def test_reply_is_taken(replay):
    reply = Outgoing("Hello world!", {"post_id": "1"}, "k", datetime(2020, 6, 26, tzinfo=UTC))
    sent = replay("create_tweet_ok", lambda there: there.send(reply), status=201)
    number = "1445880548472328192"
    assert sent == Sent(number, f"https://x.com/i/status/{number}")


@pytest.mark.parametrize("name", ["config_v3_emoji"])
def test_lengths_are_x_s_own_and_never_too_low(payloads, name):
    path = payloads / "x" / f"twitter_text_length_vectors_{name}.json"
    vectors = json.loads(path.read_text("utf-8"))
    assert len(vectors) > 20
    counted = [(weighted(each["text"]), each["expected"]["weightedLength"]) for each in vectors]
    assert all(ours >= theirs for ours, theirs in counted)
    # One differs: a host name in other letters than ours is counted in full.
    assert sum(ours != theirs for ours, theirs in counted) <= 1
