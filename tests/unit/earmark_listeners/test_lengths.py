"""Lengths are as a person and the platform count them, and never too low."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_listeners.channels.mastodon.length import status_length
from earmark_listeners.contract import ChannelRules
from earmark_listeners.lengths import graphemes, utf8_bytes, utf16_units, weighted


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("abc", 3),
        ("a\r\nb", 3),
        ("e\u0301", 1),
        ("👨‍👩‍👧‍👦", 1),
        ("👩🏽‍💻", 1),
        ("🇪🇪🇫🇮", 2),
        ("🇪🇪🇫", 2),
        ("❤️‍🔥", 1),
        ("\u0301", 1),
        ("\n\u0301", 2),
        ("a\u200db", 2),
        ("日本語", 3),
        ("👍👍", 2),
    ],
)
def test_graphemes(text, count):
    assert graphemes(text) == count


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("hello", 5),
        ("see https://acme.example.com/a/very/long/way?to=nowhere#else now", 31),
        ("https://a.co", 23),
        ("http://127.0.0.1:3000/" + "x" * 30, 52),
        ("http://127.0.0.1", 23),
        ("https://user:secret@acme.com/" + "x" * 30, 59),
        ("ftp://acme.com/" + "x" * 30, 45),
        ("https://acme.notanending/" + "x" * 30, 55),
        ("@mara@social.example hi", 8),
        ("@mara hi", 8),
        ("mail me@acme.example", 20),
        ("(https://acme.com/a)", 25),
        ("👩🏽‍💻 @a@b.example", 4),
    ],
)
def test_status_length(text, length):
    assert status_length(text) == length


@given(st.text(max_size=200))
def test_any_text_has_a_length(text):
    assert 0 <= graphemes(text) <= len(text)
    assert status_length(text) >= 0


@given(st.text(alphabet="ab c,.!?é日", max_size=80))
def test_plain_words_are_counted_one_by_one(text):
    assert status_length(text) == len(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("plain", 5),
        ("cafe\u0301", 4),
        ("飛行機", 6),
        ("👨‍👩‍👧‍👦", 2),
        ("👋🏽🇩🇪", 4),
        ("1️⃣ and 2", 8),
        ("☺ ☺️", 5),
        ("see https://example.com/a/very/long/path/indeed?with=much", 27),
        ("http://t.co", 23),
        ("me@example.com", 14),
    ],
)
def test_weighted_counts_as_x_does(text, length):
    assert weighted(text) == length


def test_an_address_without_a_scheme_is_never_counted_too_low():
    assert weighted("go to t.co now") >= 23 + len("go to  now")


def test_bytes_and_units():
    assert (utf8_bytes("é😀"), utf16_units("é😀")) == (6, 3)
    assert (utf8_bytes("\ud800"), utf16_units("\ud800")) == (3, 1)


@pytest.mark.parametrize("text", ["\u1100\u1161\u11a8", "क्षि", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "e\u0301\u0302", "\r\n"])
def test_what_a_person_sees_as_one_counts_one(text):
    assert graphemes(text) == 1


def test_rules_say_in_words_what_does_not_fit():
    rules = ChannelRules(can_reply=True, max_length=10, min_length=3, max_bytes=12)
    assert rules.misfit("just right"[:10]) == ""
    assert "11 of 10 characters" in rules.misfit("x" * 11)
    assert "of 12 bytes" in rules.misfit("é" * 9)
    assert "at least 3" in rules.misfit("x")
