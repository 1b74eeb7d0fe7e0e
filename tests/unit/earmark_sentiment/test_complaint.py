"""What may be looked at while cues are written, and what is judged.

Looked at and learned from: every other line of `mentions.tsv` (the first, the third ...), and all
of `fresh.tsv`, `held.tsv` and `practice.tsv`. Judged: the other half of `mentions.tsv`, and
`trades.tsv`, which was written before the rules of cues 3 and has 43 trades, over 20 of them
in none of the other files. Whoever adds cues does not look at what is missed in these.
"""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_sentiment.complaint import NEEDS_ANSWER, URGENT, cues, needs_answer, patterns
from earmark_sentiment.smallsigns import SMALL

HERE = Path(__file__).parent
WANTED = {"complaint", "question", "request", "lead"}


def rows(name: str, start: int = 0, step: int = 1) -> list[tuple[str, str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()[start::step]
    parts = [line.split("\t") for line in lines]
    return [(part[0], part[-1]) for part in parts if part[0] != "foreign"]


SETS = {"mentions": rows("mentions.tsv", 1, 2), "trades": rows("trades.tsv")}
MENTIONS = [row for judged in SETS.values() for row in judged]


def kinds(text: str) -> set[str]:
    return {cue.kind for cue in cues(text)}


def test_enough_is_judged():
    assert len(MENTIONS) >= 400


@pytest.mark.parametrize(
    ("kind", "most"), [("complaint", 0.17), ("question", 0.05), ("request", 0.2), ("lead", 0.15)]
)
def test_recall_of_each_kind(kind, most):
    texts = [text for label, text in MENTIONS if label == kind]
    missed = [text for text in texts if kind not in kinds(text)]
    assert len(missed) <= most * len(texts), missed


@pytest.mark.parametrize(
    ("name", "least_recall", "least_precision"),
    # What is found in trades that nobody had in mind stays below .9; docs/sentiment.md says so.
    [("mentions", 0.95, 0.9), ("trades", 0.85, 0.87)],
)
def test_recall_and_precision_of_what_needs_an_answer(
    record_property, name, least_recall, least_precision
):
    found = {text for _, text in SETS[name] if needs_answer(cues(text))}
    wanted = {text for kind, text in SETS[name] if kind in WANTED}
    recall = len(found & wanted) / len(wanted)
    precision = len(found & wanted) / len(found)
    record_property("recall", round(recall, 3))
    record_property("precision", round(precision, 3))
    assert recall >= least_recall, f"precision is {precision:.3f}"
    assert precision >= least_precision, f"recall is {recall:.3f}"


@pytest.mark.parametrize(
    ("kind", "most"),
    [("praise", 0.22), ("news", 0.24), ("chat", 0.18), ("joke", 0.3), ("ad", 0.1)],
)
def test_what_needs_no_answer_is_mostly_left_alone(kind, most):
    """Wordless praise and dry news look much like wordless complaints: 10 % is not reached."""
    texts = [text for label, text in MENTIONS if label == kind]
    disturbed = [text for text in texts if needs_answer(cues(text))]
    assert len(disturbed) <= most * len(texts), disturbed


def test_only_small_signs_disturb_praise_and_news():
    """What a cue of its own stands for is surer than what adds up."""
    texts = [text for label, text in MENTIONS if label in {"praise", "news", "joke", "chat", "ad"}]
    sure = [
        text
        for text in texts
        if any(c.kind in NEEDS_ANSWER and not c.words.startswith(SMALL) for c in cues(text))
    ]
    assert len(sure) <= 0.09 * len(texts), sure


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("My points went from 40,000 to zero overnight", "small signs: points, overnight, my"),
        ("Your map puts our shop in the river", "small signs: map, your, our"),
    ],
)
def test_small_signs_add_up_and_are_named(text, words):
    assert cues(text)[0].words.startswith(SMALL)
    assert set(words.removeprefix(SMALL).split(", ")) & set(
        cues(text)[0].words.removeprefix(SMALL).split(", ")
    )


@pytest.mark.parametrize(
    "text",
    [
        "Lovely lamp on my desk, my friends want one",
        "Walking the dog along the river",
        "Acme Lamps To Open Store In Oslo On Monday",
        "my lamp " * 60,
    ],
)
def test_small_signs_are_not_taken_from_praise_days_headlines_or_long_texts(text):
    assert not any(cue.words.startswith(SMALL) for cue in cues(text))


def test_urgent_kinds():
    urgent = rows("urgency.tsv", 1, 2)
    missed = [(kind, text) for kind, text in urgent if kind != "none" and kind not in kinds(text)]
    assert len(missed) <= 0.1 * len(urgent), missed
    assert [text for kind, text in urgent if kind == "none" and kinds(text) & set(URGENT)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for the quick help!",
        "Thank you for sorting out my refund so fast",
        "Five years with this bike and not a single problem",
        "Acme Air reports third quarter revenue of 2.1 billion",
        "Airline Faces Record Fine After Delays And Lost Bags",
        "Shares of the carrier fell 4% after the outage",
        "",
    ],
)
def test_praise_and_headlines_need_no_answer(text):
    assert not needs_answer(cues(text))


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("My order never arrived", "complaint", "never arrived"),
        ("Still waiting for my refund", "complaint", "still waiting"),
        ("I don’t think it is right, it doesn’t work", "complaint", "doesn't work"),
        ("On hold for 2 hours", "complaint", "on hold for"),
        ("You charged me twice", "money", "charged me"),
        ("Where is my package?", "question", "where is my package?"),
        ("Thanks for nothing", "complaint", "thanks for nothing"),
        ("I love it but it caught fire", "safety", "caught fire"),
        ("Can you recommend a good case", "lead", "can you recommend"),
    ],
)
def test_a_cue_names_its_words(text, kind, words):
    assert (kind, words) in {(cue.kind, cue.words) for cue in cues(text)}


def test_sarcastic_thanks_are_no_praise():
    assert "praise" not in kinds("Thanks for losing my bag")


def test_a_question_inside_praise_is_still_a_question():
    assert {"praise", "question"} <= kinds("Love the new app! Is there a dark mode?")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_any_text_gives_known_kinds(text):
    for cue in cues(text):
        assert cue.kind in NEEDS_ANSWER | {"praise"}
        assert cue.words
        assert len(cue.words) <= 80


def test_at_most_three_of_a_kind():
    found = cues("Why? " + " ".join(f"Where is number {i}?" for i in range(50)))
    assert sum(cue.kind == "question" for cue in found) == 3


def test_no_pattern_repeats_without_bound():
    for kind, pattern in patterns().items():
        for endless in ("\\w+\\w", ")+", ")*", ".*", ".+"):
            assert endless not in pattern.pattern, kind
