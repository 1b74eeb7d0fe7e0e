"""Answers recorded from Instagram's Graph API; they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor
from earmark_listeners.contract import Wiring
from earmark_listeners.registry import build

NOW = datetime(2021, 8, 25, tzinfo=UTC)
LONG_AGO = Cursor('{"after": "2018-01-01T00:00:00+00:00"}')
OURS = {"user_id": "17841406338772941", "username": "ikroskun", "token": "env:T"}


@pytest.fixture
def body(payloads):
    return lambda name: json.loads((payloads / "meta" / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def polled():
    def run(options, answers, since=None):
        asked = []

        def serve(request):
            asked.append(request.url)
            return httpx.Response(200, json=answers[request.url.path].pop(0))

        async def go():
            clock = FixedClock(NOW)
            transport = httpx.MockTransport(serve)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
            listener = build("instagram", OURS | options, Wiring(fetch, clock, lambda ref: "t0ken"))
            try:
                async with aclosing(listener.poll(since)) as pages:
                    return [batch async for batch in pages]
            finally:
                await fetch.aclose()

        batches = asyncio.run(go())
        run.asked = asked
        return [item for batch in batches for item in batch.items]

    return run


def test_comments_and_their_replies(body, polled):
    first = body("ig_media_comments_p1")
    first["data"][0]["replies"] = body("ig_comment_replies")
    media = {"data": [{"id": "17846368219941692", "comments": first}]}
    answers = {
        "/v25.0/17841406338772941/media": [media],
        "/v25.0/17846368219941692/comments": [{"data": []}],
    }
    items = polled({"kind": "comments"}, answers, LONG_AGO)
    assert "SCRUBBED" not in str(polled.asked)
    assert polled.asked[1].params["after"] == "after"
    assert [item.external_id for item in items] == [
        "17874875428706419",
        "17858154961981086",
        "17847314687296283",
    ]
    older, newer, reply = items
    assert older.published_at == datetime(2020, 6, 1, 10, 16, 39, tzinfo=UTC)
    assert (newer.text, newer.author) == ("Beautiful!", None)
    assert (newer.thread_id, newer.parent_id) == ("17846368219941692", "17846368219941692")
    assert reply.text == "@lixiangguodu123 nihao"
    assert reply.parent_id == "17858154961981086"
    assert reply.reply_ref["comment_id"] == "17858154961981086"


def test_media_in_which_we_are_tagged(body, polled):
    tags = {"/v25.0/17841406338772941/tags": [body("ig_tagged_media")]}
    items = polled({"kind": "tagged"}, tags)
    assert len(items) == 5
    assert items[-1].external_id == "17892354025952911"
    assert items[-1].text == "publish test"
    assert items[-1].url == "https://www.instagram.com/p/CMeo7rcJvTi/"
    assert items[-1].published_at == datetime(2021, 3, 16, 12, 2, 14, tzinfo=UTC)
    assert items[-1].metrics == {"comments": 0, "likes": 2}
    assert items[-1].reply_ref == {}


def test_media_that_names_us(body, polled):
    answers = {"/v25.0/17841406338772941": [body("ig_mentioned_media")]}
    (item,) = polled({"kind": "mentioned", "media_ids": "17889114512354744"}, answers)
    assert item.external_id == "17889114512354744"
    assert item.text == "@ikroskun hey"
    assert item.published_at == datetime(2021, 8, 19, 9, 0, 22, tzinfo=UTC)
    assert item.reply_ref == {"media_id": "17889114512354744"}
    fields = polled.asked[0].params["fields"]
    assert fields.startswith("mentioned_media.media_id(17889114512354744){id,caption,")


def test_hashtag(body, polled):
    answers = {
        "/v25.0/ig_hashtag_search": [{"data": [{"id": "17843826142012701"}]}],
        "/v25.0/17843826142012701/recent_media": [body("ig_hashtag_recent")],
    }
    items = polled({"kind": "hashtag", "hashtag": "#cute"}, answers)
    assert {item.external_id for item in items} == {
        "18088158883149835",
        "17842849828991925",
        "17859234943725739",
        "17846072587933764",
        "17892931315460101",
    }
    assert {item.published_at for item in items} == {None}
    assert {item.author for item in items} == {None}
    assert polled.asked[0].params["q"] == "cute"
    assert polled.asked[1].params["user_id"] == "17841406338772941"
