"""What GDELT is asked, and what its sentences mean."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Fault, Malformed, Rejected, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor, WindowState
from earmark_listeners.contract import Wiring
from earmark_listeners.registry import build

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPTIONS = {"query": '"acme air"'}
QUARTER = timedelta(minutes=15)


class FakeGdelt:
    """Gives the newest 250 articles of a span; time goes in steps of 15 minutes."""

    def __init__(self, per_quarter):
        self.articles = [
            {
                "url": f"https://news.example/{back}-{n}",
                "title": f"Acme Air {back}-{n}",
                "seendate": f"{NOW - back * QUARTER:%Y%m%dT%H%M%SZ}",
                "domain": "news.example",
                "language": "English",
            }
            for back, count in enumerate(per_quarter)
            for n in range(count)
        ]
        self.spans = []

    def __call__(self, request):
        query = dict(request.url.params)
        start, end = query["startdatetime"], query["enddatetime"]
        self.spans.append((start, end))
        found = [
            each
            for each in self.articles
            if start <= each["seendate"].replace("T", "").replace("Z", "") <= end
        ]
        return httpx.Response(200, json={"articles": found[:250]} if found else {})


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def at(moment, **more):
    moments = {"after": moment, **more}
    return Cursor(json.dumps({key: value.isoformat() for key, value in moments.items()}))


def sentence(text, kind="text/html; charset=utf-8"):
    return lambda _: httpx.Response(200, text=text, headers={"content-type": kind})


def test_no_articles_are_an_empty_object_and_no_fault(polled):
    (batch,) = polled("gdelt", OPTIONS, FakeGdelt([]))
    assert (batch.items, batch.state) == ((), WindowState.complete)
    assert batch.cursor == at(NOW)


def test_a_later_poll_asks_from_behind_its_mark(polled):
    server = FakeGdelt([1])
    polled("gdelt", OPTIONS, server, at(NOW - QUARTER))
    assert server.spans == [("20260302064500", "20260302090000")]


def test_a_full_answer_is_read_on_to_its_end_without_loss(polled):
    server = FakeGdelt([100] * 7)
    cursor = at(NOW - 7 * QUARTER)
    heard, states = [], []
    for _ in range(6):
        (batch,) = polled("gdelt", OPTIONS, server, cursor)
        heard += ids([batch])
        states.append(batch.state)
        cursor = batch.cursor
        if batch.state is WindowState.complete:
            break
    assert len(set(heard)) == 700
    assert states[-1] is WindowState.complete
    assert states.count(WindowState.truncated) == len(states) - 1
    assert cursor == at(NOW)


def test_an_overlap_that_is_cut_is_no_gap(polled):
    server = FakeGdelt([50] * 9)
    (batch,) = polled("gdelt", OPTIONS, server, at(NOW - QUARTER))
    assert len(ids([batch])) == 250
    assert (batch.state, batch.cursor) == (WindowState.complete, at(NOW))


def test_a_quarter_of_an_hour_with_too_many_is_a_gap_and_passed(polled):
    server = FakeGdelt([400, 10])
    (full,) = polled("gdelt", OPTIONS, server, at(NOW - QUARTER))
    assert full.state is WindowState.truncated
    assert "in a quarter of an hour" in full.note
    (rest,) = polled("gdelt", OPTIONS, server, full.cursor)
    assert len(ids([rest])) == 10
    assert rest.cursor == at(NOW)


def test_the_first_poll_takes_the_newest_only(polled):
    server = FakeGdelt([100] * 7)
    (batch,) = polled("gdelt", OPTIONS, server)
    assert len(ids([batch])) == 250
    assert (batch.state, batch.cursor) == (WindowState.complete, at(NOW))


def test_after_three_months_of_silence_the_gap_is_said(polled):
    (batch,) = polled("gdelt", OPTIONS, FakeGdelt([1]), at(NOW - timedelta(days=120)))
    assert batch.state is WindowState.truncated
    assert "three months" in batch.note


@pytest.mark.parametrize(
    "text",
    ["Your query was too short or too long.", "The specified phrase is too short.",
     "Timespan is too short.", "Parentheses may only be used around OR'd statements."],
)  # fmt: skip
def test_a_complaint_about_the_query_waits_for_a_person_in_gdelt_s_words(polled, text):
    with pytest.raises(Rejected, match=text.rstrip(".")) as caught:
        polled("gdelt", OPTIONS, sentence(text))
    assert caught.value.fault is Fault.invalid
    assert caught.value.hint


def test_a_wish_for_fewer_requests_is_one_with_status_200_and_429(polled):
    text = "Please limit requests to one every 5 seconds or contact us."
    for status in (200, 429):
        answer = httpx.Response(status, text=text)
        with pytest.raises(Unavailable) as caught:
            polled("gdelt", OPTIONS, lambda _, answer=answer: answer)
        assert caught.value.rate_limited


def test_an_unknown_sentence_is_tried_again_later(polled):
    with pytest.raises(Unavailable, match="The moon is full"):
        polled("gdelt", OPTIONS, sentence("The moon is full."))


def test_json_that_is_not_quite_json_is_read(polled):
    body = (
        b'{"articles": [{"url": "https://news.example/1", "title": "Acme\\\'s\tday \\x",'
        b' "seendate": "20260302T084500Z", "domain": "news.example", "language": "English"}]}'
    )
    (batch,) = polled("gdelt", OPTIONS, lambda _: httpx.Response(200, content=body))
    assert [item.title for item in batch.items] == ["Acme\\'s\tday \\x"]


def test_an_answer_that_is_cut_off_is_no_empty_one(polled):
    with pytest.raises(Malformed):
        polled("gdelt", OPTIONS, lambda _: httpx.Response(200, content=b'{"articles": [{"url'))


def test_two_sources_leave_gdelt_five_seconds(listen):
    memory = {}

    async def polls(clock):
        fetch = make_fetcher(user_agent="tests", transport=httpx.MockTransport(FakeGdelt([1])))
        listener = build("gdelt", OPTIONS, Wiring(fetch, clock, str, memory=memory))
        try:
            return [batch async for batch in listener.poll(None)]
        finally:
            await fetch.aclose()

    async def both(_):
        assert await polls(FixedClock(NOW))
        with pytest.raises(Unavailable) as caught:
            await polls(FixedClock(NOW + timedelta(seconds=2)))
        assert caught.value.rate_limited
        assert caught.value.retry_after == timedelta(seconds=3)
        assert await polls(FixedClock(NOW + timedelta(seconds=5)))
        assert await polls(FixedClock(NOW - timedelta(hours=1))), "a clock that was set back"

    listen("gdelt", OPTIONS, FakeGdelt([]), both)


def test_a_cursor_that_is_none_of_ours_is_refused(polled):
    for cursor in ('{"after": "yesterday"}', "[]", '{"before": "2026-03-02T09:00:00+00:00"}'):
        with pytest.raises(Rejected, match="cannot be read"):
            polled("gdelt", OPTIONS, FakeGdelt([]), Cursor(cursor))
