"""History on Hacker News: all of a stretch of time, however many hits, and none of any other."""

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.clock import FixedClock
from earmark_core.errors import Malformed, Rejected
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor, WindowState
from earmark_listeners.contract import Batch, Wiring
from earmark_listeners.registry import build

END = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
START = END - timedelta(hours=1)
LAST = int(END.timestamp())


def search(moments: list[int], *, obeys: bool = True) -> Callable[[httpx.Request], httpx.Response]:
    """A search over hits at these seconds before the end; 1,000 of them to a question at most."""
    hits = [
        {"objectID": str(n), "created_at_i": LAST - ago, "comment_text": f"acme {n}"}
        for n, ago in enumerate(moments)
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        low, high = map(int, re.findall(r"\d+", asked["numericFilters"]))
        found = [hit for hit in hits if not obeys or low <= int(str(hit["created_at_i"])) <= high]
        found.sort(key=lambda hit: int(str(hit["created_at_i"])), reverse=True)
        page = int(asked["page"])
        shown = found[:1000][page * 100 : page * 100 + 100]
        return httpx.Response(200, json={"hits": shown, "nbHits": len(found)})

    return answer


def filled(
    answer: Callable[[httpx.Request], httpx.Response], since: Cursor | None = None, most: int = 99
) -> list[Batch]:
    async def work() -> list[Batch]:
        transport = httpx.MockTransport(answer)
        async with make_fetcher(user_agent="t", transport=transport) as fetcher:
            wiring = Wiring(fetcher, FixedClock(END), lambda _reference: "")
            listener: Any = build("hackernews", {"query": "acme"}, wiring)
            found: list[Batch] = []
            async with aclosing(listener.backfill(START, END, since)) as pages:
                async for page in pages:
                    found.append(page)
                    if len(found) == most:
                        break
            return found

    return asyncio.run(work())


def ids(batches: list[Batch]) -> set[str]:
    return {item.external_id for batch in batches for item in batch.items}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-100, 4_000), max_size=350), st.integers(1, 4))
def test_all_of_the_stretch_and_nothing_else_also_when_taken_up_again(
    moments: list[int], broken_after: int
) -> None:
    wanted = {str(n) for n, ago in enumerate(moments) if 0 < ago <= 3600}
    whole = filled(search(moments))
    assert ids(whole) == wanted
    first = filled(search(moments), most=broken_after)
    rest = filled(search(moments), first[-1].cursor)
    assert ids(first) | ids(rest) == wanted
    reached = [batch.covers_from for batch in whole]
    assert reached == sorted(reached, key=lambda at: at or END, reverse=True)
    assert reached[-1] == START
    assert {batch.state for batch in whole} == {WindowState.backfilled}


def test_what_one_second_holds_is_read_up_to_the_wall_and_said_beyond_it() -> None:
    assert len(ids(filled(search([5] * 900 + [9] * 20)))) == 920
    over = filled(search([5] * 1_200 + [9] * 20))
    assert len(ids(over)) == 1_000
    assert (over[-1].state, over[-1].covers_from) == (
        WindowState.truncated,
        END - timedelta(seconds=5),
    )
    assert "1000 hits" in over[-1].note


def test_more_hits_than_one_question_is_answered_with_are_all_given() -> None:
    many = search([1 + number // 2 for number in range(2_400)])
    assert len(ids(filled(many))) == 2_400


def test_a_search_that_does_not_keep_to_the_stretch_is_refused() -> None:
    with pytest.raises(Malformed, match="stretch of time"):
        filled(search(list(range(4_000, 4_300)), obeys=False))


def test_a_channel_that_cannot_says_so_in_words() -> None:
    async def work() -> None:
        async with make_fetcher(user_agent="t") as fetcher:
            wiring = Wiring(fetcher, FixedClock(END), lambda _reference: "")
            build("feed", {"url": "https://x.example/f"}, wiring).backfill(START, END, None)

    with pytest.raises(Rejected, match="only what is new"):
        asyncio.run(work())
