"""Answers recorded from Stack Exchange (the wrapper alone); they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Malformed
from earmark_core.fetch import make_fetcher
from earmark_listeners.contract import Wiring
from earmark_listeners.registry import build

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def poll(payloads):
    def run(name, **more):
        said = json.loads((payloads / "stackexchange" / f"{name}.json").read_text("utf-8"))
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json=said | more))

        async def go():
            clock = FixedClock(NOW)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
            listener = build("stackexchange", {"tagged": "x"}, Wiring(fetch, clock, str))
            try:
                async with aclosing(listener.poll(None)) as pages:
                    return [batch async for batch in pages]
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    return run


@pytest.mark.parametrize("name", ["associated_users", "sites"])
def test_items_of_another_kind_are_another_language(poll, name):
    with pytest.raises(Malformed, match="None of the questions"):
        poll(name)


@pytest.mark.parametrize("name", ["associated_users", "sites"])
def test_the_wrapper_is_read(poll, name):
    (batch,) = poll(name, items=[])
    assert batch.items == ()
    assert batch.next_poll_after is None
    assert json.loads(batch.cursor)["after"] == NOW.isoformat()
