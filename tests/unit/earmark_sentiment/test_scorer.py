import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.model import Label, Score, ScoreStatus, Text
from earmark_sentiment.scorer import Scorer, VaderScorer, label_of
from earmark_sentiment.stars import label_of_rating

SCORER = VaderScorer()


def score(text: str, **known: object) -> Score:
    (result,) = SCORER.score_batch([Text(text, **known)])
    return result


def test_is_a_scorer_with_a_model_id():
    scorer: Scorer = SCORER
    assert scorer.model_id == "vader-3.3.2+prep-1+cues-3"
    assert score("This is really a great app").model_id == scorer.model_id


def test_scores_english():
    good, bad, plain = SCORER.score_batch(
        [
            Text("The new app is great and I love it"),
            Text("This is the worst service I have ever had"),
            Text("The train leaves at nine from platform two"),
        ]
    )
    assert (good.label, bad.label, plain.label) == (
        Label.positive,
        Label.negative,
        Label.neutral,
    )
    assert {good.lang, bad.lang, plain.lang} == {"en"}
    assert good.compound > 0.5
    assert bad.compound < -0.5
    assert plain.compound == 0


def test_brand_names_do_not_count():
    assert score("United lost my bag again", lang="en").label is Label.positive
    named = score("United lost my bag again", lang="en", names=("United",))
    assert named.label is Label.negative


@pytest.mark.parametrize("text", ["", "  \n", "😂😂😂", "https://example.com", "@acme", "10/10"])
def test_nothing_to_judge_is_unscored(text):
    result = score(text)
    assert result.status is ScoreStatus.unscored_empty
    assert (result.label, result.p_neg, result.compound, result.cues) == (None, None, None, ())


@pytest.mark.parametrize("text", ["Die Lieferung war super", "no me llega el pedido", "今日は晴れ"])
def test_other_languages_are_unscored(text):
    result = score(text)
    assert result.status is ScoreStatus.unscored_language
    assert result.lang != "en"
    assert (result.label, result.p_neg, result.compound, result.cues) == (None, None, None, ())


@pytest.mark.parametrize(
    ("rating", "label"),
    [
        (1, Label.negative),
        (2, Label.negative),
        (3, Label.neutral),
        (4, Label.positive),
        (5, Label.positive),
        (4.5, Label.positive),
    ],
)
@pytest.mark.parametrize("text", ["", "I love this great app", "Che delusione, non lo consiglio"])
def test_stars_outrank_text(rating, label, text):
    result = score(text, rating=rating)
    assert result.status is ScoreStatus.scored
    assert result.rated
    assert result.label is label is label_of_rating(rating)
    best = max((result.p_neg, "negative"), (result.p_neu, "neutral"), (result.p_pos, "positive"))
    assert best[1] == label.value


def test_a_rated_review_keeps_what_its_text_says():
    result = score("I love this great app", rating=1)
    assert result.compound > 0.5
    assert score("Che delusione, non lo consiglio", rating=1).lang == "it"
    assert score("", rating=1).compound is None


def test_a_mere_mention_of_a_problem_is_no_complaint_under_five_stars():
    text = "It had one small problem with the old phone, we are using it daily"
    assert "complaint" in {cue.kind for cue in score(text).cues}
    assert "complaint" not in {cue.kind for cue in score(text, rating=5).cues}


@pytest.mark.parametrize("rating", [math.nan, math.inf, -3, 0, 17])
def test_a_rating_that_cannot_be_meant_is_ignored(rating):
    result = score("I love this great app", rating=rating)
    assert not result.rated
    assert result.label is Label.positive


def test_probabilities_follow_the_compound():
    texts = [Text("it is " + " ".join(["good"] * n), lang="en") for n in range(8)]
    texts += [Text("it is " + " ".join(["bad"] * n), lang="en") for n in range(8)]
    scores = sorted(SCORER.score_batch(texts), key=lambda one: one.compound)
    assert [one.p_neg for one in scores] == sorted((one.p_neg for one in scores), reverse=True)
    assert [one.p_pos for one in scores] == sorted(one.p_pos for one in scores)
    for one in scores:
        assert math.isclose(one.p_neg + one.p_neu + one.p_pos, 1)
        likeliest = max((one.p_neg, "negative"), (one.p_neu, "neutral"), (one.p_pos, "positive"))
        assert one.label is label_of(one.compound)
        assert likeliest[1] == one.label.value


def test_a_batch_keeps_order_and_length():
    texts = [Text("great app, I love it"), Text(""), Text("Wo ist mein Paket?"), Text("", rating=2)]
    assert SCORER.score_batch([]) == []
    assert SCORER.score_batch(texts) == [SCORER.score_batch([text])[0] for text in texts]


@settings(max_examples=300, deadline=None)
@given(
    st.builds(
        Text,
        text=st.text(st.characters(), max_size=300),
        lang=st.sampled_from(["", "en", "de-AT", "zz", "\x00", "-"]),
        rating=st.none() | st.floats(),
        names=st.lists(st.text(st.characters(), max_size=6), max_size=3).map(tuple),
    )
)
def test_no_text_raises(text):
    (result,) = SCORER.score_batch([text])
    is_scored = result.status is ScoreStatus.scored
    assert (result.label is not None) == is_scored
    assert (result.p_neg is not None) == is_scored
    SCORER.explain(text)


@pytest.mark.parametrize(
    "text",
    [
        "word " * 200_000,
        "😂" * 10_000,
        "a" * 100_000,
        "&#" + "9" * 10_000 + ";",
        "waited for over " * 5_000,
        "nobody at the " * 5_000,
        "?" * 50_000,
        "\u0301" * 50_000,
        "A" * 50 + "\ud800" * 50,
        "\ufdfa" * 20_000,
    ],
    ids=lambda text: ascii(text[:10]),
)
@pytest.mark.timeout(20)
def test_hostile_text_ends(text):
    (result,) = SCORER.score_batch([Text(text, lang="en")])
    assert result.status is not ScoreStatus.error
