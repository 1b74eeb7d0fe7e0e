import gzip
import json
import math
import random
import re
import subprocess
import sys
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.model import Label, Score, ScoreStatus, Text
from earmark_sentiment.features import NAMES
from earmark_sentiment.head import (
    BrandModel,
    Calibration,
    Head,
    packed,
    pair,
    read,
    shipped,
    sigmoid,
    unpaired,
)
from earmark_sentiment.language import Language
from earmark_sentiment.plugins import chosen_scorer
from earmark_sentiment.scorer import HeadScorer, Scorer, likeliest
from earmark_sentiment.vader import polarity_scores


def all_english(text: str, hint: str, knows: object) -> Language:
    return Language("en", 1.0, True)


SCORER = HeadScorer()
ENGLISH = HeadScorer(identify=all_english)
WORDS = re.findall(
    r"\S+",
    "good bad GREAT awful not very never but the app my order arrived broken refund 😀 ❤ :) fail! "
    "love? !! waiting for three weeks and it is still down. thanks Why? ok service",
)


def score(text: str, scorer: Scorer = ENGLISH, **known: object) -> Score:
    (result,) = scorer.score_batch([Text(text, **known)])
    return result


def test_is_the_default_scorer_and_names_its_model():
    scorer = chosen_scorer()
    assert type(scorer) is HeadScorer
    assert re.fullmatch(r"head-\d+\+vader-3\.3\.2\+prep-\d+\+cues-\d+", scorer.model_id)
    assert score("This is really a great app", scorer).model_id == scorer.model_id


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("My order never arrived", Label.negative),
        ("The app crashes on startup since the update", Label.negative),
        ("Still waiting for my refund after 3 months", Label.negative),
        ("On hold for 2 hours and nobody answers", Label.negative),
        ("I don’t like this at all", Label.negative),
        ("This is the best coffee I have ever had", Label.positive),
        ("Works like a charm, thank you", Label.positive),
        ("Is there parking next to the branch?", Label.neutral),
    ],
)
def test_says_what_a_reader_would_say(text, label):
    assert score(text).label is label


def test_hears_more_complaints_than_the_lexicon(request):
    lines = (request.path.parent / "mentions.tsv").read_text(encoding="utf-8").splitlines()[1::2]
    complaints = [line.partition("\t")[2] for line in lines if line.startswith("complaint")]
    heard = sum(score(text).label is Label.negative for text in complaints)
    by_lexicon = sum(polarity_scores(text)["compound"] <= -0.05 for text in complaints)
    assert heard > 1.5 * by_lexicon


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=6)), max_size=40))
def test_the_parts_of_a_receipt_add_up_to_the_logit_and_to_the_probability(words):
    text = Text(" ".join(words))
    (result,) = ENGLISH.score_batch([text])
    receipt = ENGLISH.explain(text)
    assert receipt.logit == sum(part.value for part in receipt.logit_parts)
    if result.status is ScoreStatus.scored:
        assert math.isclose(sigmoid(receipt.logit), result.p_neg, abs_tol=1e-12)
        assert receipt.compound == result.compound
        assert math.isclose(result.p_neg + result.p_neu + result.p_pos, 1)
        assert result.label is likeliest(result.p_neg, result.p_neu, result.p_pos)


def test_parts_point_at_their_words():
    receipt = ENGLISH.explain(Text("Waited 3 weeks, my refund never came. Useless!"))
    worded = [part for part in receipt.logit_parts if part.kind == "word"]
    assert {part.name for part in worded} >= {"refund", "never", "useless"}
    for part in worded:
        place = receipt.prepared[part.start : part.end].lower()
        assert place.startswith(part.name.split()[0]) or part.name.startswith("0")
    assert {part.kind for part in receipt.logit_parts} == {"base", "number", "word"}
    assert {part.name for part in receipt.logit_parts if part.kind == "number"} <= set(NAMES)


def test_long_text_is_judged_by_its_sentences():
    text = "The room is lovely and nice. " * 20 + "The staff are rude and awful."
    found = score(text)
    lowest, mean, last = found.sentences
    assert lowest == last < 0 < mean
    assert score("The staff are rude.").sentences is None


def test_hints_change_nothing():
    receipt = ENGLISH.explain(Text("Great, another 5 hour delay. Thanks!"))
    assert receipt.hints == ("maybe sarcasm: kind words beside a complaint",)
    mixed = ENGLISH.explain(Text("The screen is great and lovely. The battery is awful."))
    assert mixed.hints == ("mixed: one sentence praises, another complains",)
    assert ENGLISH.explain(Text("The screen is great.")).hints == ()


@pytest.mark.parametrize(
    ("text", "rating", "is_conflict"),
    [
        ("I love this great app, best ever", 1, True),
        ("This is the worst, awful service, I hate it", 5, True),
        ("I love this great app, best ever", 5, False),
        ("This is the worst, awful service, I hate it", 3, False),
        ("I love this great app, best ever", None, False),
    ],
)
def test_stars_and_words_may_contradict_each_other(text, rating, is_conflict):
    found = score(text, rating=rating)
    assert found.is_conflict is is_conflict
    assert found.rated is (rating is not None)


@pytest.mark.parametrize("text", ["Die Lieferung war super", "😂😂", "", "no me llega el pedido"])
def test_what_cannot_be_judged_is_unscored(text):
    found = score(text, SCORER)
    assert found.status is not ScoreStatus.scored
    assert (found.label, found.p_neg, found.compound, found.sentences) == (None,) * 4


