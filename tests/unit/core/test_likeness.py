"""Which texts are copies of each other, measured on the texts of our own data."""

import csv
import random
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.likeness import ALIKE_FROM, LONGEST, Likeness, alike, likeness, likenesses

DATA = Path(__file__).parents[1] / "earmark_sentiment"
FILES = ("mentions", "fresh", "held", "practice", "trades", "urgency")
TEXT = (
    "Acme has put up its prices for the third time this year and nobody there could tell me why. "
    "I have been a customer for ten years and this is how they thank me."
)


def one(body: str, title: str = "") -> Likeness:
    return likenesses([(title, body)])[0]


def found(first: Likeness, second: Likeness) -> bool:
    """Tells whether the second is taken for a copy of the first: met by a key, and alike."""
    return bool(set(first.keys) & set(second.keys)) and alike(first, second) >= ALIKE_FROM


def same(first: str, second: str) -> bool:
    return found(one(first), one(second))


def test_the_keys_of_a_text_are_these_on_every_machine_and_in_every_version() -> None:
    # They are stored. If this fails after an update of rensa, copies of what was heard before it
    # are not found for two weeks; that may be worth it, and is for the notes of a release.
    assert one(TEXT).keys == KEYS
    assert one("今日は天気がとても良いので、公園まで散歩に行きました。楽しかったです").keys == DENSE


KEYS = (
    8861287310481573234, -8754509054378096639, -473977606607220697,
    -7787556693009059481, 4357921632183397110, 7510895981839434752,
    -9122959766882270391,
)  # fmt: skip
DENSE = (
    -4239411220894749734, 3294347738600031244, 5620369148330031284,
    -2895937227441441641, -9079632846986724074, 7405941616878669025,
    1778519907473609939,
)  # fmt: skip


@pytest.mark.parametrize(
    "copy",
    [
        f"RT @ann: {TEXT}",
        f"{TEXT} via @ann@town.example",
        f"{TEXT} https://news.example/a?b=1 #acme #fail",
        f"@acme {TEXT}\n\nwww.example.org t.example/x",
        TEXT.upper().replace(".", " !!!").replace(",", ""),
        f"“{TEXT}”",
        TEXT.replace("prices", "tariffs"),
        f"{TEXT} Pass it on!",
        f"{TEXT[:120].rstrip()}…",
        f"{TEXT[:120].rstrip()} [...]",
        "".join(chr(ord(c) + 0xFEE0) if "a" <= c <= "z" else c for c in TEXT),
    ],
    ids=[
        "passed-on", "via", "address-and-tags", "asked", "case-and-marks", "quoted", "one-word",
        "a-sentence-more", "cut", "cut-in-brackets", "wide-letters",
    ],
)  # fmt: skip
def test_a_copy_is_found_whatever_was_done_to_it(copy: str) -> None:
    assert same(TEXT, copy)
    assert same(copy, TEXT)


def test_a_headline_is_the_same_behind_another_publisher() -> None:
    headline = "Acme puts up its prices again and gives no reason for it to anybody"
    first = one(f"{headline}  The Daily Example", f"{headline} - The Daily Example")
    second = one("", f"{headline} | Town News")
    third = one(headline, headline)
    assert found(first, second)
    assert found(second, third)
    assert first.words == second.words == third.words


@pytest.mark.parametrize(
    ("one_text", "other"),
    [
        ("love it", "love it"),
        ("ha ha ha ha ha ha ha ha ha ha", "ha ha ha ha ha ha ha ha ha ha"),
        ("My order #4711 has not arrived after three weeks, please help me with this",
         "My order #4712 has not arrived after three weeks, please help me with this"),
        (f"{TEXT} My contract is 4711 and I want out of it.",
         f"{TEXT} My contract is 4712 and I want out of it."),
        ("My order of shoes has not arrived and nobody answers my mails since last week",
         "My order of two lamps has not arrived and nobody answers my mails since Monday"),
        ("I ordered a kettle last week and it has still not arrived, very disappointed with Acme",
         "I ordered a desk in March and it has still not arrived, very disappointed with Acme"),
        ("My parcel has still not arrived, I am waiting…",
         "My parcel has still not arrived, I am waiting for ten days and nobody tells me why"),
        ("今日は天気が良い", "今日は天気が良い"),
    ],
    ids=["short", "one-word-over-and-over", "numbers", "numbers-in-much", "template",
         "other-template", "short-cut", "dense"],
)  # fmt: skip
def test_what_people_say_alike_is_no_copy(one_text: str, other: str) -> None:
    assert not same(one_text, other)


