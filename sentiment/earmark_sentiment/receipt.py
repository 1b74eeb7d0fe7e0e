"""Why a score is what it is: each word's share and the rules behind it, adding up to the total."""

import string
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from earmark_core.model import Cue, LogitPart, Receipt, ReceiptPart
from earmark_sentiment.features import Extractor, Features
from earmark_sentiment.vader import Analysis, Vader, squash
from earmark_sentiment.valence import signed, stripped

_FELT = 0.3


class Shares(Protocol):
    """A head, as scores and receipts need it."""

    def probabilities(self, features: Features) -> tuple[float, float, float]:
        """Gives the probabilities of negative, neutral and positive."""
        ...

    def parts(
        self, features: Features, spans: list[tuple[int, int]] | None = None
    ) -> list[LogitPart]:
        """Gives what the logit of "negative" is made of; the values add up to it."""
        ...


def receipt(vader: Vader, prepared: str) -> Receipt:
    """Gives the parts of a prepared text's score, in the order of the text.

    The values of the words, added in order, and then that of the punctuation give `total`
    exactly. `compound` is the one that `vader.polarity_scores` gives. A word of the lexicon
    that came out as nothing is listed too, with the rule that took its value.
    """
    found = vader.analyse(prepared, explain=True)
    parts = [*_words(found, vader), *_punctuation(found)]
    return Receipt(prepared, tuple(parts), found.total, squash(found.total))


def full_receipt(
    vader: Vader, extractor: Extractor, head: Shares, prepared: str, cues: Sequence[Cue]
) -> Receipt:
    """Gives the receipt of a text with the shares in the head's logit of "negative", and hints.

    The values of `logit_parts`, added in order, give `logit` exactly.
    """
    found = vader.analyse(prepared)
    features = extractor.of(found, cues)
    spans = _spans(found, range(len(found.words)))
    worded = [i for i, raw in enumerate(found.words) if extractor.plain(raw)]
    parts = tuple(head.parts(features, [spans[i] for i in worded]))
    return replace(
        receipt(vader, prepared),
        logit=sum(part.value for part in parts),
        logit_parts=parts,
        hints=hints(features, cues),
    )


def hints(features: Features, cues: Sequence[Cue]) -> tuple[str, ...]:
    """Gives what a person should look at twice; no score follows from it."""
    sentences = features.sentences
    found = []
    if sentences.lowest <= -_FELT and sentences.highest >= _FELT:
        found.append("mixed: one sentence praises, another complains")
    is_complaint = any(cue.kind == "complaint" for cue in cues)
    if features.compound >= _FELT and is_complaint:
        found.append("maybe sarcasm: kind words beside a complaint")
    return tuple(found)


def _words(found: Analysis, vader: Vader) -> list[ReceiptPart]:
    parts = []
    spans = _spans(found, found.at)
    for i, value, rules in zip(found.at, found.values, found.notes, strict=True):
        word = stripped(found.words[i])
        start, end = spans[i]
        parts.append(
            ReceiptPart(word, value, vader.lexicon[word.lower()], tuple(rules), start, end)
        )
    return parts


def _spans(found: Analysis, places: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Gives start and end in the prepared text of the words at these places."""
    spans = {}
    wanted = set(places)
    position = 0
    for i, raw in enumerate(found.words):
        begin = found.text.index(raw, position)
        position = begin + len(raw)
        if i not in wanted:
            continue
        word = stripped(raw)
        if word != raw:
            begin += len(raw) - len(raw.lstrip(string.punctuation))
        end = begin + len(word)
        if found.sources:
            begin, end = found.sources[begin], found.sources[end - 1] + 1
        spans[i] = (begin, end)
    return spans


def _punctuation(found: Analysis) -> list[ReceiptPart]:
    exclaimed, asked = found.emphasis
    side = sum(found.values)
    if side == 0 or exclaimed + asked == 0:
        return []
    sign = 1 if side > 0 else -1
    rules = []
    if exclaimed:
        rules.append(f"{min(found.text.count('!'), 4)} × ! {signed(sign * exclaimed)}")
    if asked:
        rules.append(f"{found.text.count('?')} × ? {signed(sign * asked)}")
    word = ("!" if exclaimed else "") + ("?" if asked else "")
    return [ReceiptPart(word, sign * (exclaimed + asked), 0.0, tuple(rules))]