def test_another_language_has_its_own_scorer_if_there_is_one():
    class German:
        model_id = "german"

        def score_batch(self, texts):
            return [Score(ScoreStatus.scored, Label.negative, model_id="german") for _ in texts]

        def explain(self, text):
            raise NotImplementedError

    both = HeadScorer(languages={"de": German()})
    german = "Die Lieferung kommt seit drei Wochen nicht an"
    assert score(german, both).model_id == "german"
    assert score("Livraison en retard depuis trois semaines", both).label is None
    assert score("My order never arrived at all", both).model_id == both.model_id
    assert score(german, both, rating=5).label is Label.positive


BRAND = BrandModel(
    "acme-3",
    negative=Calibration(1.5, -0.5),
    positive=Calibration(0.9, 0.2),
    numbers=(0.1,) * len(NAMES),
    words={"support": 2.0, "my order": -1.0},
    lexicon={"support": 0.0},
)


def test_a_brand_model_can_be_put_on_and_taken_off():
    text = "support lost my order, support is good"
    branded = ENGLISH.with_brand_model(BRAND)
    assert branded.model_id.startswith("head-1+acme-3+") or "+acme-3+" in branded.model_id
    assert score(text, branded) != score(text)
    assert score(text, branded.with_brand_model(None)) == score(text)
    receipt = branded.explain(Text(text))
    assert math.isclose(sigmoid(receipt.logit), score(text, branded).p_neg, abs_tol=1e-12)
    brand = {part.name: part.value for part in receipt.logit_parts if part.kind == "brand"}
    assert brand["every text"] == -0.5
    assert brand["support"] == pytest.approx(2 * 2.0 / math.sqrt(2 * 7 - 1))
    assert brand["my order"] < 0
    assert "support" not in {part.word for part in receipt.parts if part.value}


def test_base_logits_ignore_the_brand():
    features = ENGLISH.features(Text("my order is lost"))
    head = shipped()
    assert head.with_brand_model(BRAND).base_logits(features) == head.logits(features)


@given(st.lists(st.tuples(st.integers(-5000, 5000), st.integers(-5000, 5000)), max_size=50))
def test_two_sums_in_one(pairs):
    total = sum(pair(*both) for both in pairs)
    assert unpaired(total) == (sum(a for a, _ in pairs), sum(b for _, b in pairs))


def test_a_head_is_read_as_it_was_packed():
    head = shipped()
    assert read(packed(head)) == head
    assert packed(head) == packed(read(packed(head)))


def test_weights_for_other_features_are_refused():
    data = json.loads(gzip.decompress(packed(shipped())))
    data["features"] = -1
    with pytest.raises(ValueError, match="train them again"):
        read(gzip.compress(json.dumps(data).encode()))


def test_weights_are_small_and_have_a_card():
    folder = files("earmark_sentiment")
    assert len(folder.joinpath("head.json.gz").read_bytes()) < 2_000_000
    card = json.loads(folder.joinpath("head-card.json").read_text(encoding="utf-8"))
    assert card["model"] == shipped().model_id
    assert card["grams"] == len(shipped().grams)
    assert {"licence", "data", "trained_on", "left_out"} <= card.keys()


def test_no_brand_is_in_the_weights():
    assert not {"acme", "globex"} & {gram for gram in shipped().grams if isinstance(gram, str)}


def test_scoring_loads_no_heavy_package():
    code = (
        "import sys; from earmark_sentiment.head import shipped; "
        "from earmark_sentiment.features import Extractor; "
        "from earmark_sentiment.vader import installed; "
        "shipped().probabilities(Extractor(installed()).features('good app')); "
        "print(*{'numpy', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    "text",
    [
        "word " * 200_000,
        "not good. " * 20_000,
        "😂" * 10_000,
        "a" * 100_000,
        ". " * 50_000,
        "?" * 50_000,
        "my order " * 20_000,
        "you lost my order. " * 10_000,
        "and so but " * 10_000,
        "A" * 50 + "\ud800" * 50,
    ],
    ids=lambda text: ascii(text[:10]),
)
@pytest.mark.timeout(20)
def test_hostile_text_ends(text):
    found = score(text)
    assert found.status in {ScoreStatus.scored, ScoreStatus.unscored_empty}
    ENGLISH.explain(Text(text))


@settings(max_examples=300, deadline=None)
@given(
    st.builds(
        Text,
        text=st.text(st.characters(), max_size=300),
        lang=st.sampled_from(["", "en", "de-AT", "zz", "\x00"]),
        rating=st.none() | st.floats(),
        names=st.lists(st.text(st.characters(), max_size=6), max_size=3).map(tuple),
    )
)
def test_no_text_raises(text):
    for scorer in (SCORER, ENGLISH):
        (result,) = scorer.score_batch([text])
        assert (result.label is not None) == (result.status is ScoreStatus.scored)
        scorer.explain(text)


def test_a_batch_is_the_same_as_its_texts():
    rng = random.Random(3)
    texts = [Text(" ".join(rng.choices(WORDS, k=rng.randint(0, 30)))) for _ in range(50)]
    assert ENGLISH.score_batch(texts) == [ENGLISH.score_batch([text])[0] for text in texts]


@pytest.mark.parametrize("logit", [-1e6, -701.0, 0.0, 701.0, 1e6])
def test_no_logit_is_too_large(logit):
    assert 0 <= sigmoid(logit) <= 1


def test_a_head_is_a_value():
    head = Head("9", 0.0, 0.0, (0.0,) * len(NAMES), (0.0,) * len(NAMES), {})
    assert head.probabilities(ENGLISH.features(Text("any text"))) == pytest.approx(
        (0.5, 0.25, 0.25)
    )
