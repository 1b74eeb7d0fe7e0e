"""What is heard on Hacker News, page by page, and what is said of what was not."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.errors import ConfigError, Malformed, Rejected
from earmark_core.model import Cursor, WindowState
from earmark_core.text import clean

NOW = int(datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp())
OPTIONS = {"query": "acme", "overlap_seconds": 600}


class FakeSearch:
    """Gives hits newest first, 100 a page, and no more than 1,000 of them."""

    def __init__(self, count=0, last=NOW):
        self.hits = [
            {"objectID": str(n), "created_at_i": last - (count - n), "comment_text": f"acme {n}"}
            for n in range(count)
        ]
        self.requests = []

    def __call__(self, request):
        query = dict(request.url.params)
        self.requests.append(query)
        after = int(query.get("numericFilters", "created_at_i>0").partition(">")[2])
        found = [hit for hit in self.hits if hit["created_at_i"] > after][::-1]
        page = int(query["page"])
        if page >= 10:
            return httpx.Response(200, json={"hits": [], "nbHits": 0, "message": "only 1000"})
        shown = found[page * 100 : page * 100 + 100]
        return httpx.Response(200, json={"hits": shown, "nbHits": len(found), "nbPages": 10})


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def at(moment):
    return Cursor(json.dumps({"after": moment}))


def test_first_poll_gives_the_newest_page(polled):
    search = FakeSearch(250)
    batches = polled("hackernews", OPTIONS, search)
    assert ids(batches) == [str(n) for n in range(150, 250)]
    assert batches[-1].state is WindowState.complete
    assert len(search.requests) == 1


def test_later_polls_look_back_by_the_overlap(polled):
    search = FakeSearch(3)
    polled("hackernews", OPTIONS, search, at(NOW))
    assert search.requests[0]["numericFilters"] == f"created_at_i>{NOW - 600}"
    assert search.requests[0]["typoTolerance"] == "false"


def test_pages_come_oldest_first_and_only_the_newest_moves_the_cursor(polled):
    batches = polled("hackernews", OPTIONS, FakeSearch(250), at(NOW - 100))
    assert ids(batches) == [str(n) for n in range(250)]
    assert [batch.cursor for batch in batches] == [None, None, at(NOW - 1)]
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_exactly_a_full_page_asks_no_more(polled):
    search = FakeSearch(100)
    assert len(ids(polled("hackernews", OPTIONS, search, at(NOW)))) == 100
    assert len(search.requests) == 1


def test_wall_of_1000_hits_is_said(polled):
    search = FakeSearch(1_300)
    batches = polled("hackernews", OPTIONS | {"overlap_seconds": 7_200}, search, at(NOW))
    assert len(ids(batches)) == 1_000
    assert {batch.state for batch in batches} == {WindowState.truncated}
    oldest = min(item.published_at for batch in batches for item in batch.items)
    assert {batch.covers_from for batch in batches} == {oldest}
    assert len(search.requests) == 10


def test_exactly_1000_hits_are_all(polled):
    batches = polled("hackernews", OPTIONS | {"overlap_seconds": 7_200}, FakeSearch(1_000), at(NOW))
    assert len(ids(batches)) == 1_000
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_page_cap_of_ours_is_said(polled):
    batches = polled("hackernews", OPTIONS | {"max_pages": 2}, FakeSearch(250), at(NOW))
    assert {batch.state for batch in batches} == {WindowState.truncated}


def test_hit_from_the_future_does_not_blind_the_source(polled):
    batches = polled("hackernews", OPTIONS, FakeSearch(3, last=NOW + 10**6), at(NOW - 50))
    assert len(ids(batches)) == 3
    assert batches[-1].cursor == at(NOW)


def test_nothing_found_keeps_the_cursor(polled):
    batches = polled("hackernews", OPTIONS, FakeSearch(), at(NOW - 50))
    assert (ids(batches), batches[-1].cursor) == ([], at(NOW - 50))
    assert polled("hackernews", OPTIONS, FakeSearch())[-1].cursor == at(NOW)


def test_nulls_are_absent_and_never_zero(polled):
    search = FakeSearch(1)
    search.hits[0] |= {"points": None, "author": None, "story_text": None, "_tags": None}
    (item,) = polled("hackernews", OPTIONS, search)[0].items
    assert (item.metrics, item.author, item.kind) == ({}, None, "post")


def test_title_keeps_its_angle_brackets(polled):
    search = FakeSearch(1)
    search.hits[0] |= {"title": "Show HN: a <canvas> for R&D"}
    (item,) = polled("hackernews", OPTIONS, search)[0].items
    assert clean(item.title) == "Show HN: a <canvas> for R&D"


@pytest.mark.parametrize("moment", [None, "x", 10**18, -(10**18)])
def test_hit_without_a_moment_is_quarantined(polled, moment):
    search = FakeSearch(2)
    search.hits[0]["created_at_i"] = moment
    search.__class__ = type("Fixed", (FakeSearch,), {"__call__": lambda self, _: httpx.Response(
        200, json={"hits": self.hits, "nbHits": 2})})  # fmt: skip
    (batch,) = polled("hackernews", OPTIONS, search)
    assert (len(batch.items), len(batch.bad_items)) == (1, 1)
    assert "created_at_i" in batch.bad_items[0].reason


def test_error_in_an_envelope_is_quoted(polled):
    def refuse(request):
        return httpx.Response(200, json={"message": "invalid filter", "status": 400})

    with pytest.raises(Malformed, match="invalid filter"):
        polled("hackernews", OPTIONS, refuse)


def test_cursor_that_cannot_be_read_waits_for_a_person(polled):
    with pytest.raises(Rejected):
        polled("hackernews", OPTIONS, FakeSearch(), Cursor("rubbish"))


@pytest.mark.parametrize(
    "options", [{}, {"query": ""}, {"query": "a", "tags": "a&b"}, {"query": "a", "base_url": "x"}]
)
def test_options_that_cannot_work_are_refused(polled, options):
    with pytest.raises(ConfigError):
        polled("hackernews", options, FakeSearch())
