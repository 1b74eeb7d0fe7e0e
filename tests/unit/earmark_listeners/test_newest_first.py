"""Pages are walked so that nothing is lost in silence and nothing goes round for ever."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.clock import FixedClock
from earmark_core.errors import Malformed, Rejected, Unavailable
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.newest_first import Deleted, Page, Walk, read_mark, write_mark

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(minutes):
    return NOW - timedelta(minutes=minutes)


def read(entry):
    if entry == "odd":
        raise Malformed("it is odd")
    if entry == "passed":
        return None
    if isinstance(entry, str):
        return Deleted(entry)
    return Item(external_id=f"i{entry}", published_at=at(entry))


def walk(ask, **more):
    return Walk(ask, read, FixedClock(NOW), "a.example", **more)


def pages(*given_pages):
    """Pages by number, newest first; entries are minutes ago."""
    asked = []

    async def ask(token, floor):
        number = int(token or 0)
        asked.append((number, floor))
        following = str(number + 1) if number + 1 < len(given_pages) else ""
        return Page(given_pages[number], following)

    ask.asked = asked
    return ask


def run(stream):
    async def go():
        async with aclosing(stream) as open_stream:
            return [batch async for batch in open_stream]

    return asyncio.run(go())


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def test_the_first_poll_takes_the_newest_page_only():
    ask = pages([1, 2], [3, 4], [5])
    [batch] = run(walk(ask).newest_first(None))
    assert ids([batch]) == ["i2", "i1"]
    assert (batch.state, batch.covers_from) == (WindowState.complete, None)
    assert read_mark(batch.cursor, "") == at(1)
    assert ask.asked == [(0, None)]


def test_it_goes_back_to_what_was_seen_and_the_mark_moves_last():
    ask = pages([1, 5], [10, 20], [40, 50], [60])
    batches = run(walk(ask).newest_first(write_mark(at(25))))
    assert ids(batches) == ["i50", "i40", "i20", "i10", "i5", "i1"]
    assert [read_mark(batch.cursor, "") for batch in batches] == [None, None, at(1)]
    assert {batch.state for batch in batches} == {WindowState.complete}
    assert [floor for _, floor in ask.asked] == [at(35)] * 3


def test_a_page_that_is_older_only_in_part_is_not_the_end():
    """A pinned or a late item does not hide what lies below it."""
    batches = run(walk(pages([99, 1], [2, 3], [70, 80])).newest_first(write_mark(at(5))))
    assert {"i2", "i3"} <= set(ids(batches))


def test_a_gap_is_told_with_where_it_ends():
    batches = run(walk(pages([1], [2], [3], [4]), max_pages=2).newest_first(write_mark(at(60))))
    assert ids(batches) == ["i2", "i1"]
    assert {batch.state for batch in batches} == {WindowState.truncated}
    assert batches[0].covers_from == at(2)
    assert "2 pages" in batches[0].note


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"]])
def test_a_circle_is_left_and_told(tokens):
    asked = []

    async def ask(token, floor):
        asked.append(token)
        return Page([len(asked)], tokens[(len(asked) - 1) % len(tokens)])

    batches = run(walk(ask, max_pages=50).newest_first(write_mark(at(500))))
    assert len(asked) <= 3
    assert batches[-1].state is WindowState.truncated
    assert "again" in batches[-1].note


def test_the_same_page_under_ever_new_tokens_is_left():
    asked = []

    async def ask(token, floor):
        asked.append(token)
        return Page([1, 2], str(len(asked)))

    batches = run(walk(ask, max_pages=50).newest_first(write_mark(at(500))))
    assert len(asked) == 2
    assert ids(batches) == ["i2", "i1"]
    assert batches[-1].state is WindowState.truncated


def test_what_cannot_be_read_is_kept_apart_and_what_is_gone_is_told():
    [batch] = run(walk(pages([1, "odd", "passed", "x7"])).newest_first(None))
    assert ids([batch]) == ["i1"]
    assert batch.gone == ("x7",)
    assert [bad.reason for bad in batch.bad_items] == ["it is odd"]


def test_a_page_of_which_nothing_can_be_read_is_no_empty_page():
    with pytest.raises(Malformed):
        run(walk(pages(["odd"] * 3)).newest_first(None))


def test_an_error_on_a_later_page_moves_nothing():
    async def ask(token, floor):
        if token:
            raise Unavailable
        return Page([1], "1")

    with pytest.raises(Unavailable):
        run(walk(ask).newest_first(write_mark(at(60))))


def test_an_item_from_the_future_cannot_blind_us():
    [batch] = run(walk(pages([-9000, 3])).newest_first(write_mark(at(60))))
    assert read_mark(batch.cursor, "") == NOW


def test_a_poll_without_news_leaves_the_mark():
    [batch] = run(walk(pages([])).newest_first(write_mark(at(60))))
    assert read_mark(batch.cursor, "") == at(60)


def test_onward_each_page_moves_the_mark_and_the_cap_loses_nothing():
    ask = pages([50, 40], [30], [20])
    batches = run(walk(ask, max_pages=2).oldest_first(write_mark(at(60))))
    assert ids(batches) == ["i50", "i40", "i30"]
    assert [read_mark(batch.cursor, "") for batch in batches] == [at(40), at(30)]
    assert [batch.state for batch in batches] == [WindowState.complete, WindowState.truncated]
    rest = run(walk(pages([30], [20])).oldest_first(batches[-1].cursor))
    assert ids(rest) == ["i30", "i20"]


def since_floor(minutes):
    """A platform that lists from a moment on, one entry a page; entries are minutes ago."""

    async def ask(token, floor):
        left = [ago for ago in sorted(minutes, reverse=True) if floor is None or at(ago) >= floor]
        number = int(token or 0)
        following = str(number + 1) if number + 1 < len(left) else ""
        return Page(left[number : number + 1], following)

    return ask


def test_an_overlap_that_holds_more_than_a_poll_reads_is_got_through():
    """Each poll began at the mark less the overlap, read the same pages, and never came past."""
    heard, cursor = set(), write_mark(at(60))
    for _ in range(20):
        polled = walk(since_floor(range(20, 70)), max_pages=5, overlap=timedelta(hours=1))
        batches = run(polled.oldest_first(cursor))
        heard |= set(ids(batches))
        cursor = batches[-1].cursor
        if batches[-1].state is WindowState.complete:
            break
    assert heard == {f"i{ago}" for ago in range(20, 70)}
    assert read_mark(cursor, "") == at(20)
    again = run(walk(since_floor(range(10, 70)), max_pages=99).oldest_first(cursor))
    assert "i25" in ids(again), "the overlap is looked through again once all is heard"


def test_a_moment_that_fills_all_pages_is_left_behind_and_told():
    async def ask(token, floor):
        number = int(token or 0)
        if floor > at(30):
            return Page([20])
        return Page([30 + number / 10**9], str(number + 1))  # ever more of one moment

    cursor = write_mark(at(30))
    for _ in range(3):
        batches = run(walk(ask, max_pages=3, overlap=timedelta()).oldest_first(cursor))
        cursor = batches[-1].cursor
        if batches[-1].state is WindowState.complete:
            break
        assert "3 pages" in batches[-1].note
    assert ids(batches) == ["i20"]


def test_the_wait_that_was_asked_for_is_handed_on():
    pause = timedelta(seconds=30)
    [batch] = run(walk(pages([1]), pause=lambda: pause).newest_first(None))
    assert batch.next_poll_after == pause


@pytest.mark.parametrize("cursor", ["", "{}", "[]", '{"after": 3}', '{"after": "soon"}', "null"])
def test_a_cursor_that_is_none_of_ours_waits_for_a_person(cursor):
    with pytest.raises(Rejected):
        run(walk(pages([1])).newest_first(Cursor(cursor)))


@given(
    st.lists(st.integers(0, 5_000), max_size=60, unique=True).map(sorted),
    st.integers(1, 7),
    st.integers(0, 5_000),
)
def test_nothing_newer_than_the_mark_is_lost_within_the_cap(minutes, size, mark):
    cut = [minutes[i : i + size] for i in range(0, len(minutes), size)] or [[]]
    batches = run(walk(pages(*cut), max_pages=100).newest_first(write_mark(at(mark))))
    found = ids(batches)
    assert len(found) == len(set(found))
    assert {f"i{each}" for each in minutes if each <= mark} <= set(found)
    assert all(batch.state is WindowState.complete for batch in batches)
