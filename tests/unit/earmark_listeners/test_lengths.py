"""Lengths are as a person and the platform count them, and never too low."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_listeners.channels.mastodon.length import status_length
from earmark_listeners.lengths import graphemes


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
