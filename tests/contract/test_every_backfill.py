"""What every channel that gives history promises about it; found, never listed.

How a recording is built: tests/fixtures/listeners/README.md.
"""

import httpx
import pytest

from earmark_core.errors import ListenerError, Malformed, Rejected, Unavailable
from earmark_core.model import WindowState

NOS = {401: Rejected, 403: Rejected, 429: Unavailable, 500: Unavailable, 503: Unavailable}


def ids(batches) -> set[str]:
    return {item.external_id for batch in batches for item in batch.items}


def test_whoever_gives_history_has_a_recording_of_it(recording):
    assert recording.can_backfill is ("backfill" in recording.script)


def test_it_gives_the_stretch_and_nothing_else(any_history):
    batches = any_history.fill()
    assert ids(batches) == set(any_history.backfill["ids"])
    for batch in batches:
        assert batch.bad_items == ()
        found = [item.external_id for item in batch.items]
        assert len(found) == len(set(found))
        for item in batch.items:
            assert any_history.start <= item.published_at < any_history.end


def test_it_says_how_far_back_it_is_and_never_claims_more(any_history):
    batches = any_history.fill()
    reached = [batch.covers_from for batch in batches]
    assert reached == sorted(reached, reverse=True)
    assert all(any_history.start <= moment <= any_history.end for moment in reached)
    assert {batch.state for batch in batches[:-1]} <= {WindowState.backfilled}
    told = any_history.backfill.get("wall")
    last = batches[-1]
    if told is None:
        assert (last.state, last.covers_from) == (WindowState.backfilled, any_history.start)
    else:
        assert (last.state, last.covers_from.isoformat()) == (WindowState.truncated, told)
        assert last.note


def test_it_is_read_in_pages(any_history):
    assert len(any_history.fill()) > 1


def test_taken_up_behind_any_page_nothing_is_lost(any_history):
    whole = any_history.fill()
    for stop in range(1, len(whole) + 1):
        begun = any_history.fill(stop_after=stop)
        assert len(begun) == stop
        assert isinstance(begun[-1].cursor, str)
        rest = any_history.fill(begun[-1].cursor)
        assert ids(begun) | ids(rest) == ids(whole)
        ended = (rest or begun)[-1]
        assert (ended.covers_from, ended.state) == (whole[-1].covers_from, whole[-1].state)


def test_a_place_that_is_none_of_ours_waits_for_a_person(any_history):
    for cursor in ("", "{}", "[]", '{"after": "soon"}'):
        with pytest.raises(Rejected):
            any_history.fill(cursor)


@pytest.mark.parametrize("turn", [1, 2, 10**6], ids=["same", "A, B, A", "endless"])
def test_a_platform_that_never_ends_is_left_and_not_believed(history, turn):
    told = history.backfill.get("endless") or history.script["endless"]
    platform = history.past()
    platform.answers = [told, *platform.answers]
    platform.turn = turn
    batches = history.fill(handler=platform)
    assert all(history.start <= batch.covers_from <= history.end for batch in batches)


@pytest.mark.parametrize("status", NOS)
def test_a_refusal_is_the_same_as_in_a_poll(history, status):
    history.differs(status)
    for after in (None, history.fill(stop_after=1)[-1].cursor):
        with pytest.raises(NOS[status]) as caught:
            history.fill(after, handler=history.past({"status": status, "text": '{"error": "no"}'}))
        assert getattr(caught.value, "rate_limited", False) is (status == 429)


def test_a_line_that_breaks_is_tried_later(history):
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("broken", request=request)

    with pytest.raises(Unavailable):
        history.fill(handler=broken)


def test_an_unreadable_answer_is_never_an_empty_stretch(history):
    for body in history.malformed:
        with pytest.raises((Malformed, Unavailable)):
            history.fill(handler=history.past({"status": 200, **body}))


def test_what_cannot_be_read_does_not_end_it(history):
    told = history.backfill.get("bad_item") or history.script["bad_item"]
    batches = history.fill(handler=history.past(told))
    assert any(batch.bad_items for batch in batches)


def test_no_secret_is_shown(history, token, caplog):
    if not history.uses_token:
        return
    platform = history.past()
    batches = history.fill(handler=platform)
    assert token not in repr(batches)
    with pytest.raises(ListenerError) as caught:
        history.fill(handler=history.past({"status": 422, "text": f"the token {token} is bad"}))
    assert token not in f"{caught.value!r}{caught.value}{caught.value.hint}{caplog.text}"
