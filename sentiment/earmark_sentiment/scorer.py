"""A text to its score: honest about what it cannot judge, and never an exception."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Protocol, runtime_checkable

from earmark_core.model import Cue, Label, Receipt, Score, ScoreStatus, Text
from earmark_sentiment.complaint import CUES_VERSION, cues_of
from earmark_sentiment.features import Extractor, Features
from earmark_sentiment.head import BrandModel, Head, shipped
from earmark_sentiment.language import ENGLISH, Language, has_words, identify
from earmark_sentiment.prepare import PREP_VERSION, prepare
from earmark_sentiment.receipt import Shares, full_receipt, receipt
from earmark_sentiment.stars import PLEASED, contradicts, label_of_rating, stars_of
from earmark_sentiment.vader import VERSION, Vader, installed

Identify = Callable[[str, str, Callable[[str], bool]], Language]
Asked = tuple[str, Language, float | None]
"""A prepared English text with its language and rating."""

_TOGETHER = 256
_CUT = 0.05
_STEEPNESS = 4.0
_KNOWN = Language(ENGLISH, 1.0, is_english=True)
_STAR_CUT = 0.25
_STAR_STEEPNESS = 6.0


@runtime_checkable
class Scorer(Protocol):
    """Gives texts their scores; a team can bring its own, see `earmark_sentiment.plugins`."""

    model_id: str

    def score_batch(self, texts: Sequence[Text]) -> list[Score]:
        """Gives one score per text, in the same order; raises for no text."""
        ...

    def explain(self, text: Text) -> Receipt:
        """Gives the words behind the compound of this text's score."""
        ...


class VaderScorer:
    """Scores English by VADER on prepared text, and reviews by their stars.

    `unscored_empty` has no word in it beside addresses, names and emojis; `unscored_language` is
    another language or too short to tell. A rated review is scored by its rating whatever its
    text; its `compound` is None unless the text is English. Cues are looked for in English only.

    The three probabilities are a fixed monotone map of the compound, or of the stars, and are not
    calibrated on anything: `softmax(-4c, 0.2, 4c)`, whose greatest is always that of the label.
    """

    model_id = f"vader-{VERSION}+prep-{PREP_VERSION}+cues-{CUES_VERSION}"

    def __init__(self, identify: Identify = identify) -> None:
        self._vader: Vader = installed()
        self._identify = identify

    def score_batch(self, texts: Sequence[Text]) -> list[Score]:
        """Gives one score per text, in the same order; raises for no text."""
        scores: list[Score] = []
        for start in range(0, len(texts), _TOGETHER):
            scores += self._together(texts[start : start + _TOGETHER])
        return scores

    def score_english(self, texts: Sequence[Text]) -> list[Score]:
        """Gives the scores of passages of English texts by their words alone.

        The language is not asked for again: two words could not tell it.
        """
        return self._scored([(self._prepared(text), _KNOWN, None) for text in texts])

    def explain(self, text: Text) -> Receipt:
        """Gives the receipt of the prepared text, whether or not the text is scored."""
        return receipt(self._vader, self._prepared(text))

    def _prepared(self, text: Text) -> str:
        return prepare(text.text, text.names, self._vader.knows)

    def _together(self, texts: Sequence[Text]) -> list[Score]:
        """Scores texts step by step, all at each step: what a step needs stays at hand."""
        prepared = [self._prepared(text) for text in texts]
        ratings = [stars_of(text.rating) for text in texts]
        languages = list(map(self._language, texts, prepared))
        english = [
            (one, language, rating)
            for one, language, rating in zip(prepared, languages, ratings, strict=True)
            if language is not None and language.is_english
        ]
        scored = iter(self._scored(english))
        return [
            next(scored)
            if language is not None and language.is_english
            else self._unscored(text, language)
            if rating is None
            else self._rated(rating, language)
            for text, language, rating in zip(texts, languages, ratings, strict=True)
        ]

    def _language(self, text: Text, prepared: str) -> Language | None:
        """Gives the language, None where there is no word."""
        if not has_words(prepared):
            return None
        return self._identify(prepared, text.lang, self._vader.lexicon.__contains__)

    def _unscored(
        self,
        text: Text,  # noqa: ARG002 - a scorer with other languages looks at it
        language: Language | None,
    ) -> Score:
        code, confidence = (language.code, language.confidence) if language else ("", None)
        status = ScoreStatus.unscored_language if language else ScoreStatus.unscored_empty
        return Score(status, lang=code, lang_confidence=confidence, model_id=self.model_id)

    def _scored(self, asked: Sequence[Asked]) -> list[Score]:
        return [self._by_compound(*one) for one in asked]

    def _by_compound(self, prepared: str, language: Language, rating: float | None) -> Score:
        compound = self._vader.polarity_scores(prepared)["compound"]
        by_text = spread_of_compound(compound)
        negative, neutral, positive = by_text if rating is None else _of_stars(rating)
        return Score(
            ScoreStatus.scored,
            label=label_of(compound) if rating is None else label_of_rating(rating),
            p_neg=negative,
            p_neu=neutral,
            p_pos=positive,
            compound=compound,
            lang=language.code,
            lang_confidence=language.confidence,
            model_id=self.model_id,
            cues=_cues(prepared, rating),
            rated=rating is not None,
        )

    def _rated(self, rating: float, language: Language | None) -> Score:
        negative, neutral, positive = _of_stars(rating)
        return Score(
            ScoreStatus.scored,
            label=label_of_rating(rating),
            p_neg=negative,
            p_neu=neutral,
            p_pos=positive,
            lang=language.code if language else "",
            lang_confidence=language.confidence if language else None,
            model_id=self.model_id,
            rated=True,
        )


