"""A permanent redirect is believed after three polls, and followed only where that is safe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.redact import register_secret
from earmark_listeners.lasting import POLLS, Move, options_at, shown_place
from earmark_listeners.polling import Outcome

OLD, NEW = "https://old.test/feed.xml", "https://new.test/feed.xml"
A, B, FRONT = "https://a.test/f", "https://b.test/f", ""
outcomes = st.lists(st.sampled_from([A, B, FRONT, "failed"]), max_size=12)


@given(outcomes)
def test_three_good_polls_in_a_row_to_one_place_are_needed(steps):
    move = Move()
    for step in steps:
        outcome = Outcome(error="Down.") if step == "failed" else Outcome(moved_to=step)
        move = move.after(outcome)
    good = [step for step in steps if step != "failed"]
    last = good[-POLLS:]
    is_believed = len(last) == POLLS and len(set(last)) == 1 and last[0] != FRONT
    assert (move.polls >= POLLS) == is_believed
    if is_believed:
        assert move.to == last[0]
    if good and good[-1] == FRONT:
        assert move == Move()


def test_the_address_is_changed_and_nothing_else():
    options = {"url": OLD, "google_news": False}
    assert options_at("feed", options, NEW) == {"url": NEW, "google_news": False}
    assert options["url"] == OLD
    plain = {"url": "http://old.test/f"}
    assert options_at("feed", plain, "http://new.test/f") == {"url": "http://new.test/f"}
    assert options_at("feed", plain, NEW) == {"url": NEW}


@pytest.mark.parametrize(
    ("channel", "options", "to"),
    [
        ("feed", {"url": OLD}, "http://new.test/feed.xml"),
        ("feed", {"url": "https://me:pw@old.test/feed"}, NEW),
        ("feed", {"url": OLD + "?token=abc"}, NEW),
        ("feed", {"url": "env:FEED_URL"}, NEW),
        ("feed", {"url": OLD}, NEW + "?access_token=abc"),
        ("feed", {"url": OLD}, "https://me:pw@new.test/feed"),
        ("feed", {"url": OLD}, "https://new.test/known-secret-9/feed"),
        ("feed", {}, NEW),
        ("feed", {"url": OLD, "nonsense": 1}, NEW),
        ("hackernews", {"query": "acme"}, NEW),
        ("no such channel", {"url": OLD}, NEW),
    ],
    ids=[
        "to http", "user in the old", "key in the old", "reference", "key in the new",
        "user in the new", "known secret", "no address", "unknown option",
        "no url option", "no channel",
    ],
)  # fmt: skip
def test_where_it_is_not_plain_and_safe_a_person_decides(channel, options, to):
    register_secret("known-secret-9")
    assert options_at(channel, options, to) is None


def test_of_an_address_that_is_kept_as_a_secret_only_the_host_is_remembered():
    target = "https://new.test/feeds/opaque-path-of-the-owner/"
    assert shown_place({"url": "env:FEED_URL"}, target) == "https://new.test"
    assert shown_place({"url": "file:/run/feed"}, target) == "https://new.test"
    assert shown_place({"url": OLD}, target) == target
