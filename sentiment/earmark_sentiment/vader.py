"""VADER as vaderSentiment 3.3.2 computes it: the same scores, in linear time, with their parts.

The lexicon and the emoji names are read from the installed package. The method is that of Hutto
and Gilbert (ICWSM 2014). What differs from the package is only the order of work: nothing but
the words of the lexicon is visited, and what is known of a word is remembered.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import compress, count
from math import sqrt

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from earmark_sentiment.valence import BOOSTERS, NEGATIONS, Mark, Marks, Neighbours

VERSION = "3.3.2"
_ALPHA = 15
# By how many "!", and how many "?", there are, four meaning any more.
_CALLED = tuple(number * 0.292 for number in range(5))
_ASKED = (0.0, 0.0, 2 * 0.18, 3 * 0.18, 0.96)
# Added and taken off again, it leaves the nearest whole number of any that is not huge.
_TO_WHOLE = 1.5 * 2.0**52
_NO_TIE = 0.499_999
# Among so few shares one is found faster by looking at each of them.
_FEW = 40
# So many words after it a word is still changed by one that is not inert.
_REACH = 3


@dataclass(slots=True)
class Analysis:
    """What VADER found in a text.

    `text` has its emojis written out and `words` are its parts between spaces. `at` are the
    places in `words` that the lexicon knows, in order, and `values` their final shares. `notes`
    hold the rules applied to each of them, in words; it stays empty unless asked for. `sources`
    say which character of the given text each one of `text` came from; empty if nothing moved.
    """

    text: str
    words: list[str]
    at: list[int]
    values: list[float]
    notes: list[list[str]]
    sources: list[int]

    @property
    def emphasis(self) -> tuple[float, float]:
        """Gives what the "!" and the "?" add, without sign."""
        return _emphasis(self.text)

    @property
    def total(self) -> float:
        """Gives the sum of the shares, with the punctuation on the side of the sum's sign."""
        return _emphasised(float(sum(self.values)), sum(self.emphasis))

    def scores(self) -> tuple[float, float, float, float]:
        """Gives the negative, neutral and positive share of the text, and the compound."""
        return _scores(self.text, len(self.words), self.values)


def _emphasis(text: str) -> tuple[float, float]:
    called = _CALLED[min(text.count("!"), 4)] if "!" in text else 0.0
    return called, _ASKED[min(text.count("?"), 4)] if "?" in text else 0.0


def _scores(text: str, words: int, values: list[float]) -> tuple[float, float, float, float]:
    if not values:
        return 0.0, 1.0 if words else 0.0, 0.0, 0.0
    called, asked = _emphasis(text)
    emphasis = called + asked
    positive = negative = 0.0
    neutral = words - len(values)
    for value in values:
        if value > 0:
            positive += value + 1
        elif value < 0:
            negative += value - 1
        else:
            neutral += 1
    if positive > -negative:
        positive += emphasis
    elif positive < -negative:
        negative -= emphasis
    total = positive - negative + neutral
    return (
        _rounded(-negative / total, 1e3, 3) if negative else 0.0,
        _rounded(neutral / total, 1e3, 3),
        _rounded(positive / total, 1e3, 3) if positive else 0.0,
        squash(_emphasised(sum(values), emphasis)),
    )


def _emphasised(total: float, emphasis: float) -> float:
    if total == 0:
        return total
    return total + emphasis if total > 0 else total - emphasis


class Vader:
    """Scores text by a lexicon of single words (lower case) and by the names of emojis."""

    def __init__(self, lexicon: dict[str, float], emojis: dict[str, str]) -> None:
        self.lexicon = lexicon
        self.emojis = emojis
        self._marks = Marks(lexicon)
        self._mark_of = self._marks.__getitem__

    def changed(self, words: Mapping[str, float]) -> "Vader":
        """Gives a scorer with other values for these words.

        A word at 0 is left out: in capitals, or behind "very", it would count again.
        """
        changed = {**self.lexicon, **words}
        return Vader({word: value for word, value in changed.items() if value}, self.emojis)

    def knows(self, word: str) -> bool:
        """Tells whether this word, in lower case, has any effect on a score."""
        return word in self.lexicon or word in BOOSTERS or word in NEGATIONS

    def polarity_scores(self, text: str) -> dict[str, float]:
        """Gives `neg`, `neu`, `pos` (shares, 3 places) and `compound` (-1 to 1, 4 places)."""
        if not text.isascii() and not self.emojis.keys().isdisjoint(text):
            text = _written_out(text, self.emojis)[0]
        words = text.split()
        _, values = _weighed(words, [*map(self._mark_of, words), None, None, None], None)
        negative, neutral, positive, compound = _scores(text, len(words), values)
        return {"neg": negative, "neu": neutral, "pos": positive, "compound": compound}

    def analyse(self, text: str, *, explain: bool = False) -> Analysis:
        """Gives the words of the lexicon with their shares, and with `explain` the rules too."""
        sources: list[int] = []
        if not text.isascii() and not self.emojis.keys().isdisjoint(text):
            text, sources = _written_out(text, self.emojis)
        words = text.split()
        notes: list[list[str]] = []
        marks = [*map(self._mark_of, words), None, None, None]
        at, values = _weighed(words, marks, notes if explain else None)
        return Analysis(text, words, at, values, notes, sources)