class HeadScorer(VaderScorer):
    """Scores English by the head on VADER's features, and reviews by their stars.

    Like `VaderScorer`, but the probabilities are the head's, calibrated on kinds of text that it
    was not trained on, and the label is the likeliest. `compound` stays VADER's own. A brand's
    model changes both, see `with_brand_model`.
    """

    def __init__(
        self,
        head: Head | None = None,
        *,
        languages: Mapping[str, Scorer] | None = None,
        identify: Identify = identify,
    ) -> None:
        """Takes the shipped head if none is given.

        `languages` holds scorers by language code for unrated texts surely in that language.
        """
        super().__init__(identify)
        self._head = head or shipped()
        self._languages = dict(languages or {})
        brand = self._head.brand
        if brand is not None and brand.lexicon:
            self._vader = self._vader.changed(brand.lexicon)
        self._extractor = Extractor(self._vader)
        parts = (self._head.model_id, f"vader-{VERSION}", f"prep-{PREP_VERSION}")
        self.model_id = "+".join((*parts, f"cues-{CUES_VERSION}"))

    def with_brand_model(self, brand: BrandModel | None) -> "HeadScorer":
        """Gives a scorer with what was learned for a brand; None takes it off again."""
        head = self._head.with_brand_model(brand)
        return HeadScorer(head, languages=self._languages, identify=self._identify)

    def features(self, text: Text) -> Features:
        """Gives what the head sees of a text, whatever its language; for learning."""
        prepared = self._prepared(text)
        return self._extractor.features(prepared, _cues(prepared, stars_of(text.rating)))

    def explain(self, text: Text) -> Receipt:
        """Gives the receipt of the prepared text, whether or not the text is scored.

        It explains the words even where stars outrank them.
        """
        prepared = self._prepared(text)
        cues = _cues(prepared, stars_of(text.rating))
        (head,) = self._heads([prepared])
        return full_receipt(self._vader, self._extractor, head, prepared, cues)

    def _scored(self, asked: Sequence[Asked]) -> list[Score]:
        cues = [_cues(prepared, rating) for prepared, _, rating in asked]
        found = [self._vader.analyse(prepared) for prepared, _, _ in asked]
        features = list(map(self._extractor.of, found, cues))
        heads = self._heads([prepared for prepared, _, _ in asked])
        by_text = [head.probabilities(each) for head, each in zip(heads, features, strict=True)]
        return list(map(self._score, asked, cues, features, by_text))

    def _heads(self, prepared: Sequence[str]) -> Iterator[Shares]:
        """Gives the head for each of these texts."""
        return repeat(self._head, len(prepared))

    def _score(
        self,
        asked: Asked,
        cues: tuple[Cue, ...],
        features: Features,
        by_text: tuple[float, float, float],
    ) -> Score:
        _, language, rating = asked
        negative, neutral, positive = by_text if rating is None else _of_stars(rating)
        sentences = features.sentences
        return Score(
            ScoreStatus.scored,
            label=likeliest(*by_text) if rating is None else label_of_rating(rating),
            p_neg=negative,
            p_neu=neutral,
            p_pos=positive,
            compound=features.compound,
            lang=language.code,
            lang_confidence=language.confidence,
            model_id=self.model_id,
            cues=cues,
            rated=rating is not None,
            sentences=(
                (sentences.lowest, sentences.mean, sentences.last) if sentences.number > 1 else None
            ),
            is_conflict=rating is not None and contradicts(rating, by_text[0], by_text[2]),
        )

    def _unscored(self, text: Text, language: Language | None) -> Score:
        other = self._languages.get(language.code) if language else None
        return other.score_batch([text])[0] if other else super()._unscored(text, language)


def likeliest(negative: float, neutral: float, positive: float) -> Label:
    """Gives the label of the greatest probability; of equal ones negative, then positive."""
    if negative >= max(neutral, positive):
        return Label.negative
    return Label.positive if positive >= neutral else Label.neutral


def label_of(compound: float) -> Label:
    """Gives the label by the cuts that VADER's authors recommend, -0.05 and 0.05."""
    if compound <= -_CUT:
        return Label.negative
    return Label.positive if compound >= _CUT else Label.neutral


def _cues(prepared: str, rating: float | None) -> tuple[Cue, ...]:
    return cues_of(prepared, is_praise=rating is not None and rating > PLEASED)


def _of_stars(rating: float) -> tuple[float, float, float]:
    return _spread((rating - 3) / 2, _STAR_CUT, _STAR_STEEPNESS)


def spread_of_compound(compound: float) -> tuple[float, float, float]:
    """Gives the probabilities that `VaderScorer` gives for a compound."""
    return _spread(compound, _CUT, _STEEPNESS)


def _spread(position: float, cut: float, steepness: float) -> tuple[float, float, float]:
    """Gives the probabilities of negative, neutral, positive for a position from -1 to 1.

    At `-cut` and `cut` two of them are equal.
    """
    weights = [math.exp(steepness * at) for at in (-position, cut, position)]
    negative, _, positive = (weight / sum(weights) for weight in weights)
    return negative, 1 - negative - positive, positive
