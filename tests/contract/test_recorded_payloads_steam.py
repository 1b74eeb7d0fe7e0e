"""Answers recorded from Steam's store; they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Unavailable
from earmark_core.fetch import make_fetcher
from earmark_listeners.contract import Wiring
from earmark_listeners.registry import build


def replay(body):
    async def go():
        sent = {"content": body, "headers": {"content-type": "application/json"}}
        transport = httpx.MockTransport(lambda _: httpx.Response(200, **sent))
        fetch = make_fetcher(user_agent="tests", transport=transport)
        clock = FixedClock(datetime(2026, 8, 1, tzinfo=UTC))
        listener = build("steam", {"app_id": "730"}, Wiring(fetch, clock, lambda ref: ""))
        try:
            async with aclosing(listener.poll(None)) as pages:
                return [batch async for batch in pages]
        finally:
            await fetch.aclose()

    return asyncio.run(go())


def test_review(payloads):
    body = (payloads / "steam" / "appreviews_first_page_one_review.json").read_bytes()
    (raw,) = json.loads(body)["reviews"]
    (batch,) = replay(body)
    (item,) = batch.items
    assert batch.bad_items == ()
    assert item.external_id == "132615279"
    assert item.text == raw["review"]
    assert item.published_at == datetime(2023, 2, 11, 12, 19, 48, tzinfo=UTC)
    assert (item.edited_at, item.rating, item.lang) == (None, None, "ko")
    assert item.title == "Recommended"
    assert item.author.id == raw["author"]["steamid"]
    assert item.url == f"https://steamcommunity.com/profiles/{item.author.id}/recommended/730/"
    assert item.metrics == {
        "recommended": 1, "helpful": 37, "funny": 0, "comments": 0, "minutes_played": 15_435,
    }  # fmt: skip


def test_totals_without_reviews_are_no_empty_page(payloads):
    body = (payloads / "steam" / "appreviews_620_summary_only.json").read_bytes()
    with pytest.raises(Unavailable, match="it counts 210944 reviews"):
        replay(body)
