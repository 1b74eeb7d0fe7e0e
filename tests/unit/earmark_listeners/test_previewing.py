"""What a query would find among texts that are there, and what each part of it does."""

from datetime import UTC, datetime, timedelta

import pytest

from earmark_listeners.monitor import About, clauses, explain, match, parse
from earmark_listeners.previewing import Stored, preview

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXTS = (
    "acme lost my refund",
    "acme hotel is lovely",
    "acme refund at the hotel",
    "akme refund",
    "nothing of it",
)


def stored(*texts: str, lang: str = "") -> list[Stored]:
    return [
        Stored(n, NOW - timedelta(hours=n), "", text, "jane", "feed", About(lang=lang))
        for n, text in enumerate(texts, 1)
    ]


def test_it_counts_and_shows_the_newest_with_the_clause_that_matched() -> None:
    found = preview(parse("acme refund"), stored(*TEXTS))
    assert (found.count, found.looked_at) == (2, 5)
    assert [(hit.id, hit.clause) for hit in found.samples] == [
        (1, "acme AND refund"), (3, "acme AND refund"),
    ]  # fmt: skip
    assert found.basis.startswith("2 of all 5 mentions of the last 30 days match.")


def test_each_clause_says_what_it_keeps_out() -> None:
    found = preview(parse("acme refund -hotel"), stored(*TEXTS))
    assert found.count == 1
    told = {
        effect.words: (effect.removes, [s.id for s in effect.samples]) for effect in found.effects
    }
    assert told == {
        "the word acme": (1, [4]),
        "the word refund": (0, []),
        "no match for the word hotel": (1, [3]),
    }


def test_an_alternative_says_what_it_alone_brings_in() -> None:
    found = preview(parse("acme OR akme OR refund"), stored(*TEXTS))
    told = {effect.words: (effect.removes, effect.adds) for effect in found.effects}
    assert told == {
        "the word acme": (None, 1),
        "the word akme": (None, 0),
        "the word refund": (None, 0),
    }


def test_a_cut_or_empty_basis_is_said() -> None:
    assert "newest 1 mention" in preview(parse("acme"), stored("acme"), is_cut=True).basis
    assert "nothing can be previewed" in preview(parse("acme"), []).basis


@pytest.mark.parametrize("query", ["acme", "acme*", '"acme air"~3'])
def test_a_query_of_one_part_has_no_clauses(query: str) -> None:
    assert clauses(parse(query)) == ()


def test_without_its_only_word_a_query_would_match_all_so_that_clause_is_left_out() -> None:
    assert [clause.words for clause in clauses(parse("acme -hotel"))] == [
        "no match for the word hotel"
    ]


def test_the_rest_of_a_query_is_matched_as_if_it_had_been_written_so() -> None:
    [first, *_] = clauses(parse("(acme OR akme) refund -hotel"))
    written = parse("refund -hotel")
    assert explain(first.rest) == explain(written)
    for text in TEXTS:
        assert (match(first.rest, text) is None) == (match(written, text) is None)
