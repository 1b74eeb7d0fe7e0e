"""Answers recorded from Facebook's Graph API; they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor
from earmark_listeners.contract import Outgoing, Sent, Wiring
from earmark_listeners.registry import build

POST = "19292868552_10158407654328553"
BEFORE = Cursor('{"after": "2021-08-01T00:00:00+00:00"}')
NOW = datetime(2021, 8, 15, tzinfo=UTC)


@pytest.fixture
def body(payloads):
    return lambda name: json.loads((payloads / "meta" / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def at_meta():
    def run(use, *answers, kind="comments", status=200):
        left, asked = list(answers), []

        def serve(request):
            asked.append(request)
            return httpx.Response(status, json=left.pop(0) if len(left) > 1 else left[0])

        async def go():
            clock = FixedClock(NOW)
            transport = httpx.MockTransport(serve)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
            options = {"page_id": "19292868552", "token": "env:T", "kind": kind}
            wiring = Wiring(fetch, clock, lambda ref: "t0ken")
            try:
                return await use(build("facebook", options, wiring))
            finally:
                await fetch.aclose()

        run.asked = asked
        return asyncio.run(go())

    return run


def polling(since=None):
    async def use(listener):
        async with aclosing(listener.poll(since)) as pages:
            return [batch async for batch in pages]

    return use


def test_comments_of_two_pages(body, at_meta):
    feed = {"data": [{"id": POST, "comments": body("fb_comments_p1")}]}
    (batch,) = at_meta(polling(BEFORE), feed, body("fb_comments_p2"))
    first = body("fb_comments_p1")["data"]
    assert len(batch.items) == 15
    assert batch.bad_items == ()
    follow = at_meta.asked[1].url
    assert follow.path == f"/v25.0/{POST}/comments"
    assert follow.params["after"] == "after"
    assert "SCRUBBED" not in str(follow)
    comment, answer = batch.items[0], batch.items[5]
    assert comment.external_id == "10158407654328553_10158407835073553"
    assert comment.published_at == datetime(2021, 8, 10, 18, 45, 3, tzinfo=UTC)
    assert comment.text == first[0]["message"]
    assert comment.url == first[0]["permalink_url"]
    assert (comment.thread_id, comment.parent_id) == (POST, POST)
    assert comment.author is None  # the token may not know who wrote it
    assert comment.metrics == {"likes": 0, "replies": 1}
    assert answer.external_id == "10158407654328553_10158409983033553"
    assert answer.parent_id == "10158407654328553_10158407903973553"


def test_feed_without_cursors_pages_by_time_and_token(body, at_meta):
    page = body("fb_page_feed_p1")
    batches = at_meta(polling(BEFORE.replace("08", "06")), page, {"data": []}, kind="posts")
    items = [item for batch in batches for item in batch.items]
    assert len(items) == 5
    assert items[-1].external_id == "4_10113477241177441"
    assert items[-1].text == "Happy July 4th! 🇺🇸"
    assert items[-1].published_at == datetime(2021, 7, 4, 19, 50, 58, tzinfo=UTC)
    asked = at_meta.asked[1].url
    assert asked.path == "/v25.0/19292868552/feed"
    assert asked.params["until"] == "1624385168"
    assert asked.params["__paging_token"] == "__paging_token"
    assert "SCRUBBED" not in str(asked)


def test_conversations_are_no_comments(body, at_meta):
    with pytest.raises(Malformed):
        at_meta(polling(), body("fb_conversations"))


@pytest.mark.parametrize(
    ("name", "fault", "hint"),
    [
        ("error_400_oauthexception_100", Fault.invalid, "app_secret"),
        ("error_permission", Fault.not_found, "token"),
    ],
)
def test_refusals_say_what_to_do(body, at_meta, name, fault, hint):
    with pytest.raises(Rejected) as caught:
        at_meta(polling(), body(name), status=400)
    assert caught.value.fault is fault
    assert hint in caught.value.hint


def test_reply_is_taken(body, at_meta):
    target = {"comment_id": "245778718206154_1", "root_id": "245778718206154_1"}
    reply = Outgoing("Message from api and updated", target, "k", NOW)
    sent = at_meta(lambda there: there.send(reply), body("fb_comment_create_ok"))
    assert sent == Sent(
        "245778718206154_229887283291835",
        "https://www.facebook.com/245628824887810/posts/245778718206154?comment_id=229887283291835",
    )
    with pytest.raises(ReplyRefused):
        at_meta(lambda there: there.send(reply), body("error_permission"), status=400)
