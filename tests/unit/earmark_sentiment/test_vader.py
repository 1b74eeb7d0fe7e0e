import gzip
import itertools
import json
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


def test_equals_vadersentiment_on_generated_texts():
    rng = random.Random(20260302)
    different = [
        text
        for text in (random_text(rng) for _ in range(GENERATED))
        if vader.polarity_scores(text) != AUTHORITY.polarity_scores(text)
    ]
    assert different == []


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
    text = " ".join(words)
    assert vader.polarity_scores(text) == AUTHORITY.polarity_scores(text)


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
    ],
)
def test_equals_vadersentiment_on_its_oddities(text):
    assert vader.polarity_scores(text) == AUTHORITY.polarity_scores(text)


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
    different = [t for t in texts if vader.polarity_scores(t) != AUTHORITY.polarity_scores(t)]
    assert different == []


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
