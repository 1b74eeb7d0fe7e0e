"""The query language: what it finds, what it says, what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_listeners.monitor import QueryError, explain, match, parse

QUERIES = {
    "A": "acme",
    "B": '"acme air"',
    "C": "acme refund",
    "D": "acme OR akme",
    "E": "acme NOT hotel",
    "F": '(acme OR akme) -hotel -"acme oil"',
    "G": "#acme",
    "H": "@acme",
    "I": "acme AND (refund OR bag) AND NOT (hotel OR pub)",
    "J": "c++ OR at&t",
    "K": "bad and good",
    "L": "アクメ OR 耐克 OR 애플 OR straße OR Łódź",
}

# Made by hand: the letters are the queries that this text must match.
TABLE = [
    ("acme", "ADEF"),
    ("ACME lost my bag", "ADEFI"),
    ("I love Acme Air", "ABDEF"),
    ("acme\n  air", "ABDEF"),
    ("acme, air", "ADEF"),
    ("Acme's refund desk", "ACDEFI"),
    ("acmeair refund", ""),
    ("megacme", ""),
    ("acme_air", ""),
    ("akme is fine", "DF"),
    ("acme hotel", "AD"),
    ("akme hotel", "D"),
    ("acme oil and acme air", "ABDE"),
    ("#acme", "ADEFG"),
    ("#AcmeAir", ""),
    ("@acme refund please", "ACDEFHI"),
    ("write to me@acme.example", "ADEF"),
    ("write to x#acme", "ADEF"),
    ("@acme@social.example hotel", "ADH"),
    ("a\u200bc\u200dme", "ADEF"),
    ("ａｃｍｅ", "ADEF"),
    ("＃acme", "ADEFG"),
    ("“Acme Air” refund", "ABCDEFI"),
    ("acme bag in the pub", "ADEF"),
    ("acme refund hotel", "ACD"),
    ("I write C++ at work", "J"),
    ("I write C at work", ""),
    ("AT&T again", "J"),
    ("at t again", ""),
    ("good and bad", "K"),
    ("good, bad", ""),
    ("このアクメの靴", "L"),
    ("スーパーアクメ", ""),
    ("我喜欢耐克鞋", "L"),
    ("애플은 좋다", "L"),
    ("파인애플", ""),
    ("STRASSE 5", "L"),
    ("Lódź", ""),
    ("w łódź", "L"),
    ("", ""),
    ("🙂", ""),
    ("(acme)", "ADEF"),
    ("https://acme.example/refund", "ACDEFI"),
    ("re-fund from acme", "ADEF"),
]


def test_the_table_is_as_large_as_it_should_be():
    assert len(TABLE) >= 30
    assert len(QUERIES) == 12


@pytest.mark.parametrize(("text", "letters"), TABLE)
def test_table(text, letters):
    found = {letter for letter, query in QUERIES.items() if match(parse(query), text) is not None}
    assert found == set(letters)


@pytest.mark.parametrize(
    ("query", "text", "clause"),
    [
        ("acme", "ACME!", "acme"),
        ('"acme air" refund', "refund, Acme air", '"acme air" AND refund'),
        ("akme OR acme refund", "acme refund", "acme AND refund"),
        ("acme -hotel", "acme", "acme"),
        ("NOT (NOT acme)", "acme", "acme"),
        ("NOT (NOT a OR NOT b)", "b a", "a AND b"),
        ("acme acme", "acme", "acme"),
    ],
)
def test_names_the_clause_that_matched(query, text, clause):
    assert match(parse(query), text) == clause


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("acme", "Texts with the word acme."),
        ('"acme air" OR akme', 'Texts with the phrase "acme air" or the word akme.'),
        (
            "(acme OR #akme) -hotel",
            "Texts with (the word acme or the hashtag #akme) and no match for the word hotel.",
        ),
        ("@acme refund", "Texts with the handle @acme and the word refund."),
    ],
)
def test_explains_in_words(query, words):
    assert explain(parse(query)) == words


@pytest.mark.parametrize(
    ("query", "column", "says"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("acme AND", 9, "missing after AND"),
        ("acme OR OR akme", 9, "missing after OR"),
        ("AND acme", 1, "cannot begin with AND"),
        (") acme", 1, "cannot begin with"),
        ("acme )", 6, "closes nothing"),
        ("(acme", 1, "never closed"),
        ("acme ()", 7, "nothing between"),
        ('acme "air', 6, "never closed"),
        ('acme ""', 6, "no word here"),
        ("acme - air", 6, "no word here"),
        ("acme \u200b\u200b", 6, "no word here"),
        ("acme NOT", 9, "missing after NOT"),
        ("-hotel", 1, "every text"),
        ("NOT hotel NOT pub", 1, "every text"),
        ("acme OR NOT hotel", 9, "every text"),
        ("NOT (acme hotel)", 1, "every text"),
        ("(" * 41 + "a" + ")" * 41, 41, "levels deep"),
        ("NOT " * 400 + "a", 161, "levels deep"),
        ("a " * 1_001, 2_001, "at most"),
    ],
)
def test_refuses_and_points_at_the_place(query, column, says):
    with pytest.raises(QueryError, match=says) as caught:
        parse(query)
    assert caught.value.column == column
    assert f"column {column}" in str(caught.value)
    assert caught.value.hint
    line, caret = caught.value.caret().rsplit("\n", 1)
    assert line == query
    assert caret.index("^") == column - 1


def test_long_text_and_repeated_letters_take_no_time():
    query = parse(" ".join(f'"{"a" * 150}b{n}"' for n in range(10)) + " OR zzz")
    assert match(query, "a" * 20_000) is None


pieces = st.sampled_from(
    ["acme", "air", '"acme air"', "AND", "OR", "NOT", "(", ")", "-", "#", "@x", '"', " ", "\u200b"]
)
words = st.sampled_from(["acme", "air", "refund", "hotel", '"acme air"', "#acme", "ß"])
texts = st.lists(st.sampled_from(["acme", "air", "refund", "hotel", "#acme", "SS", "x"])).map(
    " ".join
)


@given(st.one_of(st.text(max_size=80), st.lists(pieces, max_size=30).map(" ".join)), st.text())
def test_any_text_is_a_query_or_a_query_error(query, text):
    try:
        parsed = parse(query)
    except QueryError as error:
        column = error.column
    else:
        column = 1
        assert explain(parsed)
        assert match(parsed, text) != ""
    assert 1 <= column <= len(query) + 1


@given(words, words, texts)
def test_laws_of_and_or_not(one, two, text):
    def holds(query: str) -> bool:
        return match(parse(query), text) is not None

    assert holds(f"{one} {two}") == holds(f"{one} AND {two}") == holds(f"{two} {one}")
    assert holds(f"{one} AND {two}") == (holds(one) and holds(two))
    assert holds(f"{one} OR {two}") == (holds(one) or holds(two))
    assert holds(f"{one} NOT {two}") == holds(f"{one} -{two}") == (holds(one) and not holds(two))
    assert holds(f"NOT NOT {one}") == holds(one)
    assert holds(f"x NOT ({one} OR {two})") == holds(f"x NOT {one} NOT {two}")
    assert holds(f"x NOT ({one} {two})") == (holds("x") and not (holds(one) and holds(two)))


@given(words, texts)
def test_case_and_width_make_no_difference(word, text):
    query = parse(word)
    assert (match(query, text) is None) == (match(query, text.upper()) is None)
