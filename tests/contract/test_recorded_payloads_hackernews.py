"""Answers recorded from the Hacker News search; they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Malformed
from earmark_core.fetch import make_fetcher
from earmark_core.text import clean
from earmark_listeners.contract import Wiring
from earmark_listeners.registry import build


def replay(body):
    async def go():
        sent = {"content": body, "headers": {"content-type": "application/json"}}
        transport = httpx.MockTransport(lambda _: httpx.Response(200, **sent))
        fetch = make_fetcher(user_agent="tests", transport=transport)
        clock = FixedClock(datetime(2026, 8, 1, tzinfo=UTC))
        listener = build("hackernews", {"query": "ssh"}, Wiring(fetch, clock, lambda ref: ""))
        try:
            async with aclosing(listener.poll(None)) as pages:
                return [batch async for batch in pages]
        finally:
            await fetch.aclose()

    return asyncio.run(go())


def test_search(payloads):
    body = (payloads / "hackernews" / "algolia_search.json").read_bytes()
    hits = {hit["objectID"]: hit for hit in json.loads(body)["hits"]}
    (batch,) = replay(body)
    assert {item.external_id for item in batch.items} == set(hits)
    assert batch.bad_items == ()
    moments = [item.published_at for item in batch.items]
    assert moments == sorted(moments)
    for item in batch.items:
        hit = hits[item.external_id]
        assert clean(item.title, is_html=True) == hit["title"]
        assert item.kind == hit["_tags"][0]
        assert item.published_at == datetime.fromisoformat(hit["created_at"])
        assert item.metrics == {"points": hit["points"], "num_comments": hit["num_comments"]}
        assert item.url == f"https://news.ycombinator.com/item?id={item.external_id}"
        assert item.thread_id == item.external_id
        assert "_highlightResult" not in item.raw


def test_tree_of_one_item_is_no_search(payloads):
    with pytest.raises(Malformed):
        replay((payloads / "hackernews" / "algolia_item_tree.json").read_bytes())
