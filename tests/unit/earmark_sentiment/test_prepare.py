import html
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_sentiment.prepare import LIMIT, prepare
from earmark_sentiment.vader import installed

VADER = installed()


def prepared(text: str, *names: str) -> str:
    return prepare(text, names, VADER.knows)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I don’t like “this”", 'I don\'t like "this"'),
        ("b\u200bad and b\u00adad", "bad and bad"),
        ("Tom &amp; me &#39;ok&#39;", "Tom & me 'ok'"),
        ("ｂａｄ ﬁt", "bad fit"),
        ("\u202ebad\u202c \ufeffday", "bad day"),
        ("b\u0336a\u0336d\u0336", "bad"),
        ("bad\x00 day\x07", "bad day"),
        ("see https://example.com/a?b=c now", "see now"),
        ("see www.example.com and example.org/x", "see and"),
        ("write to me@example.com please", "write to please"),
        ("@united you lost it @a@social.example, @x.bsky.social hi", "you lost it , hi"),
        ("u/someone in r/python, and/or n/a", "in , and/or n/a"),
        ("#WorstAirlineEver #fail_whale #fail", "Worst Airline Ever fail whale fail"),
        ("great product—terrible support", "great product - terrible support"),
        ("waiting...terrible", "waiting... terrible"),
        ("this is baaaaad", "this is bad"),
        ("soooo cooool, I loooove it", "so cool, I love it"),
        ("ahhhhx 10000 zzzz", "ahhx 10000 zz"),
        ("love👍🏽you ❤️", "love 👍 you ❤"),
        ("one\n\ntwo\t three ", "one two three"),
    ],
)
def test_makes_plain(text, wanted):
    assert prepared(text) == wanted


@pytest.mark.parametrize(
    ("text", "names", "wanted"),
    [
        ("United lost my bag", ["united"], "lost my bag"),
        ("united's app, UNITED!", ["United"], "'s app, !"),
        ("a reunited family", ["united"], "a reunited family"),
        ("Best Buy, BestBuy and #BestBuy", ["Best Buy"], ", and"),
        ("the best buy ever", ["Best  Buy"], "the ever"),
        ("I like C++ and .NET", ["C++"], "I like and .NET"),
        ("Acme® Acme™", ["acme"], ""),
        ("#UnitedSucks", ["United"], "Sucks"),
        ("Acme Super Phone", ["Acme", "Acme Super Phone"], ""),
        ("L’Oréal creme", ["L'Oréal"], "creme"),
        ("nothing to hide", ["", " ", "@"], "nothing to hide"),
    ],
)
def test_takes_out_names(text, names, wanted):
    assert prepared(text, *names) == wanted


def test_known_traps_change_the_score():
    def compound(text: str, *names: str) -> float:
        return VADER.polarity_scores(prepared(text, *names))["compound"]

    assert VADER.polarity_scores("@united lost my bag again")["compound"] > 0
    assert compound("@united lost my bag again") < 0
    assert compound("Best Buy cancelled my order", "Best Buy") < 0
    assert compound("I don’t like this at all") < 0
    assert compound("b\u200bad") == compound("bad") < 0
    assert compound("#WorstAirlineEver") < 0


def test_a_long_text_is_cut():
    assert len(prepared("word " * 200_000)) <= LIMIT
    assert len(prepared("\ufdfa" * 50_000)) <= LIMIT


def test_endless_character_references_do_no_harm():
    assert prepared("&#" + "9" * 6000 + "; bad") == "bad"
    assert prepared("&#x" + "f" * 6000 + "; bad") == "bad"


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=300), st.lists(st.text(max_size=8), max_size=3))
def test_any_text_becomes_one_visible_line(text, names):
    plain = prepared(text, *names)
    assert len(plain) <= LIMIT
    assert plain == plain.strip()
    assert "\n" not in plain
    assert not any(unicodedata.category(char) in {"Cf", "Cs", "Cc"} for char in plain)


@given(st.text("abc &<>'\"", max_size=40))
def test_entities_are_resolved(text):
    assert prepared(html.escape(text)) == prepared(html.unescape(text))
