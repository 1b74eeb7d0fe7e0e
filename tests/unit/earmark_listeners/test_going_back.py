"""An earlier stretch of time is walked whole, taken up anywhere, and never claimed too far."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.errors import Rejected
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.going_back import Back, Reach, together
from earmark_listeners.newest_first import Page

END = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
START = END - timedelta(hours=1)
HOUR = 3_600
KINDS = ("from now back", "from now back, good tokens", "between moments")


def at(ago):
    return END - timedelta(seconds=ago)


def read(entry):
    number, ago = entry
    return None if ago is None else Item(external_id=str(number), published_at=at(ago))


def platform(agos, kind, *, size=7, wall=10**6):
    """A list of entries said so many seconds before the end; it gives *wall* to one question."""
    entries = sorted(enumerate(agos), key=lambda entry: entry[1])

    async def ask(token, first, until):
        found = entries
        if kind == "between moments":
            found = [entry for entry in entries if first <= at(entry[1]) < until]
        begin = int(token or 0)
        shown = found[:wall][begin : begin + size]
        is_more = begin + size < min(len(found), wall)
        is_cut = not is_more and len(found) > wall
        return Page(shown, str(begin + size) if is_more else "", "no more is given" * is_cut)

    good = kind == "from now back, good tokens"
    return Back(ask, read, "a.example", is_bounded=kind == "between moments", keeps_token=good)


def run(stream, most=10**6):
    async def go():
        found = []
        async with aclosing(stream) as pages:
            async for page in pages:
                found.append(page)
                if len(found) == most:
                    break
        return found

    return asyncio.run(go())


def ids(batches):
    return {item.external_id for batch in batches for item in batch.items}


def wanted(agos):
    return {str(number) for number, ago in enumerate(agos) if 0 < ago <= HOUR}


MOMENTS = st.lists(st.integers(-500, HOUR + 500), max_size=60)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(agos=MOMENTS, stop=st.integers(1, 6))
def test_all_of_the_stretch_and_nothing_else_also_when_taken_up_again(kind, agos, stop):
    whole = run(platform(agos, kind).pages(START, END, None))
    assert ids(whole) == wanted(agos)
    reached = [batch.covers_from for batch in whole]
    assert reached == sorted(reached, reverse=True)
    assert reached[-1] == START
    assert {batch.state for batch in whole} == {WindowState.backfilled}
    first = run(platform(agos, kind).pages(START, END, None), stop)
    rest = run(platform([-9, *agos], kind).pages(START, END, first[-1].cursor))
    numbered_anew = {str(int(name) - 1) for name in ids(rest)}  # one more was said meanwhile
    assert ids(first) | numbered_anew == wanted(agos)
    for batch in whole:
        heard = {
            item.external_id for each in whole[: whole.index(batch) + 1] for item in each.items
        }
        since = {str(n) for n, ago in enumerate(agos) if batch.covers_from < at(ago) < END}
        assert since <= heard, "it claims to have given what it did not give"


@given(agos=st.lists(st.integers(1, HOUR), min_size=40, max_size=60, unique=True))
@settings(max_examples=30, deadline=None)
def test_a_wall_is_got_round_where_moments_are_heeded(agos):
    whole = run(platform(agos, "between moments", wall=20).pages(START, END, None))
    assert ids(whole) == wanted(agos)
    assert whole[-1].covers_from == START


@pytest.mark.parametrize("kind", KINDS[:2])
def test_a_wall_ends_it_where_it_was_reached_and_says_so(kind):
    whole = run(platform(range(1, 100), kind, wall=20).pages(START, END, None))
    assert len(ids(whole)) == 20
    last = whole[-1]
    assert (last.state, last.covers_from) == (WindowState.truncated, at(20))
    assert last.note == "no more is given"
    assert {batch.state for batch in whole[:-1]} == {WindowState.backfilled}
    assert run(platform(range(1, 100), kind).pages(START, END, last.cursor)) == []


def test_more_in_one_second_than_is_given_ends_it_too():
    whole = run(platform([5] * 30 + [9], "between moments", wall=20).pages(START, END, None))
    assert whole[-1].state is WindowState.truncated
    assert whole[-1].covers_from >= at(5)


@pytest.mark.parametrize("turn", [1, 2, 10**6])
def test_a_platform_that_never_ends_is_left_and_not_believed(turn):
    asked = []

    async def ask(token, first, until):
        asked.append(token)
        number = len(asked) % turn if turn > 1 else 0
        return Page([(number, 60)], f"t{number}")

    whole = run(Back(ask, read, "a.example").pages(START, END, None))
    assert len(asked) <= 50
    assert whole[-1].state is WindowState.truncated
    assert whole[-1].covers_from == at(60)


def test_pages_of_which_all_is_passed_over_count_by_when_they_are_from():
    async def ask(token, first, until):
        page = int(token or 0)
        return Page([(page, None, page * 60)], str(page + 1))

    back = Back(ask, lambda _: None, "a.example", when=lambda entry: at(entry[2]))
    whole = run(back.pages(START, END, None))
    assert (len(whole), whole[-1].covers_from) == (62, START)
    assert whole[-1].state is WindowState.backfilled


def test_what_the_platform_keeps_no_longer_is_not_claimed():
    reach = Reach(END - timedelta(minutes=10), "it keeps ten minutes")
    back = platform([60, 1200], "between moments")
    back = Back(back.ask, read, "a.example", is_bounded=True, reach=reach)
    whole = run(back.pages(START, END, None))
    assert ids(whole) == {"0"}
    assert (whole[-1].covers_from, whole[-1].note) == (reach.since, "it keeps ten minutes")
    assert whole[-1].state is WindowState.truncated
    with pytest.raises(Rejected, match="ten minutes"):
        run(back.pages(START, END - timedelta(minutes=20), None))


def test_what_does_not_say_when_is_kept_apart():
    async def ask(token, first, until):
        return Page([Item(external_id="x", raw="odd")])

    [batch] = run(Back(ask, lambda item: item, "a.example").pages(START, END, None))
    assert (batch.items, len(batch.bad_items)) == ((), 1)


def test_by_last_change_what_was_said_in_the_stretch_is_found_among_what_changed_later():
    said, changed = at(1800), END + timedelta(hours=2)
    items = [
        Item(external_id="late", published_at=said, edited_at=changed),
        Item(external_id="newer", published_at=END, edited_at=END),
        Item(external_id="plain", published_at=at(3000)),
        Item(external_id="older", published_at=at(HOUR + 60)),
        Item(external_id="never asked for", published_at=at(HOUR + 90)),
    ]

    async def ask(token, first, until):
        number = int(token or 0)
        return Page([items[number]], str(number + 1))

    def moment(item):
        return item.edited_at or item.published_at

    back = Back(ask, lambda item: item, "a.example", moment=moment)
    whole = run(back.pages(START, END, None))
    assert ids(whole) == {"late", "plain"}
    assert len(whole) == 4
    first = run(back.pages(START, END, None), 1)
    assert ids(first) | ids(run(back.pages(START, END, first[-1].cursor))) == {"late", "plain"}


@settings(max_examples=60, deadline=None)
@given(one=MOMENTS, other=MOMENTS, stop=st.integers(1, 9))
def test_several_lists_are_walked_beside_each_other(one, other, stop):
    def lists():
        shifted = platform(other, KINDS[0])
        return {
            "one": platform(one, KINDS[2]),
            "other": Back(
                shifted.ask,
                lambda entry: Item(external_id=f"o{entry[0]}", published_at=at(entry[1])),
                "a.example",
            ),
        }

    both = wanted(one) | {f"o{number}" for number in wanted(other)}
    whole = run(together(lists(), START, END, None))
    assert ids(whole) == both
    reached = [batch.covers_from for batch in whole]
    assert reached == sorted(reached, reverse=True)
    assert reached[-1] == START
    first = run(together(lists(), START, END, None), stop)
    assert ids(first) | ids(run(together(lists(), START, END, first[-1].cursor))) == both


def test_a_wall_of_one_list_holds_for_all_of_them_also_when_taken_up_again():
    lists = {
        "cut": platform(range(1, 100), KINDS[0], wall=20),
        "whole": platform(range(1, 500, 5), KINDS[2]),
    }
    whole = run(together(lists, START, END, None))
    last = whole[-1]
    assert (last.state, last.covers_from) == (WindowState.truncated, at(20))
    middle = next(n for n, batch in enumerate(whole) if batch.note)
    rest = run(together(lists, START, END, whole[middle].cursor))
    assert (rest[-1].state, rest[-1].covers_from) == (WindowState.truncated, at(20))


@pytest.mark.parametrize("cursor", ["", "{}", "[]", '{"until": "soon"}', json.dumps({"until": 3})])
def test_a_cursor_that_is_none_of_ours_waits_for_a_person(cursor):
    with pytest.raises(Rejected):
        run(platform([1], KINDS[0]).pages(START, END, Cursor(cursor)))
