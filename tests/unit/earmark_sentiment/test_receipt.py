import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.model import Text
from earmark_sentiment.receipt import receipt
from earmark_sentiment.scorer import VaderScorer
from earmark_sentiment.vader import installed

VADER = installed()
WORDS = re.findall(
    r"\S+",
    "good bad GREAT awful not very so never but no kind of 😀 ❤ :) fail! love? !! ?? the least "
    "hardly REALLY wasn't sort the shit",
)


def rules(text: str) -> dict[str, tuple[str, ...]]:
    return {part.word: part.rules for part in receipt(VADER, text).parts}


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=6)), max_size=25))
def test_parts_add_up_to_the_compound(words):
    text = " ".join(words)
    found = receipt(VADER, text)
    spoken = sum(part.value for part in found.parts if part.start >= 0)
    emphasis = sum(part.value for part in found.parts if part.start < 0)
    assert spoken + emphasis == found.total
    assert found.compound == round(found.total / (found.total**2 + 15) ** 0.5, 4)
    assert found.compound == VADER.polarity_scores(text)["compound"]


def test_names_every_rule():
    assert rules("The food is good") == {"good": ()}
    assert rules("The food is very good") == {"good": ("booster very +0.293",)}
    assert rules("The food is hardly good") == {"good": ("dampener hardly −0.293",)}
    assert rules("The food is very bad") == {"bad": ("booster very −0.293",)}
    assert rules("The food is not good") == {"good": ("negation not ×−0.74",)}
    assert rules("The food is GOOD") == {"GOOD": ("ALL CAPS +0.733",)}
    assert rules("The food is AWFUL") == {"AWFUL": ("ALL CAPS −0.733",)}
    assert rules("good food but bad service") == {
        "good": ("before but ×0.5",),
        "bad": ("after but ×1.5",),
    }
    assert rules("this food was the shit") == {"shit": ('phrase "the shit" = +3',)}
    assert rules("no problems here") == {
        "no": ("negates the next word = 0",),
        "problems": ("negation no ×−0.74",),
    }
    assert rules("never so good") == {"good": ("booster so +0.293", "never so ×1.25")}


def test_the_value_of_a_word_is_its_rules_applied():
    (part,) = receipt(VADER, "The food is not very good").parts
    assert part.lexicon == 1.9
    assert part.value == pytest.approx((1.9 + 0.293) * -0.74)


@pytest.mark.parametrize(
    ("text", "word", "value"),
    [
        ("It is good!", "!", 0.292),
        ("It is bad!!", "!", -0.584),
        ("It is bad!!!!!!!!", "!", -1.168),
        ("Is it good??", "?", 0.36),
        ("Is it bad?????", "?", -0.96),
        ("Is it good!??", "!?", 0.652),
    ],
)
def test_punctuation_is_a_part_on_the_side_of_the_words(text, word, value):
    last = receipt(VADER, text).parts[-1]
    assert (last.word, last.start, last.end) == (word, -1, -1)
    assert last.value == pytest.approx(value)


def test_punctuation_without_words_is_no_part():
    assert receipt(VADER, "What is this?!!").parts == ()


def test_parts_point_at_their_words():
    text = 'So "good", 😀 then bad. Then GOOD!'
    shown = [(part.word, text[part.start : part.end]) for part in receipt(VADER, text).parts]
    assert shown == [
        ("good", "good"),
        ("grinning", "😀"),
        ("bad", "bad"),
        ("GOOD", "GOOD"),
        ("!", ""),
    ]


def test_receipt_of_the_scorer_is_that_of_its_score():
    scorer = VaderScorer()
    rng = random.Random(7)
    texts = [Text(" ".join(rng.choices(WORDS, k=8)) + " the app is", lang="en") for _ in range(200)]
    for text, score in zip(texts, scorer.score_batch(texts), strict=True):
        if score.compound is not None:
            assert scorer.explain(text).compound == score.compound