def sentences() -> list[str]:
    found: dict[str, None] = {}
    for name in FILES:
        with (DATA / f"{name}.tsv").open(encoding="utf-8") as file:
            for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                found[max(row, key=len)] = None
    return list(found)


def posts(rng: random.Random) -> list[str]:
    """Gives texts of one to ten sentences that are long enough to be told apart."""
    said = sentences()
    made = rng.sample([text for text in said if one(text).keys], 300)
    for many, number in ((2, 300), (4, 300), (10, 100)):
        for _ in range(number):
            made.append(". ".join(part.rstrip(".") for part in rng.sample(said, many)) + ".")
    return [text for text in made if one(text).keys]


def _one_word(rng: random.Random, text: str) -> str:
    words = text.split()
    words[rng.randrange(len(words))] = "somewhat"
    return " ".join(words)


Change = Callable[[random.Random, str], str]
CHANGES: dict[str, tuple[Change, float, float]] = {
    "passed on": (lambda _, t: f"RT @ann: {t}", 1.0, 1.0),
    "case and marks": (lambda _, t: t.upper().replace(",", "").replace(".", "!!"), 0.97, 0.96),
    "address and tags": (lambda _, t: f"{t} https://news.example/a?b=1 #acme #fail", 1.0, 1.0),
    "one word": (_one_word, 0.6, 0.99),
    "a sentence more": (lambda _, t: f"{t} Please pass this on to everybody.", 0.25, 0.99),
    "cut off": (lambda _, t: f"{t[: int(len(t) * 0.6)].rstrip()}…", 0.3, 0.98),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_so_many_copies_are_found(change: str) -> None:
    """The figures of docs/decisions/0012-copies.md: texts of 15 to 29 words, and of 30 and more."""
    rng = random.Random(4)
    made = posts(rng)
    do, *least = CHANGES[change]
    for (low, high), wanted in zip(((15, 30), (30, 999)), least, strict=True):
        texts = [text for text in made if low <= len(text.split()) < high]
        firsts = likenesses([("", text) for text in texts])
        copies = likenesses([("", do(rng, text)) for text in texts])
        hits = sum(found(*pair) for pair in zip(firsts, copies, strict=True))
        assert hits >= wanted * len(texts), f"{hits} of {len(texts)}, {low} to {high} words"


def test_none_of_the_different_texts_is_taken_for_a_copy() -> None:
    """The same figures: half a million pairs of texts, and as many as there are of templates."""
    rng = random.Random(4)
    items = ("shoes", "a kettle", "two lamps", "a phone case", "a desk", "socks for my son")
    times = ("last week", "two weeks ago", "on Monday", "before Christmas", "in March", "ages ago")
    forms = (
        "My order of {i} has not arrived and nobody answers my mails since {w}",
        "@acme my order of {i} has not arrived yet, I ordered it {w}, please help",
        "Still waiting for {i} I ordered {w}, customer service says nothing",
        "I ordered {i} {w} and it has not arrived yet, very disappointed with Acme",
        "Order {n} never came, I have waited since {w} and support is silent",
    )
    alike_ones = {
        form.format(i=item, w=time, n=rng.randrange(10_000, 99_999))
        for form in forms for item in items for time in times
    }  # fmt: skip
    for texts in (posts(rng), sorted(alike_ones)):
        seen = likenesses([("", text) for text in texts])
        wrong = [pair for pair in combinations(seen, 2) if found(*pair)]
        assert wrong == []


@pytest.mark.parametrize(
    "bad",
    ["a", "@", "a/", "a. ", "…", "#", " - ", "'", "字", "é ", "\u0301", "\ufdfa", "a\u200d", "\n"],
    ids=lambda bad: f"u{ord(bad[0]):04x}-{len(bad)}",
)
def test_a_hostile_text_costs_no_more_than_its_length(bad: str) -> None:
    huge = one(bad * 500_000, bad * 500_000)
    assert len(huge.words) <= 2 * LONGEST


@given(st.text(max_size=400), st.text(max_size=400))
def test_likeness_is_mutual_and_a_text_is_its_own_copy(first: str, second: str) -> None:
    a, b = likeness("", first), likeness("", second)
    assert alike(a, b) == alike(b, a)
    assert 0 <= alike(a, b) <= 1
    if len(a.words) > 1:
        assert alike(a, a) == 1
    for key in one(first).keys:
        assert -(2**63) <= key < 2**63
