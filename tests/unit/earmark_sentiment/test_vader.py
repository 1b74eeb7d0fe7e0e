import gzip
import itertools
import json
import math
import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SentimentIntensityAnalyzer

from earmark_sentiment import vader

AUTHORITY = SentimentIntensityAnalyzer()
LEXICON = list(AUTHORITY.lexicon)
EMOJIS = list(AUTHORITY.emojis)
BOOSTERS = list(BOOSTER_DICT)
GENERATED = int(os.environ.get("EARMARK_GENERATED_TEXTS", "20000"))
RULED = re.findall(
    r"\S+",
    "no or nor but BUT so this never without doubt least at very kind of sort just enough the shit "
    "bomb bad ass bus stop yeah right kiss death to die for beating heart good good great bad",
)
PLAIN = re.findall(r"\S+", "table I phone A x ok. 12 it's isn't İ straße ΑΣ don’t … :) :( :D xD <3")


def random_word(rng: random.Random) -> str:
    pools = (LEXICON, RULED, BOOSTERS, NEGATE, EMOJIS, PLAIN)
    word = rng.choice(rng.choices(pools, (28, 30, 10, 10, 6, 16))[0])
    word = rng.choices((word, word.upper(), word.capitalize()), (80, 12, 8))[0]
    tail = rng.choices(("", rng.choice("!?.,;:)'…"), "!!", "???"), (84, 10, 3, 3))[0]
    return rng.choices((word + tail, f'"{word}"'), (96, 4))[0]


def random_text(rng: random.Random) -> str:
    space = rng.choices((" ", "  ", "", "\n", "\u00a0", "\u200b"), (84, 3, 4, 3, 3, 3))[0]
    return space.join(random_word(rng) for _ in range(rng.randint(0, 25)))


def differs(text: str) -> bool:
    """Tells whether any digit differs, or the sign of a zero."""
    return repr(vader.polarity_scores(text)) != repr(AUTHORITY.polarity_scores(text))


def test_equals_vadersentiment_on_generated_texts():
    rng = random.Random(20260302)
    texts = (random_text(rng) for _ in range(GENERATED))
    assert [text for text in texts if differs(text)] == []


def test_equals_vadersentiment_on_long_texts_with_a_but():
    rng = random.Random(20260303)
    texts = []
    for _ in range(max(100, GENERATED // 200)):
        words = [rng.choice(LEXICON) for _ in range(rng.randint(30, 120))]
        words[rng.randrange(len(words))] = "but"
        texts.append(" ".join(words))
    assert [text for text in texts if differs(text)] == []


def test_rounds_as_python_does():
    rng = random.Random(20260304)
    values = [rng.uniform(-1, 1) for _ in range(20_000)]
    values += [part / whole for whole in range(1, 200) for part in range(-whole, whole + 1)]
    ties = [(n + 0.5) / 1e4 for n in range(-10_000, 10_000)]
    values += [math.nextafter(tie, towards) for tie in ties for towards in (-2, tie, 2)]
    values += [0.0, -0.0, 1e-300, -1e-300, 4e-5, -4e-5]
    wrong = [
        (value, places)
        for value in values
        for places, scale in ((3, 1e3), (4, 1e4))
        if repr(vader._rounded(value, scale, places)) != repr(round(value, places))
    ]
    assert wrong == []


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(RULED),
            st.sampled_from(LEXICON),
            st.sampled_from(EMOJIS),
            st.sampled_from(["!", "??", "...", "NOT", "n't", "VERY"]),
        ),
        max_size=20,
    )
)
def test_equals_vadersentiment_on_any_text(words):
    assert not differs(" ".join(words))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "!!!",
        "no",
        "NO good",
        "no kind or good",
        "The service is not really so good",  # "so" hides the negation
        "This is never so good",
        "good but good but good but bad",  # places are looked up by value
        "good good but good bad good",
        "it was his kiss of death",
        "kiss of death",
        "the movie was only kind of good",
        "it is sort of bad and the shit",
        "At least it isn't horrible",
        "least good",
        "very least good",
        "without a doubt excellent",
        "VERY bad, VERY GOOD!!!!!! ????",
        "good? no. nope.",
        "😀good😀 ❤",
        "fed up, can't stand it",
        "İ GOOD straße",
        "SO GOOD AND VERY BAD",  # nothing stands out when all are capitals
        "so GOOD that I told A friend",
        "good! good!! good!!! good!!!! why? why?? why??? why????",
    ],
)
def test_equals_vadersentiment_on_its_oddities(text):
    assert not differs(text)


def test_equals_vadersentiment_on_labelled_text():
    root = Path(__file__).resolve().parents[3]
    folder = Path(os.environ.get("EARMARK_TEXTS", root.parent / "shared" / "data" / "sentiment"))
    if not folder.is_dir():
        pytest.skip(f"no labelled texts at {folder}; set EARMARK_TEXTS to their folder")
    texts = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in itertools.islice(lines, 1500)]
    assert texts
    assert [text for text in texts if differs(text)] == []


def test_takes_time_in_proportion_to_the_text(monkeypatch):
    """Counts words weighed among their neighbours, not seconds: each once, whatever the length."""
    weighed = []
    original = vader.Neighbours.share

    def counted(self, i, mark, value, note):
        weighed.append(i)
        return original(self, i, mark, value, note)

    monkeypatch.setattr(vader.Neighbours, "share", counted)
    vader.polarity_scores("so very good and not very nice but just bad " * 2000)
    assert len(weighed) == 3 * 2000
    assert weighed == sorted(set(weighed))


def test_weighs_only_words_that_something_near_may_change(monkeypatch):
    weighed = []
    original = vader.Neighbours.share

    def counted(self, i, mark, value, note):
        weighed.append(self.words[i])
        return original(self, i, mark, value, note)

    monkeypatch.setattr(vader.Neighbours, "share", counted)
    vader.polarity_scores("I saw a nice table but A plain lamp was not one two good or great thing")
    assert weighed == ["good"]


def test_remembered_words_are_bounded(monkeypatch):
    monkeypatch.setattr("earmark_sentiment.valence._REMEMBERED", 100)
    scorer = vader.Vader({"good": 1.9}, {})
    for i in range(1000):
        scorer.polarity_scores(f"word{i} good")
    assert len(scorer._marks) <= 100
    assert scorer.polarity_scores("word5 good")["compound"] > 0


def test_another_lexicon_changes_the_score():
    assert vader.Vader({"support": 0.5}, {}).polarity_scores("support")["compound"] == 0.128
    assert vader.Vader({}, {}).polarity_scores("support")["compound"] == 0.0
