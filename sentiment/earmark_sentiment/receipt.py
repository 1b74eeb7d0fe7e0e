"""Why a score is what it is: each word's share and the rules behind it, adding up to the total."""

import string

from earmark_core.model import Receipt, ReceiptPart
from earmark_sentiment.vader import Analysis, Vader, squash
from earmark_sentiment.valence import signed, stripped


def receipt(vader: Vader, prepared: str) -> Receipt:
    """Gives the parts of a prepared text's score, in the order of the text.

    The values of the words, added in order, and then that of the punctuation give `total`
    exactly. `compound` is the one that `vader.polarity_scores` gives. A word of the lexicon
    that came out as nothing is listed too, with the rule that took its value.
    """
    found = vader.analyse(prepared, explain=True)
    parts = [*_words(found, vader), *_punctuation(found)]
    return Receipt(prepared, tuple(parts), found.total, squash(found.total))


def _words(found: Analysis, vader: Vader) -> list[ReceiptPart]:
    parts = []
    spans = _spans(found)
    for i, value, rules in zip(found.at, found.values, found.notes, strict=True):
        word = stripped(found.words[i])
        start, end = spans[i]
        parts.append(
            ReceiptPart(word, value, vader.lexicon[word.lower()], tuple(rules), start, end)
        )
    return parts


def _spans(found: Analysis) -> dict[int, tuple[int, int]]:
    """Gives start and end in the prepared text of each word that the lexicon knows."""
    spans = {}
    wanted = set(found.at)
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
