"""Corrected mentions as examples to learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log

from earmark_core.model import Score
from earmark_sentiment.brand_model import Example
from earmark_sentiment.head import BrandModel
from earmark_sentiment.proposals import Learner
from earmark_sentiment.reading import Said
from earmark_sentiment.sampling import SHARE

WEIGHED_FROM = 30
"""From this many labels of the blind sample on, each stands for those that were not drawn."""
_NEAREST = 1e-15


def examples_of(
    scorer: Learner, said: Sequence[Said], lexicon: Mapping[str, float]
) -> list[Example]:
    """Gives the examples among what people said, with *lexicon* in force.

    Reviews with stars are left out, as the stars decide them, and what has no score.

    People correct mostly what was queued, so a label of the blind sample weighs `1 / SHARE` as
    much as another one: it stands for all that the queue passed by (Horvitz and Thompson 1952).
    That is exact where people get through the same part of both, and nearer than equal weights
    elsewhere. Below `WEIGHED_FROM` such labels, or with nothing beside them, all weigh the same:
    each of a handful would outvote fifty others.
    """
    shipped = scorer.with_brand_model(BrandModel("", lexicon=lexicon) if lexicon else None)
    asked = [each for each in said if each.text.rating is None]
    texts = [each.text for each in asked]
    found = [
        (each.is_sample, _example(shipped, each, score))
        for each, score in zip(asked, shipped.score_batch(texts), strict=True)
        if score.p_neg is not None
    ]
    blind = sum(is_sample for is_sample, _ in found)
    heavy = 1 / SHARE if WEIGHED_FROM <= blind < len(found) else 1.0
    return [
        replace(example, weight=heavy) if is_sample else example for is_sample, example in found
    ]


def _example(scorer: Learner, each: Said, score: Score) -> Example:
    features = scorer.features(each.text)
    return Example(
        *_logits(score),
        numbers=tuple(features.numbers),
        words=tuple(features.words),
        label=each.label,
        order=each.id,
    )


def _logits(score: Score) -> tuple[float, float]:
    """Gives the two logits behind the probabilities: negative, and positive if not negative."""
    p_neg, p_neu, p_pos = score.p_neg or 0.0, score.p_neu or 0.0, score.p_pos or 0.0
    return _logit(p_neg, p_neu + p_pos), _logit(p_pos, p_neu)


def _logit(yes: float, no: float) -> float:
    return log(max(yes, _NEAREST)) - log(max(no, _NEAREST))
