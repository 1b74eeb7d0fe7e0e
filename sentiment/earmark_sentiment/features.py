"""A prepared text in numbers: what VADER found in it, sentence by sentence, and what it looks like.

The numbers say the same of a tweet and of a film review, so what is learned from them on one kind
of text holds for another. The words themselves go with them as one- and two-word grams.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from math import log1p
from typing import NamedTuple, TypeVar

from earmark_core.model import Cue
from earmark_sentiment.smallsigns import SMALL
from earmark_sentiment.vader import Analysis, Vader, squash
from earmark_sentiment.valence import NEGATIONS, stripped

FEATURES_VERSION = 1
NAMES = (
    "compound",
    "negative share",
    "neutral share",
    "positive share",
    "lowest sentence",
    "highest sentence",
    "first sentence",
    "last sentence",
    "mean sentence",
    "words of the lexicon, positive",
    "words of the lexicon, negative",
    "no word of the lexicon",
    "negations",
    "problem words",
    "!",
    "?",
    "capitals",
    "length",
    "digits",
    "compound by length",
    "sign: complaint",
    "sign: question",
    "sign: request",
    "sign: praise",
    "sign: urgent",
)
"""What each of the numbers is, in order; shown in a receipt."""

_SPEECH = {"complaint": 20, "question": 21, "request": 22, "lead": 21, "praise": 23}
_URGENT_SIGN = 24
_NO_SIGNS = (0.0,) * 5

# Words of trouble with goods and services. Most are not in VADER's lexicon.
_PROBLEMS = frozenset(
    re.findall(
        r"\S+",
        """
        refund refunds refunded waiting waited wait late delay delays delayed cancel cancelled
        canceled cancelling cancellation hold crash crashes crashed crashing freeze freezes froze
        broken broke break breaks missing lost lose stuck error errors bug bugs buggy glitch
        glitches issue issues problem problems complaint charged overcharged billed return
        returned returning returns defective faulty dead died dies slow unable stopped stops
        failed fails fail failing failure wrong damaged poor poorly waste wasted garbage junk
        trash rude worst worse unresponsive disconnect disconnects uninstall uninstalled useless
        scam ignored nobody hung leak leaks leaking dirty cold overpriced disappointed
        disappointing disappointment unacceptable outage down offline blocked expired declined
        rejected stolen ruined cheap cheaply flimsy tore torn ripped cracked peeled shrunk faded
        tight loose burnt stale bland soggy dry hours hour ago still again yet
        """,
    )
)
_REMEMBERED = 40_000
_LONGEST_REMEMBERED = 40
# Each count has sixteen bits of one sum; a text holds at most 10,000 characters.
_Known = TypeVar("_Known")
_LANE = 16
_NEGATES, _TROUBLES, _SHOUTS, _COUNTS = (1 << _LANE * i for i in range(4))
_MASK = (1 << _LANE) - 1


class Sentences(NamedTuple):
    """The compound of the sentences of one text: the lowest, the mean and the last."""

    lowest: float
    mean: float
    last: float
    highest: float
    first: float
    number: int


class Features(NamedTuple):
    """What the head is given: `numbers` in the order of `NAMES`, and the words in lower case."""

    numbers: list[float]
    words: Sequence[str]
    compound: float
    sentences: Sentences


class _Plain(dict[str, str]):
    """Words as they stand in texts to their plain form; keeps the latest, up to a bound."""

    def __missing__(self, raw: str) -> str:
        lower = stripped(raw).lower().strip("'\"().,!?;:")
        plain = "0" if any(map(str.isdigit, raw)) else lower
        _keep(self, raw, plain)
        return plain


class _Counts(dict[str, int]):
    """Words as they stand in texts to what they add to the counts; bounded likewise."""

    def __missing__(self, raw: str) -> int:
        word = stripped(raw)
        lower = word.lower().strip("'\"().,!?;:")
        counts = 0
        if lower in NEGATIONS or "n't" in lower:
            counts += _NEGATES
        if lower in _PROBLEMS:
            counts += _TROUBLES
        if len(word) > 1 and word.isupper():
            counts += _SHOUTS
        if any(map(str.isdigit, word)):
            counts += _COUNTS
        _keep(self, raw, counts)
        return counts


def _keep(known: dict[str, _Known], raw: str, value: _Known) -> None:
    if len(raw) <= _LONGEST_REMEMBERED:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[raw] = value


class Extractor:
    """Gives texts their features; keeps what it knows of single words."""

    def __init__(self, vader: Vader) -> None:
        self._vader = vader
        self._plain_of = _Plain().__getitem__
        self._counts_of = _Counts().__getitem__

    def plain(self, raw: str) -> str:
        """Gives a word as the grams have it, empty for mere punctuation."""
        return self._plain_of(raw)

    def features(self, prepared: str, cues: Sequence[Cue] = ()) -> Features:
        """Gives the features of a prepared text with the signs that were found in it."""
        return self.of(self._vader.analyse(prepared), cues)

    def of(self, found: Analysis, cues: Sequence[Cue] = ()) -> Features:
        """Gives the features of a text that VADER has been through."""
        negative, neutral, positive, compound = found.scores()
        counts = sum(map(self._counts_of, found.words))
        sentences = sentences_of(found, compound)
        words = len(found.words)
        length = log1p(words)
        high = sum([value for value in found.values if value > 0])
        low = sum([value for value in found.values if value < 0])
        numbers = [
            compound,
            negative,
            neutral,
            positive,
            sentences.lowest,
            sentences.highest,
            sentences.first,
            sentences.last,
            sentences.mean,
            log1p(high),
            log1p(-low),
            0.0 if found.values else 1.0,
            (counts & _MASK) / (words + 3),
            log1p(counts >> _LANE & _MASK),
            log1p(min(4, found.text.count("!"))),
            log1p(min(4, found.text.count("?"))),
            (counts >> 2 * _LANE & _MASK) / (words + 3),
            length,
            log1p(counts >> 3 * _LANE),
            compound * length,
            *_NO_SIGNS,
        ]
        for cue in cues:
            if cue.words.startswith(SMALL):
                continue
            numbers[_SPEECH.get(cue.kind, _URGENT_SIGN)] = 1.0
        return Features(
            numbers, list(filter(None, map(self._plain_of, found.words))), compound, sentences
        )


def grams_of(words: Sequence[str]) -> list[str]:
    """Gives the single words and the pairs of neighbours, in that order."""
    return [*words, *map(" ".join, pairwise(words))]


def sentences_of(found: Analysis, compound: float) -> Sentences:
    """Gives the compounds of the sentences; a text of one sentence has that of the text.

    A sentence ends with a word that ends in ".", "!" or "?". Its share of the punctuation is
    left out.
    """
    text = found.text
    if not found.values or not (". " in text or "! " in text or "? " in text):
        return Sentences(compound, compound, compound, compound, compound, 1)
    ends = [i for i, word in enumerate(found.words) if word[-1] in ".!?"]
    last_word = len(found.words) - 1
    if ends[-1] != last_word:
        ends.append(last_word)
    totals = [0.0] * len(ends)
    place = 0
    for i, value in zip(found.at, found.values, strict=True):
        while i > ends[place]:
            place += 1
        totals[place] += value
    compounds = [squash(total) if total else 0.0 for total in totals]
    return Sentences(
        min(compounds),
        sum(compounds) / len(compounds),
        compounds[-1],
        max(compounds),
        compounds[0],
        len(compounds),
    )
