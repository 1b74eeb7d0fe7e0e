"""The quick ways through cleaning give what the long ones give."""

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from earmark_core import text

_HARD = st.sampled_from("\u0301\u0300\u20dd\u3099\u0489 éÅ\u2126\u037e’`☕😡文ßİ")
_TEXT = st.text(st.one_of(st.characters(), _HARD), max_size=40)
_LINK = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(("http://", "https://", "HTTP://", "ftp://", "")),
        st.text("aZ1.-@:[]%é", max_size=10),
        st.text("/?#&=@:;'\"[]\\aurl%2\x7f~!.é", max_size=20),
    ),
)


@given(_TEXT)
def test_a_plain_line_is_cleaned_as_any_text(words: str) -> None:
    # A NUL is dropped by the long way, which it also forces.
    assert text.clean(words) == text.clean("\x00" + words)


_LINES = st.text(st.one_of(st.sampled_from(" \n\n ab"), st.characters(), _HARD), max_size=40)


@given(_LINES)
@example(" a \n\n\n  b  \n")
@example("\n \n\u0301\n")
def test_plain_lines_are_cleaned_as_any_text(words: str) -> None:
    assert text.clean(words) == text.clean("\x00" + words)


@given(_LINES)
@example("a  b\t\nc \u00a0 d")
def test_markup_of_plain_words_reads_as_what_a_browser_shows(words: str) -> None:
    shown = text.html_to_text(f"<p>{words.replace('<', '').replace('&', '')}</p>")
    assert "  " not in shown
    assert "\n" not in shown
    assert shown == text.html_to_text(f"<p>{words.replace('<', '').replace('&', '')}\ud800</p>")


def test_no_combining_mark_escapes_the_search_for_too_many() -> None:
    marks = [
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in {"Mn", "Me"}
    ]  # fmt: skip
    most = text.MARKS_PER_LETTER
    # Not NFC: it joins a few of the marks themselves.
    escaped = [mark for mark in marks if text._calm("e" + mark * (most + 1)) != "e" + mark * most]
    assert escaped == []


@given(_LINK)
@example("https://google.com/url?url=https://a.example/")
@example("https://a.example")
@example("https://a.example/b?utm_source=x")
@example("https://a.example:443/")
def test_a_plain_link_is_read_as_any_link(link: str) -> None:
    # The space at the end is stripped by the long way, which it also forces.
    assert text.safe_link(link) == text.safe_link(link + " ")
    assert text.canonical_url(link) == text.canonical_url(link + " ")
