"""Answers recorded from Discourse; they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Malformed
from earmark_core.fetch import make_fetcher
from earmark_listeners.contract import Gone, Outgoing, Target, Wiring
from earmark_listeners.registry import build

BASE = "https://forum.example"
OPTIONS = {"base_url": BASE, "api_key": "env:K", "username": "johndoe"}


@pytest.fixture
def replay(payloads):
    folder = payloads / "discourse"

    def run(options, names, use):
        """Serves a recording for each path that begins so; what fits none is not found."""

        def serve(request):
            for begins, name in names.items():
                if request.url.path.startswith(begins):
                    body = (folder / f"{name}.json").read_bytes()
                    kind = {"content-type": "application/json; charset=utf-8"}
                    return httpx.Response(200, headers=kind, content=body)
            return httpx.Response(404, json={"errors": ["gone"], "error_type": "not_found"})

        async def go():
            clock = FixedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
            fetch = make_fetcher(
                user_agent="tests", transport=httpx.MockTransport(serve), clock=clock
            )
            wiring = Wiring(fetch, clock, lambda ref: "t")
            try:
                return await use(build("discourse", OPTIONS | options, wiring))
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    return run


def polling(since=None):
    async def use(listener):
        async with aclosing(listener.poll(since)) as pages:
            return [batch async for batch in pages]

    return use


def test_latest_posts(replay):
    (batch,) = replay({}, {"/posts.json": "posts_latest"}, polling())
    assert not batch.bad_items
    found = {item.external_id: item for item in batch.items}
    assert len(found) == 4
    item = found["15"]
    assert item.published_at == datetime(2020, 1, 25, 2, 10, 7, 971_000, tzinfo=UTC)
    assert item.edited_at is None
    assert item.title == "This is an uncategorized title"
    assert item.url == f"{BASE}/t/this-is-an-uncategorized-title/11/2"
    assert (item.thread_id, item.parent_id, item.kind) == (f"{BASE}/t/11", "11/1", "post")
    assert item.is_own
    assert found["14"].kind == "topic"


def test_old_notifications_are_a_list_and_of_no_kind_that_is_passed(replay):
    names = {"/notifications.json": "notifications", "/posts/47600.json": "post"}
    (batch,) = replay({"kind": "notifications"}, names, polling())
    (item,) = batch.items
    assert item.title == ".json feed for notifications"
    assert item.external_id == "11"
    after = json.loads(batch.cursor)["after"]
    assert datetime.fromisoformat(after) == datetime(2014, 4, 2, 15, 58, 0, 670_000, tzinfo=UTC)


def test_the_old_shape_of_a_search_is_another_language(replay):
    with pytest.raises(Malformed):
        replay({"kind": "search", "query": "x"}, {"/search.json": "search"}, polling())


def test_target(replay):
    names = {"/posts/11.json": "post", "/t/8.json": "topic"}
    found = replay({}, names, lambda there: there.target({"post_id": "11"}))
    assert isinstance(found, Target)
    assert found.text.startswith("The first paragraph of this pinned topic")
    assert "Who is it for?" in found.text


def test_a_target_that_is_not_found_is_gone(replay):
    assert isinstance(replay({}, {}, lambda there: there.target({"post_id": "12"})), Gone)


def test_the_stream_of_a_topic_is_where_a_reply_is_looked_for(replay):
    at = datetime(2013, 2, 5, 17, 0, tzinfo=UTC)
    reply = Outgoing("not there", {"post_id": "1", "topic_id": "57", "post_number": "1"}, "k", at)
    names = {"/t/57": "topic", "/posts/": "post"}
    assert replay({}, names, lambda there: there.find(reply)) is None