@cache
def installed() -> Vader:
    """Gives the scorer with the lexicon of the installed vaderSentiment; one for the process."""
    package = SentimentIntensityAnalyzer()
    return Vader(package.lexicon, package.emojis)


def polarity_scores(text: str) -> dict[str, float]:
    """Gives what vaderSentiment 3.3.2 gives: `neg`, `neu`, `pos` and `compound`."""
    return installed().polarity_scores(text)


def squash(total: float) -> float:
    """Gives the compound of a sum: `total / sqrt(total² + 15)`, rounded to 4 places."""
    return _rounded(total / sqrt(total * total + _ALPHA), 1e4, 4)


def _rounded(value: float, scale: float, places: int) -> float:
    """Gives `round(value, places)` for a value from -1 to 1, where `scale` is `10**places`.

    The nearest whole number divided by `scale` is the nearest of such decimals, and costs a
    fifth. What is close to a tie, or to a zero that has a sign, is left to `round`.
    """
    scaled = value * scale
    whole = scaled + _TO_WHOLE - _TO_WHOLE
    if whole and -_NO_TIE < scaled - whole < _NO_TIE:
        return whole / scale
    return round(value, places)


def _weighed(
    words: list[str], marks: list[Mark | None], notes: list[list[str]] | None
) -> tuple[list[int], list[float]]:
    """Gives the places of the lexicon's words and their shares; the rules go to `notes`."""
    near: Neighbours | None = None
    at: list[int] = []
    values: list[float] = []
    but = active = -_REACH - 1
    for i in compress(count(), marks):
        mark = marks[i]
        if mark is None:  # never: compress has left these out, at a third of the cost
            continue
        value = mark.valence
        if value is None:
            if not mark.is_inert:
                active = i
            elif but < 0 and mark.lower == "but":
                but = i
            continue
        note: list[str] | None = None
        if notes is not None:
            notes.append(note := [])
        if i - active <= _REACH or not mark.is_plain:
            near = near or Neighbours(words, marks)
            value = near.share(i, mark, value, note)
        if not mark.is_inert:
            active = i
        at.append(i)
        values.append(value)
    if but >= 0:
        _shift(at, values, notes, but)
    return at, values


def _written_out(text: str, emojis: dict[str, str]) -> tuple[str, list[int]]:
    """Puts the name of each emoji in its place; also says which character each one came from."""
    out: list[str] = []
    sources: list[int] = []
    after_space = True
    for i, char in enumerate(text):
        name = emojis.get(char)
        if name is None:
            out.append(char)
            sources.append(i)
            after_space = char == " "
        else:
            piece = name if after_space else f" {name}"
            out.append(piece)
            sources.extend([i] * len(piece))
            after_space = False
    return "".join(out), sources


def _shift(at: list[int], values: list[float], notes: list[list[str]] | None, but: int) -> None:
    """Halves what stands before the first "but" and strengthens by half what stands after.

    As in the original, where the word to change is looked up by its value: of two equal shares
    the first one is changed twice. In a long text a heap of places per value keeps that fast.
    """
    places: dict[float, list[int]] = {}
    if len(values) > _FEW:
        for place, value in enumerate(values):
            places.setdefault(value, []).append(place)
    for turn in range(len(values)):
        value = values[turn]
        if value == 0:
            continue
        place = places[value][0] if places else values.index(value)
        is_before = at[place] < but
        changed = value * (0.5 if is_before else 1.5)
        values[place] = changed
        if places:
            heapq.heappop(places[value])
            heapq.heappush(places.setdefault(changed, []), place)
        if notes:
            notes[place].append("before but ×0.5" if is_before else "after but ×1.5")
