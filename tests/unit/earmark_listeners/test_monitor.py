"""The query language: what it finds, what it says, what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_listeners.monitor import About, QueryError, explain, match, parse

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
        ("refund*", "Texts with a word that begins with refund."),
        (
            '"acme ref*" -"lost bag"~3',
            'Texts with a phrase that begins with "acme ref" and no match '
            'for the words "lost bag" at most 3 words apart.',
        ),
        (
            "acme author:@jane rating:<3 has:link",
            "Texts with the word acme and an author called @jane and a rating of <3 and a link.",
        ),
        (
            'acme lang:EN (source:mastodon OR source:"App Store")',
            "Texts with the word acme and the "
            'language en, or none named and (the source mastodon or the source "App Store").',
        ),
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
        ("acme f*", 6, "2 letters"),
        ("acme re*und", 6, "only at the end"),
        ("acme *", 6, "no word here"),
        ('acme "lost"~5', 6, "two words"),
        ('"lost bag"~', 11, "After ~"),
        ('"lost bag"~101', 11, "0 to 100"),
        ('"lost bag"~5x', 11, "After ~"),
        ("acme rating:good", 6, "takes a number"),
        ("acme rating:4..2", 6, "lower end first"),
        ("acme has:fun", 6, "knows link"),
        ("acme lang:english!", 6, "code such as en"),
        ("acme author:", 6, "needs a value"),
        ('acme author:"jane', 13, "never closed"),
        ("acme auther:jane", 6, "Is author: meant"),
        ("lang:en", 1, "every text"),
        ("acme OR has:link", 9, "every text"),
        ("-rating:1", 1, "every text"),
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


@pytest.mark.parametrize(
    ("query", "text", "clause"),
    [
        ("refund*", "two REFUNDS please", "refund*"),
        ("refund*", "refund", "refund*"),
        ("refund*", "a prerefund", None),
        ('"acme ref*"', "acme  refunds", '"acme ref*"'),
        ('"acme ref*"', "acme prefers", None),
        ('"lost bag"~2', "they lost my red bag", '"lost bag"~2'),
        ('"lost bag"~1', "they lost my red bag", None),
        ('"lost bag"~1', "my bag, still not lost?", None),
        ('"lost bag"~2', "my bag, still not lost?", '"lost bag"~2'),
        ('"lost bag"~0', "bag lost", '"lost bag"~0'),
        ('"very very"~9', "very bad", None),
        ('"very very"~9', "very bad, very", '"very very"~9'),
        ('"lost bag"~2', "lost in the big city without a bag; lost that bag", '"lost bag"~2'),
        ('"a b c"~1', "a c x b", '"a b c"~1'),
        ('"a b c"~1', "a x c x b", None),
        ("https://acme.example", "see https://acme.example", "https://acme.example"),
        ("re:invent", "at re:invent", "re:invent"),
        ('"auther:jane"', "auther:jane", "auther:jane"),
    ],
)
def test_endings_and_distances(query, text, clause):
    assert match(parse(query), text) == clause


REVIEW = About(
    author=("jane", "Jane Doe"), sources=("appstore", "iOS reviews"), lang="pt-BR", rating=2.0,
    has=frozenset({"rating", "link"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("acme author:Jane", True),
        ("acme author:@jane", True),
        ('acme author:"jane doe"', True),
        ("acme author:joe", False),
        ("acme -author:joe", True),
        ("acme lang:pt", True),
        ("acme lang:pt-br", True),
        ("acme lang:pt-pt", False),
        ("acme -lang:en", True),
        ("acme source:appstore", True),
        ('acme source:"ios reviews"', True),
        ("acme source:mastodon", False),
        ("acme rating:2", True),
        ("acme rating:<2", False),
        ("acme rating:<=2", True),
        ("acme rating:>2", False),
        ("acme rating:>=2.0", True),
        ("acme rating:1..2", True),
        ("acme rating:3..5", False),
        ("acme has:link", True),
        ("acme has:hashtag", False),
        ("rating:<3", True),
        ("author:jane OR refund", True),
    ],
)
def test_filters_ask_what_is_known_of_a_text(query, holds):
    assert (match(parse(query), "acme is fine", REVIEW) is not None) is holds


def test_what_is_unknown_drops_nothing_and_what_is_absent_does():
    for query in ("acme lang:en", "acme -lang:en"):
        assert match(parse(query), "acme") == ("acme AND lang:en" if "-" not in query else "acme")
    assert match(parse("acme rating:<3"), "acme") is None
    assert match(parse("acme -rating:<3"), "acme") == "acme"


@given(st.lists(st.sampled_from("abcx"), max_size=12), st.integers(0, 4))
def test_a_distance_is_what_trying_every_pair_says(text, distance):
    def apart(first: str, second: str) -> bool:
        return any(
            abs(i - j) - 1 <= distance
            for i, one in enumerate(text)
            for j, two in enumerate(text)
            if i != j and one == first and two == second
        )

    for first, second in ("ab", "ac", "aa"):
        query = parse(f'"{first} {second}"~{distance}')
        assert (match(query, " ".join(text)) is not None) is apart(first, second)


def test_long_text_and_repeated_letters_take_no_time():
    query = parse(" ".join(f'"{"a" * 150}b{n}"' for n in range(10)) + " OR zzz")
    assert match(query, "a" * 20_000) is None


pieces = st.sampled_from(
    [
        "acme",
        "air",
        '"acme air"',
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        "-",
        "#",
        "@x",
        '"',
        " ",
        "\u200b",
        "*",
        "~",
        "3",
        "author:",
        "rating:<",
        "lang:en",
        "has:link",
        "..",
    ]
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
