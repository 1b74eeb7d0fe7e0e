"""What a text finds of each topic: by the sentence or clause that names it, whatever is sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.model import Label, Score, ScoreStatus, Text
from earmark_sentiment.aspects import (
    LONGEST_PASSAGE,
    MOST_PASSAGES,
    MOST_TOPICS,
    Found,
    judged,
    named,
)
from earmark_sentiment.naming import Topics, topics
from earmark_sentiment.scorer import HeadScorer

SCORER = HeadScorer()
SHOP = topics(
    (
        ("Product", "Screen", ("screen", "display")),
        ("Product", "Battery", ("batter*", "charging time")),
        ("Product", "App", ("app",)),
        ("Service", "Support", ("support", "customer service", "check-in")),
        ("Service", "Delivery", ("delivery", "parcel", "arriv*")),
    )
)
N, P = Label.negative, Label.positive


def finds(text: str, names: tuple[str, ...] = (), **known: object) -> tuple[Found, ...]:
    [score] = SCORER.score_batch([Text(text, names=names, **known)])
    return judged([(named(text, SHOP), score)], SCORER, names)[0]


def tones(text: str, **known: object) -> dict[str, Label | None]:
    return {one.topic: one.label for one in finds(text, **known)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("great screen but the battery dies", {"Screen": P, "Battery": N}),
        ("Great screen, terrible battery", {"Screen": P, "Battery": N}),
        ("The screen is great and the battery is terrible", {"Screen": P, "Battery": N}),
        ("The screen is great. The battery is terrible!", {"Screen": P, "Battery": N}),
        ("screen: lovely\nbattery: awful", {"Screen": P, "Battery": N}),
        ("Although the screen is nice, the battery is awful", {"Screen": P, "Battery": N}),
        ("I love it but the delivery was late", {"Delivery": N}),
        ("I hate it all. The screen is lovely though.", {"Screen": P}),
        ("battery, screen and support are great", {"Battery": P, "Screen": P, "Support": P}),
        ("I love the battery and the screen", {"Battery": P, "Screen": P}),
        ("The battery? Dies within an hour, useless.", {"Battery": N}),
        ("My parcel never arrived", {"Delivery": N}),
        ("Nothing to see here", {}),
    ],
)
def test_each_topic_has_the_tone_of_what_names_it(text: str, wanted: dict[str, Label]) -> None:
    assert tones(text) == wanted


@pytest.mark.parametrize(
    ("text", "topics_named"),
    [
        ("BATTERY", ["Battery"]),
        ("the batteries", ["Battery"]),
        ("the battery's life", ["Battery"]),
        ("#BatteryLife and bat\u200btery", ["Battery"]),
        ("batteryyyyy", ["Battery"]),
        ("customer-service", ["Support"]),
        ("customer Service; check in", ["Support"]),
        ("The customer. Service!", []),
        ("charging time", ["Battery"]),
        ("time for charging", []),
        ("happy screening of apps", []),
        ("https://app.example/battery @battery battery@shop.example", []),
        ("ﬂat ＳＣＲＥＥＮ", ["Screen"]),
    ],
)
def test_words_are_whole_and_in_any_case(text: str, topics_named: list[str]) -> None:
    assert [one.topic for one in named(text, SHOP)] == topics_named


def test_the_words_that_name_a_topic_go_with_it_once_each() -> None:
    [one] = named("Batteries! The battery, the Battery", SHOP)
    assert (one.area, one.words) == ("Product", "batteries, battery")


def test_a_name_that_is_also_a_topic_is_still_found() -> None:
    [one] = finds("the Acme app is awful", ("Acme", "Acme app"))
    assert (one.topic, one.label) == ("App", N)


def test_a_text_in_another_language_has_its_topics_without_a_tone() -> None:
    text = "Das Display ist toll, aber der Support antwortet seit Wochen nicht auf meine Fragen"
    assert tones(text) == {"Screen": None, "Support": None}
    assert [one.p_neg for one in finds(text, rating=1.0)] == [None, None]


def test_stars_do_not_speak_for_a_topic() -> None:
    assert tones("great screen but the battery is awful", rating=5.0) == {"Screen": P, "Battery": N}


def test_a_text_that_is_all_about_one_topic_has_the_tone_of_the_text() -> None:
    for text in ("The battery is awful!!", "battery OK :)", "where is my parcel", "LOVE the app"):
        [score] = SCORER.score_batch([Text(text, lang="en")])
        [one] = judged([(named(text, SHOP), score)], SCORER)[0]
        assert (one.label, one.p_neg) == (score.label, score.p_neg), text


class Foreign:
    """A scorer that somebody brought; it can do nothing but what the contract says."""

    model_id = "theirs"

    def score_batch(self, texts: list[Text]) -> list[Score]:
        assert all(text.rating is None and text.lang == "xx" for text in texts)
        return [Score(ScoreStatus.scored, label=P, p_neg=0.1) for _ in texts]

    def explain(self, text: Text) -> None:
        raise AssertionError(text)


def test_a_scorer_of_somebody_else_judges_its_own_passages() -> None:
    score = Score(ScoreStatus.scored, label=N, lang="xx")
    [[one]] = judged([(named("battery", SHOP), score)], Foreign())
    assert (one.label, one.p_neg) == (P, 0.1)


WORDS = st.sampled_from(
    (
        "battery", "screen", "support", "app", "but", "and", "awful", "great", "is", "although",
        "not", ",", ".", "!", "?", ";", "\n", "😡",
    )
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=60).map(" ".join)))
def test_nothing_raises_and_only_what_is_named_is_found(text: str) -> None:
    found = finds(text)
    assert len({(one.area, one.topic) for one in found}) == len(found)
    for one in found:
        assert one.words
        assert one.p_neg is None or 0 <= one.p_neg <= 1
        rule = next(words for area, topic, words in SHOP.rules if topic == one.topic)
        assert named(one.words, topics((("A", "B", rule),)))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(WORDS.filter(lambda word: word not in ".!?\n"), min_size=1, max_size=12).map(" ".join),
    st.sampled_from(["It rained on monday.", "I hate mondays!", "Lovely weather, thanks."]),
)
def test_a_sentence_about_something_else_changes_no_topic(text: str, other: str) -> None:
    said = f"It is said: {text}."
    before = {one.topic: one.passage for one in named(said, SHOP)}
    assert {one.topic: one.passage for one in named(f"{other} {said}", SHOP)} == before
    if all(_speaks(passage) for passage in before.values()):
        assert {one.topic: one.passage for one in named(f"{said} {other}", SHOP)} == before


def _speaks(passage: str) -> bool:
    return any(word in passage for word in ("awful", "great", "not"))


@pytest.mark.parametrize(
    "text",
    [
        "battery. " * 1_100, "battery and screen " * 500, "battery " * 1_200,
        "a. " * 3_300 + "screen", "\n" * 9_000 + "battery", "but " * 2_400 + "battery",
        "(" * 9_000 + " battery", ", but " * 1_600 + "app", "battery, good " * 700,
    ],
)  # fmt: skip
def test_what_is_scored_of_hostile_text_is_bounded(text: str) -> None:
    found = named(text, SHOP)
    assert found
    assert all(len(one.passage) <= MOST_PASSAGES * (LONGEST_PASSAGE + 2) for one in found)
    assert all(len(one.words) <= 200 for one in found)


def test_endless_topics_are_bounded() -> None:
    many = Topics(("A", f"T{n}", (f"word{n}",)) for n in range(500))
    assert len(named(" ".join(f"word{n}" for n in range(500)), many)) == MOST_TOPICS
    assert named("nothing", Topics(())) == ()
