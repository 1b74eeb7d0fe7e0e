"""VADER as vaderSentiment 3.3.2 computes it: the same scores, in linear time, with their parts.

The lexicon and the emoji names are read from the installed package. The method is that of Hutto
and Gilbert (ICWSM 2014). What differs from the package is only the order of work: nothing but
the words of the lexicon is visited, and what is known of a word is remembered.
"""

import heapq
import math
from dataclasses import dataclass
from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from earmark_sentiment.valence import BOOSTERS, NEGATIONS, Mark, Marks, Neighbours

VERSION = "3.3.2"
_ALPHA = 15
_EXCLAMATION = 0.292
_QUESTION = 0.18
_MANY_QUESTIONS = 0.96


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
        return _punctuation(self.text)

    @property
    def total(self) -> float:
        """Gives the sum of the shares, with the punctuation on the side of the sum's sign."""
        total = float(sum(self.values))
        if total == 0:
            return total
        exclaimed, asked = self.emphasis
        emphasis = exclaimed + asked
        return total + emphasis if total > 0 else total - emphasis


class Vader:
    """Scores text by a lexicon of single words (lower case) and by the names of emojis."""

    def __init__(self, lexicon: dict[str, float], emojis: dict[str, str]) -> None:
        self.lexicon = lexicon
        self.emojis = emojis
        self._marks = Marks(lexicon)

    def knows(self, word: str) -> bool:
        """Tells whether this word, in lower case, has any effect on a score."""
        return word in self.lexicon or word in BOOSTERS or word in NEGATIONS

    def polarity_scores(self, text: str) -> dict[str, float]:
        """Gives `neg`, `neu`, `pos` (shares, 3 places) and `compound` (-1 to 1, 4 places)."""
        found = self.analyse(text)
        if not found.words:
            return {"neg": 0.0, "neu": 0.0, "pos": 0.0, "compound": 0.0}
        if not found.at:
            return {"neg": 0.0, "neu": 1.0, "pos": 0.0, "compound": 0.0}
        negative, neutral, positive = _shares(found)
        return {
            "neg": round(negative, 3),
            "neu": round(neutral, 3),
            "pos": round(positive, 3),
            "compound": squash(found.total),
        }

    def analyse(self, text: str, *, explain: bool = False) -> Analysis:
        """Gives the words of the lexicon with their shares, and with `explain` the rules too."""
        sources: list[int] = []
        if not text.isascii() and not self.emojis.keys().isdisjoint(text):
            text, sources = _written_out(text, self.emojis)
        words = text.split()
        marks = list(map(self._marks.__getitem__, words))
        marked = [(i, mark) for i, mark in enumerate(marks) if mark is not None]
        at = [i for i, mark in marked if mark.valence is not None]
        found = Analysis(text, words, at, [], [], sources)
        if at:
            capitals = len([i for i, mark in marked if mark.is_upper])
            near = Neighbours(words, marks, 0 < capitals < len(words))
            self._weigh(found, near, marked, explain=explain)
        return found

    def _weigh(
        self, found: Analysis, near: Neighbours, marked: list[tuple[int, Mark]], *, explain: bool
    ) -> None:
        for i, mark in marked:
            if mark.valence is None:
                continue
            note: list[str] | None = None
            if explain:
                note = []
                found.notes.append(note)
            found.values.append(near.share(i, mark, mark.valence, note))
        if "but" in found.text.lower():
            but = next((i for i, mark in marked if mark.lower == "but"), None)
            if but is not None:
                _shift(found, but)


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
    return round(total / math.sqrt(total * total + _ALPHA), 4)


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


def _punctuation(text: str) -> tuple[float, float]:
    questions = text.count("?")
    asked = questions * _QUESTION if questions > 1 else 0.0
    if questions > 3:
        asked = _MANY_QUESTIONS
    return min(text.count("!"), 4) * _EXCLAMATION, asked


def _shares(found: Analysis) -> tuple[float, float, float]:
    """Gives the negative, neutral and positive share of the text; each adds up to 1."""
    positive = negative = 0.0
    neutral = len(found.words) - len(found.values)
    for value in found.values:
        if value > 0:
            positive += value + 1
        elif value < 0:
            negative += value - 1
        else:
            neutral += 1
    emphasis = sum(found.emphasis)
    if positive > -negative:
        positive += emphasis
    elif positive < -negative:
        negative -= emphasis
    total = positive - negative + neutral
    return abs(negative / total), neutral / total, positive / total


def _shift(found: Analysis, but: int) -> None:
    """Halves what stands before the first "but" and strengthens by half what stands after.

    As in the original, where the word to change is looked up by its value: of two equal shares
    the first one is changed twice. A heap of places per value keeps that fast.
    """
    at, values, notes = found.at, found.values, found.notes
    places: dict[float, list[int]] = {}
    for place, value in enumerate(values):
        places.setdefault(value, []).append(place)
    for turn in range(len(values)):
        value = values[turn]
        if value == 0:
            continue
        place = heapq.heappop(places[value])
        if at[place] == but:
            heapq.heappush(places[value], place)
            continue
        is_before = at[place] < but
        changed = value * (0.5 if is_before else 1.5)
        values[place] = changed
        heapq.heappush(places.setdefault(changed, []), place)
        if notes:
            notes[place].append("before but ×0.5" if is_before else "after but ×1.5")
