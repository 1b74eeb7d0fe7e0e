"""Corrected mentions as examples to learn from."""

from collections.abc import Mapping, Sequence
from math import log

from earmark_core.model import Score
from earmark_sentiment.brand_model import Example
from earmark_sentiment.head import BrandModel
from earmark_sentiment.proposals import Learner
from earmark_sentiment.reading import Said

_NEAREST = 1e-15


def examples_of(
    scorer: Learner, said: Sequence[Said], lexicon: Mapping[str, float]
) -> list[Example]:
    """Gives the examples among what people said, with *lexicon* in force.

    Reviews with stars are left out, as the stars decide them, and what has no score.
    """
    shipped = scorer.with_brand_model(BrandModel("", lexicon=lexicon) if lexicon else None)
    asked = [each for each in said if each.text.rating is None]
    texts = [each.text for each in asked]
    return [
        Example(
            *_logits(score),
            numbers=tuple(features.numbers),
            words=tuple(features.words),
            label=each.label,
            order=each.id,
        )
        for each, text, score in zip(asked, texts, shipped.score_batch(texts), strict=True)
        if score.p_neg is not None
        for features in (shipped.features(text),)
    ]


def _logits(score: Score) -> tuple[float, float]:
    """Gives the two logits behind the probabilities: negative, and positive if not negative."""
    p_neg, p_neu, p_pos = score.p_neg or 0.0, score.p_neu or 0.0, score.p_pos or 0.0
    return _logit(p_neg, p_neu + p_pos), _logit(p_pos, p_neu)


def _logit(yes: float, no: float) -> float:
    return log(max(yes, _NEAREST)) - log(max(no, _NEAREST))
