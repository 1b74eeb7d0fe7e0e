"""Answers recorded from Bluesky, snapshots of its own tests and its lexicons; none is ours."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_listeners.bluesky_posts import read_post
from earmark_listeners.channels.bluesky import Bluesky
from earmark_listeners.channels.bluesky.listening import _PER_LOOK, _REASONS
from earmark_listeners.channels.bluesky.richtext import facets_of
from earmark_listeners.channels.bluesky.session import _HINTS
from earmark_listeners.contract import Outgoing, Wiring
from earmark_listeners.registry import build

INBOX = {"kind": "notifications", "identifier": "test.marshal.dev", "password": "env:P"}
SEARCH = INBOX | {"kind": "search", "query": "*"}
US = "did:plc:kvwvcn5iqfooopmyzvb4qzba"
NOW = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture
def recorded(payloads):
    """Gives a recording; the snapshots' stand-ins for names become names."""

    def read(name):
        text = (payloads / "bluesky" / f"{name}.json").read_text("utf-8")
        text = re.sub(r'"record\((\d+)\)"', r'"at://did:plc:u/app.bsky.feed.post/\1"', text)
        text = re.sub(r'"user\((\d+)\)"', r'"did:plc:u\1"', text)
        return json.loads(text)

    return read


@pytest.fixture
def replay(recorded):
    def run(options, answers, use):
        doc = recorded("did_doc")
        session = {"accessJwt": "a", "refreshJwt": "r", "did": US, "didDoc": doc["didDoc"]}
        told = {"com.atproto.server.createSession": session, **answers}
        hosts = set()

        def serve(request):
            hosts.add(request.url.host)
            name = request.url.path.removeprefix("/xrpc/")
            return httpx.Response(200, json=told[name]) if name in told else httpx.Response(502)

        async def go():
            fetch = make_fetcher(user_agent="tests", transport=httpx.MockTransport(serve))
            listener = build("bluesky", options, Wiring(fetch, FixedClock(NOW), lambda ref: "p"))
            try:
                return await use(listener), hosts
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    return run


async def polled(listener):
    return [batch async for batch in listener.poll(None)]


def test_requests_go_to_the_server_that_the_document_names(replay, recorded):
    thread = recorded("thread_view_post")["thread"]
    answer = {"app.bsky.feed.searchPosts": {"posts": [thread["post"]]}}
    [batch], hosts = replay(SEARCH, answer, polled)
    assert hosts == {"bsky.social", "shimeji.us-east.host.bsky.network"}
    [item] = batch.items
    assert item.external_id == f"at://{US}/app.bsky.feed.post/3kaheyt6vpc22"
    assert item.url == f"https://bsky.app/profile/{US}/post/3kaheyt6vpc22"
    assert (item.text, item.lang, item.kind, item.is_own) == ("", "en", "post", True)
    assert (item.author.handle, item.author.name) == ("test.marshal.dev", "Python SDK")
    assert item.published_at == datetime(2023, 9, 28, 12, 49, 36, 735_000, UTC)
    assert set(item.metrics) == {"replies", "reposts", "likes"}
    assert item.reply_ref["root_uri"] == item.reply_ref["uri"] == item.thread_id


def test_of_seven_notifications_one_is_something_said(replay, recorded):
    told = recorded("notifications_snapshot")
    assert len(told["notifications"]) == 7
    [batch], _ = replay(INBOX, {"app.bsky.notification.listNotifications": told}, polled)
    [item] = batch.items
    assert item.external_id == "at://did:plc:u/app.bsky.feed.post/5"
    assert batch.bad_items == ()
    assert item.metrics == {}


def test_a_reply_below_a_deleted_post_keeps_its_thread(recorded):
    thread = recorded("thread_with_deleted_snapshot")
    post = read_post(thread["post"])
    assert post.record.reply.root.uri == "at://did:plc:u/app.bsky.feed.post/4"
    assert post.record.reply.parent.uri == thread["parent"]["uri"]
    assert (post.record.text, post.quotes, post.likes) == ("Reply reply", 0, 0)


def test_a_record_as_a_repository_gives_it(replay, recorded):
    record = recorded("post_record")
    answer = {"com.atproto.repo.getRecord": record}

    async def use(listener):
        return await listener.target({"uri": record["uri"]})

    target, _ = replay(SEARCH, answer, use)
    assert target.text == "new text114"

    async def find(listener):
        return await listener.find(Outgoing("new text114", {"uri": record["uri"]}, "k", NOW))

    assert replay(SEARCH, answer, find)[0] is None  # it answers nothing


def test_the_limits_are_those_of_the_lexicon(recorded):
    text = recorded("lexicon_feed_post")["defs"]["main"]["record"]["properties"]["text"]
    rules = Bluesky.rules
    assert (rules.max_length, rules.max_bytes) == (text["maxGraphemes"], text["maxLength"])
    look = recorded("lexicon_getPosts")["defs"]["main"]["parameters"]["properties"]["uris"]
    assert look["maxItems" if "maxItems" in look else "maxLength"] == _PER_LOOK
    known = recorded("lexicon_listNotifications")["defs"]["notification"]["properties"]["reason"]
    assert set(_REASONS) <= set(known["knownValues"])
    errors = {each["name"] for each in recorded("lexicon_createSession")["defs"]["main"]["errors"]}
    assert errors <= set(_HINTS)


def test_facets_have_the_form_of_the_lexicon(recorded):
    defs = recorded("lexicon_richtext_facet")["defs"]
    resolved = recorded("resolve_handle")["did"]

    async def resolve(_):
        return resolved

    found = asyncio.run(facets_of("Hé @bsky.app https://acme.example #bags", resolve))
    assert len(found) == 3
    for facet in found:
        assert set(facet) == set(defs["main"]["required"])
        assert set(facet["index"]) == set(defs["byteSlice"]["required"])
        [feature] = facet["features"]
        kind = defs[feature.pop("$type").removeprefix("app.bsky.richtext.facet#")]
        assert set(feature) == set(kind["required"])


def test_a_token_that_tells_no_times_is_renewed_in_half_an_hour(replay, recorded):
    async def use(listener):
        await listener.home.account()
        return next(v for k, v in listener.wiring.memory.items() if k.startswith("token "))

    granted, _ = replay(SEARCH, {}, use)
    assert granted.until == NOW + timedelta(minutes=30)
