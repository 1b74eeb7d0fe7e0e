import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_sentiment.complaint import _search, patterns
from earmark_sentiment.cuesearch import KEY, CueSearch, starts_of

SEARCH = _search()
WORDS = re.findall(
    r"\S+",
    "my order never not arrived is broken again hello and so but , . ! - where is it? can you help "
    "waiting for over two hours on hold i am no reply don't work refund charged me twice love the "
    "app down thanks for nothing a an in to of with 3 days late error 503 carmaker please still",
)


def as_joined(text: str) -> dict[str, list[tuple[int, int]]]:
    """What the joined expressions find: the slow way, which is the meaning of the fast one."""
    found = {kind: [m.span() for m in p.finditer(text)] for kind, p in patterns().items()}
    return {kind: spans for kind, spans in found.items() if spans}


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), max_size=30),
    st.sampled_from([" ", "  ", "", "\n", ", ", ". "]),
)
def test_finds_what_the_joined_expressions_find(words, space):
    said = space.join(words).lower()
    assert SEARCH.find(said) == as_joined(said)


def test_finds_the_same_in_every_line_of_the_labelled_texts(request):
    folder = request.path.parent
    for name in ("mentions", "fresh", "held", "trades", "urgency", "foreign"):
        for line in (folder / f"{name}.tsv").read_text(encoding="utf-8").lower().splitlines():
            assert SEARCH.find(line) == as_joined(line), line


@pytest.mark.parametrize(
    ("pattern", "starts"),
    [
        ("ab", {("ab", "end")}),
        ("a(?:b|cd)?", {("a", "end"), ("ab", "end"), ("acd", "end")}),
        (r"\d{1,3}x", {(digit, "any") for digit in "0123456789"}),
        (r"\w+maker", {("", "any")}),
        ("(?!no)[yx]es", {("yes", "end"), ("xes", "end")}),
        ("wonderful", {("wonderful"[:KEY], "cut")}),
    ],
)
def test_how_matches_can_start(pattern, starts):
    assert starts_of(pattern) == starts


@pytest.mark.parametrize("pattern", ["a)b", "(a))"])
def test_a_pattern_that_cannot_be_read_is_refused(pattern):
    with pytest.raises(ValueError, match="cannot read"):
        starts_of(pattern)


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("earmark_sentiment.cuesearch._REMEMBERED", 50)
    search = CueSearch({"number": [r"a\w*"]}, {})
    for i in range(500):
        assert search.find(f"a{i:03} b{i}")["number"] == [(0, 4)]
    assert all(len(known) <= 50 for group in search._known.values() for known in group)
