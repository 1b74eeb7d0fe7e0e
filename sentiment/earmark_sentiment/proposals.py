"""Words that weigh wrongly for a brand: what a change would fix, break and move, measured."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from earmark_core.model import Label, Receipt, Score, Text
from earmark_sentiment.features import Features
from earmark_sentiment.head import BrandModel

_TRIED = 12
_LEAST_GAIN = 2
_LOOKED_FOR = 200
_LIMIT = 2_000
"""As many texts are looked at for proposals, so that their time is bounded."""


@runtime_checkable
class Learner(Protocol):
    """A scorer that can be given what was learned for a brand."""

    model_id: str

    def with_brand_model(self, brand: BrandModel | None) -> "Learner":
        """Gives a scorer with what was learned for a brand; None takes it off again."""
        ...

    def features(self, text: Text) -> Features:
        """Gives what the scorer sees of a text."""
        ...

    def score_batch(self, texts: Sequence[Text]) -> list[Score]:
        """Gives one score per text, in the same order."""
        ...

    def explain(self, text: Text) -> Receipt:
        """Gives the words behind a score."""
        ...


@dataclass(frozen=True, slots=True)
class Corrected:
    """A text with the label that a person gave it."""

    text: Text
    label: Label


@dataclass(frozen=True, slots=True)
class Effect:
    """What another value of a word would do for a brand.

    `before` is the value in force, None for a word that has none; `after` None gives it back to
    the lexicon. Of `corrected` corrected mentions that hold the word it would fix `fixes` and
    break `breaks`; of `looked_at` mentions that nobody corrected it would give `changes` another
    label.
    """

    word: str
    before: float | None
    after: float | None
    corrected: int
    fixes: int
    breaks: int
    changes: int
    looked_at: int

    @property
    def gain(self) -> int:
        """Gives how many more of the corrected mentions would be right."""
        return self.fixes - self.breaks

    @property
    def words(self) -> str:
        """Gives the proposal in one line for a person."""
        return (
            f"“{self.word}” {_value(self.before)} → {_value(self.after)}: fixes {self.fixes} of "
            f"{self.corrected} corrected, breaks {self.breaks}, changes {self.changes:,} of "
            f"{self.looked_at:,} others"
        )


def _value(value: float | None) -> str:
    if value is None:
        return "as in the lexicon"
    return f"{value:+.1f}".replace("-", "−") if value else "0"


def lexicon_after(model: BrandModel | None, word: str, after: float | None) -> Mapping[str, float]:
    """Gives the brand's words with this one changed; None gives it back to the lexicon."""
    lexicon = dict(model.lexicon) if model else {}
    lexicon.pop(word, None)
    return lexicon if after is None else {**lexicon, word: after}


def with_word(scorer: Learner, model: BrandModel | None, word: str, after: float | None) -> Learner:
    """Gives the scorer with the brand's model in which one word weighs something else."""
    changed = replace(model or BrandModel(""), lexicon=lexicon_after(model, word, after))
    return scorer.with_brand_model(changed)


def measure(
    scorer: Learner,
    model: BrandModel | None,
    word: str,
    after: float | None,
    corrected: Sequence[Corrected],
    others: Sequence[Text],
) -> Effect:
    """Gives what the change would do; only texts that hold the word's letters are looked at."""
    old, new = scorer.with_brand_model(model), with_word(scorer, model, word, after)
    holding = [each for each in corrected if _holds(each.text, word)]
    texts = [each.text for each in holding]
    fixes = breaks = 0
    for each, was, becomes in zip(
        holding, old.score_batch(texts), new.score_batch(texts), strict=True
    ):
        fixes += was.label is not each.label and becomes.label is each.label
        breaks += was.label is each.label and becomes.label is not each.label
    apart = [text for text in others if _holds(text, word)]
    pairs = zip(old.score_batch(apart), new.score_batch(apart), strict=True)
    return Effect(
        word=word,
        before=_in_force(old, [*texts, *apart], word),
        after=after,
        corrected=len(holding),
        fixes=fixes,
        breaks=breaks,
        changes=sum(was.label is not becomes.label for was, becomes in pairs),
        looked_at=len(others),
    )


def _holds(text: Text, word: str) -> bool:
    return word in text.text.lower()


def _in_force(scorer: Learner, texts: Sequence[Text], word: str) -> float | None:
    """Gives the value of the word, read from the first receipt that names it."""
    for text in texts[:_LOOKED_FOR]:
        for part in scorer.explain(text).parts:
            if part.word.lower() == word:
                return part.lexicon
    return None


def propose(
    scorer: Learner,
    model: BrandModel | None,
    corrected: Sequence[Corrected],
    others: Sequence[Text],
    *,
    limit: int = 5,
) -> tuple[Effect, ...]:
    """Gives words that are better worth something else for this brand, the greatest gain first.

    Tried are the words that pull the wrong way in the newest 2,000 mentions that people judged:
    first worth nothing; where that breaks something, half; where that leaves some wrong, the
    opposite. Another value than 0 is proposed only if it gains more and breaks no more. What
    gains fewer than two mentions is not proposed.
    """
    newest = corrected[-_LIMIT:]
    effects = [
        _best(scorer, model, word, newest)
        for word in _suspects(scorer.with_brand_model(model), newest)
    ]
    good = [effect for effect in effects if effect.gain >= _LEAST_GAIN]
    good.sort(key=lambda effect: (-effect.gain, effect.breaks, effect.word))
    return tuple(
        measure(scorer, model, effect.word, effect.after, newest, others) for effect in good[:limit]
    )


def _best(
    scorer: Learner, model: BrandModel | None, word: str, corrected: Sequence[Corrected]
) -> Effect:
    """Gives the best of at most three values of a word, 0 unless another one is better."""
    best = measure(scorer, model, word, 0.0, corrected, ())
    value = best.before
    if not value:
        return best
    tried = [round(value / 2, 1)] if best.breaks else []
    if best.fixes < best.corrected:
        tried.append(-value)
    for after in tried:
        effect = measure(scorer, model, word, after, corrected, ())
        if effect.gain > best.gain and effect.breaks <= best.breaks:
            best = effect
    return best


def _suspects(scorer: Learner, corrected: Sequence[Corrected]) -> list[str]:
    scores = scorer.score_batch([each.text for each in corrected])
    counts: Counter[str] = Counter()
    for each, score in zip(corrected, scores, strict=True):
        if score.label is None or score.rated or score.label is each.label:
            continue
        counts.update(
            {
                part.word.lower()
                for part in scorer.explain(each.text).parts
                if _pulls(part.lexicon, score.label, each.label)
            }
        )
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [word for word, count in ranked if count >= _LEAST_GAIN][:_TRIED]


def _pulls(value: float, machine: Label, person: Label) -> bool:
    """Tells whether a word of this value pulls from the person's label towards the machine's."""
    towards = list(Label).index(machine) - list(Label).index(person)
    return value * towards > 0
