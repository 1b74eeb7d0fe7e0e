"""Every second line of the labelled mentions was looked at while the cues were written.

The other half is judged here. Whoever adds cues looks at the first half only. `fresh.tsv` was
written without the cues at hand, and its complaints have hardly a word of complaint in them;
`held.tsv` was written last, and is there to see how far cues carry into other trades.
"""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_sentiment.complaint import NEEDS_ANSWER, URGENT, cues, needs_answer, patterns
from earmark_sentiment.smallsigns import SMALL

HERE = Path(__file__).parent
WANTED = {"complaint", "question", "request", "lead"}


def judged(name: str) -> list[tuple[str, str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()[1::2]
    return [(kind, text) for kind, _, text in (line.partition("\t") for line in lines)]


MENTIONS = [row for row in judged("mentions.tsv") + judged("fresh.tsv") if row[0] != "foreign"]


def kinds(text: str) -> set[str]:
    return {cue.kind for cue in cues(text)}


def test_enough_is_judged():
    assert len(MENTIONS) >= 260


@pytest.mark.parametrize(
    ("kind", "most"), [("complaint", 0.1), ("question", 0.12), ("request", 0.2)]
)
def test_recall_of_each_kind(kind, most):
    texts = [text for label, text in MENTIONS if label == kind]
    missed = [text for text in texts if kind not in kinds(text)]
    assert len(missed) <= most * len(texts), missed


def test_recall_and_precision_of_what_needs_an_answer(record_property):
    found = {text for _, text in MENTIONS if needs_answer(cues(text))}
    wanted = {text for kind, text in MENTIONS if kind in WANTED}
    recall = len(found & wanted) / len(wanted)
    precision = len(found & wanted) / len(found)
    record_property("recall", round(recall, 3))
    record_property("precision", round(precision, 3))
    assert recall >= 0.9, f"precision is {precision:.3f}"
    assert precision >= 0.88, f"recall is {recall:.3f}"


@pytest.mark.parametrize(("kind", "most"), [("praise", 0.2), ("news", 0.1), ("chat", 0.2)])
def test_what_needs_no_answer_is_mostly_left_alone(kind, most):
    texts = [text for label, text in MENTIONS if label == kind]
    disturbed = [text for text in texts if needs_answer(cues(text))]
    assert len(disturbed) <= most * len(texts), disturbed


def test_only_small_signs_disturb_praise_and_news():
    """What a cue of its own stands for is surer than what adds up."""
    texts = [text for label, text in MENTIONS if label in {"praise", "news", "joke", "chat"}]
    sure = [
        text
        for text in texts
        if any(c.kind in NEEDS_ANSWER and not c.words.startswith(SMALL) for c in cues(text))
    ]
    assert len(sure) <= 0.07 * len(texts), sure


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
    rows = judged("urgency.tsv")
    missed = [(kind, text) for kind, text in rows if kind != "none" and kind not in kinds(text)]
    assert len(missed) <= 0.1 * len(rows), missed
    assert [text for kind, text in rows if kind == "none" and kinds(text) & set(URGENT)] == []


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
