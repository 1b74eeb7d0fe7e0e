"""What is learned from corrections, and what is refused."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.model import Label, Text
from earmark_sentiment import learn as learning
from earmark_sentiment import proposals
from earmark_sentiment.brand_model import Example, document, model_of, named, probabilities
from earmark_sentiment.examples import WEIGHED_FROM, examples_of
from earmark_sentiment.features import NAMES
from earmark_sentiment.head import BrandModel, Calibration
from earmark_sentiment.learn import MANY, Recipe, fitted, lacks, learn
from earmark_sentiment.proposals import Corrected, lexicon_after, measure, propose, with_word
from earmark_sentiment.sampling import is_drawn
from earmark_sentiment.scorer import likeliest
from tests.toy import HEAD, THINGS, corpus, examples, said, scorer


def corrected(rows: list[tuple[str, Label]]) -> list[Corrected]:
    return [Corrected(Text(text), label) for text, label in rows]


def test_too_few_or_only_one_kind_teach_nothing() -> None:
    rows = examples(corpus(30, 0))
    assert "10 corrections are needed, 9 are there" in lacks(rows[:9])
    assert lacks(rows) == ""
    negatives = [row for row in rows if row.label is Label.negative]
    assert "other than negative" in lacks(negatives)
    with pytest.raises(ValueError, match="needed"):
        learn(rows[:9], Recipe(), seed=1)


def test_few_corrections_fit_a_line_and_no_words() -> None:
    learned = learn(examples(corpus(40, 0)), Recipe(), seed=1)
    assert learned.kind == "calibrated"
    assert (learned.model.words, learned.model.numbers) == ({}, ())
    assert learned.model.negative.slope > 0
    assert learned.figures.log_loss < learned.before.log_loss
    assert learned.worse == ()


def test_scores_are_never_turned_around() -> None:
    """Each label is the opposite of what is said: a line would have to fall."""
    turned = {Label.negative: Label.positive, Label.positive: Label.negative}
    rows = [replace(row, label=turned.get(row.label, row.label)) for row in examples(corpus(60, 0))]
    model = fitted(rows, "calibrated")
    assert (model.negative.slope, model.positive.slope) == (1.0, 1.0)


def test_many_corrections_weigh_the_word_that_misleads_and_agree_more() -> None:
    learned = learn(examples(corpus(120, 60)), Recipe(), seed=1)
    assert learned.kind == "stacked"
    assert learned.worse == ()
    assert learned.figures.accuracy > learned.before.accuracy + 0.2
    assert learned.figures.negative_f1 > learned.before.negative_f1
    heaviest = max(learned.model.words, key=lambda word: learned.model.words[word])
    assert "trust" in heaviest.split()
    assert learned.figures.threshold is not None
    assert learned.figures.threshold.precision >= 0.8


def test_the_same_corrections_and_seed_give_the_same_model_to_the_byte() -> None:
    rows = examples(corpus(120, 60))
    one, two = (learn(rows, Recipe(), seed=3) for _ in range(2))
    assert one == two
    assert document(one.model) == document(two.model)
    assert learn(rows, Recipe(), seed=4).model == one.model  # the seed only deals the folds


def test_a_model_that_is_worse_says_so() -> None:
    """What ships is right on all of it, and two negatives are too few to do better."""
    rows = examples(corpus(36, 0))
    right = [replace(row, label=verdict(row)) for row in rows]
    negatives = [row for row in right if row.label is Label.negative]
    others = [row for row in right if row.label is not Label.negative]
    learned = learn([*negatives[:2], *others[:12]], Recipe(), seed=1)
    assert learned.before.negative_f1 == 1.0
    assert learned.worse == ("F1 of negative would fall from 1.000 to 0.000.",)


def verdict(example: Example) -> Label:
    return likeliest(*probabilities(BrandModel(""), example))


def test_the_model_in_force_is_judged_by_what_it_knew_and_not_by_heart() -> None:
    rows = examples(corpus(160, 80))
    known = MANY + 20
    fresh = learn(rows, Recipe("stacked", last=rows[known].order), seed=1)
    assert fresh.before.accuracy <= fresh.figures.accuracy
    unknown = learn(rows, Recipe("stacked", last=-1), seed=1)
    shipped = learn(rows, Recipe(), seed=1)
    assert unknown.before == shipped.before


def test_one_odd_correction_changes_little() -> None:
    rows = examples(corpus(60, 0))
    odd = [*rows[:-1], replace(rows[-1], label=Label.negative)]
    one, two = fitted(rows, "calibrated"), fitted(odd, "calibrated")
    assert abs(one.negative.shift - two.negative.shift) < 0.5


finite = st.floats(-8, 8)
words = st.lists(st.sampled_from(["trust", "lamp", "late", "door"]), max_size=8)


@given(
    negative=st.tuples(finite, finite),
    positive=st.tuples(finite, finite),
    numbers=st.lists(finite, min_size=len(NAMES), max_size=len(NAMES)),
    weights=st.dictionaries(st.sampled_from(["trust", "lamp", "late door", "trust lamp"]), finite),
    text=words,
)
@settings(max_examples=150, deadline=None)
def test_what_is_measured_is_what_the_head_will_say(
    negative: tuple[float, float],
    positive: tuple[float, float],
    numbers: list[float],
    weights: dict[str, float],
    text: list[str],
) -> None:
    model = BrandModel("b", Calibration(*negative), Calibration(*positive), tuple(numbers), weights)
    features = scorer().features(Text(" ".join(text)))
    example = Example(
        *HEAD.base_logits(features), tuple(features.numbers), tuple(features.words), Label.neutral
    )
    ours = probabilities(model, example)
    assert ours == pytest.approx(HEAD.with_brand_model(model).probabilities(features), abs=1e-9)


def test_examples_carry_the_logits_of_the_head() -> None:
    rows = corpus(12, 4)
    for (text, label), example in zip(rows, examples(rows), strict=True):
        logits = HEAD.base_logits(scorer().features(Text(text)))
        assert (example.negative, example.positive) == pytest.approx(logits, abs=1e-9)
        assert example.label is label


def test_a_kept_model_comes_back_equal_and_equal_weights_have_one_name() -> None:
    import json

    model = named(replace(fitted(examples(corpus(120, 60)), "stacked"), lexicon={"trust": 0.0}))
    back = model_of(model.name, json.loads(json.dumps(document(model))))
    assert back == model
    assert named(replace(model, name="other")).name == model.name
    assert named(replace(model, lexicon={})).name != model.name
    assert model_of("x", document(BrandModel("x"))) is None


def test_the_word_that_misleads_is_the_first_proposal_with_its_effect() -> None:
    rows = corpus(60, 31, meant=Label.neutral)
    others = [Text(text) for text, _ in corpus(0, 20, seed=9)]
    plain = [Text("the lamp is by the door")] * 30
    found = propose(scorer(), None, corrected(rows), [*others, *plain])
    first = found[0]
    assert (first.word, first.before, first.after) == ("trust", 2.3, 0.0)
    assert (first.fixes, first.corrected, first.breaks) == (31, 31, 0)
    assert first.changes == len(others)
    assert first.looked_at == 50
    assert first.words.startswith("“trust” +2.3 → 0: fixes 31 of 31 corrected, breaks 0")


def test_a_word_that_means_the_opposite_is_proposed_turned_around() -> None:
    """Worth nothing it would leave these texts neutral; people call them negative."""
    found = propose(scorer(), None, corrected(corpus(60, 31)), [])
    assert (found[0].word, found[0].before, found[0].after) == ("trust", 2.3, -2.3)
    assert (found[0].fixes, found[0].breaks) == (31, 0)
    nought = measure(scorer(), None, "trust", 0.0, corrected(corpus(60, 31)), [])
    assert nought.gain < found[0].gain


def test_a_word_that_is_only_too_loud_is_proposed_at_half() -> None:
    """One "awful" outweighs "great" and should not; alone it is meant."""
    rows = corrected(
        [(f"a great {thing}, awful packing", Label.positive) for thing in THINGS]
        + [(f"this {thing} is awful", Label.negative) for thing in THINGS[:6]]
    )
    model = BrandModel("", lexicon={"awful": -3.5})
    nought = measure(scorer(), model, "awful", 0.0, rows, [])
    assert (nought.fixes, nought.breaks) == (9, 6)
    best = propose(scorer(), model, rows, [])[0]
    assert (best.word, best.before, best.after) == ("awful", -3.5, -1.8)
    assert (best.fixes, best.breaks) == (9, 0)


def test_no_more_than_three_values_of_a_word_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float | None]] = []
    real = proposals.measure

    def counting(learner: Any, model: Any, word: str, after: float | None, *rest: Any) -> Any:
        asked.append((word, after))
        return real(learner, model, word, after, *rest)

    monkeypatch.setattr(proposals, "measure", counting)
    propose(scorer(), None, corrected(corpus(90, 45)), [])
    tried = Counter(word for word, _ in asked)
    assert tried
    assert max(tried.values()) <= 4  # and once more with the others, for what is proposed


def test_labels_of_the_blind_sample_stand_for_what_was_not_drawn() -> None:
    rows = said(corpus(90, 0))
    blind = {row.id for row in rows[:WEIGHED_FROM]}
    marked = [replace(row, is_sample=row.id in blind) for row in rows]
    weights = {each.order: each.weight for each in examples_of(scorer(), marked, {})}
    assert {order for order, weight in weights.items() if weight == 50} == blind
    assert set(weights.values()) == {1.0, 50.0}
    fewer = [replace(row, is_sample=row.id in sorted(blind)[1:]) for row in rows]
    assert {each.weight for each in examples_of(scorer(), fewer, {})} == {1.0}
    only = [replace(row, is_sample=True) for row in rows]
    assert {each.weight for each in examples_of(scorer(), only, {})} == {1.0}


def test_weights_change_what_is_measured_and_not_what_is_fitted() -> None:
    rows = examples(corpus(90, 30))
    heavy = [replace(row, weight=50.0 if i % 3 == 0 else 1.0) for i, row in enumerate(rows)]
    plain, weighed = (learn(each, Recipe(), seed=1) for each in (rows, heavy))
    assert fitted(rows, "stacked") == fitted(heavy, "stacked")
    assert (plain.figures.weighed, plain.figures.effective_n) == (0, 120)
    assert (weighed.figures.weighed, weighed.figures.effective_n) == (40, 43)
    assert weighed.figures != plain.figures


def test_undoing_a_word_gives_scores_equal_to_the_byte() -> None:
    texts = [Text(text) for text, _ in corpus(20, 20)]
    model = named(fitted(examples(corpus(120, 60)), "stacked"))
    before = [repr(score) for score in scorer().with_brand_model(model).score_batch(texts)]
    changed = named(replace(model, lexicon=lexicon_after(model, "trust", 0.0)))
    during = [repr(score) for score in scorer().with_brand_model(changed).score_batch(texts)]
    back = named(replace(changed, lexicon=lexicon_after(changed, "trust", None)))
    after = [repr(score) for score in scorer().with_brand_model(back).score_batch(texts)]
    assert during != before
    assert after == before


def test_a_word_weighs_as_told_and_no_other_does() -> None:
    old, new = scorer(), with_word(scorer(), None, "trust", -3.0)
    texts = [Text("trust us"), Text("a lovely lamp")]
    was, becomes = old.score_batch(texts), new.score_batch(texts)
    assert (was[0].label, becomes[0].label) == (Label.positive, Label.negative)
    assert (was[1].p_neg, was[1].compound) == (becomes[1].p_neg, becomes[1].compound)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_blind_sample_is_a_small_fixed_share(seed: int) -> None:
    drawn = {i for i in range(50_000) if is_drawn(i, seed=seed)}
    assert 800 < len(drawn) < 1_200
    assert drawn == {i for i in range(50_000) if is_drawn(i, seed=seed)}
    assert drawn != {i for i in range(50_000) if is_drawn(i, seed=seed + 1)}


def test_the_constants_keep_their_order() -> None:
    assert 1 < learning.FEW < MANY
