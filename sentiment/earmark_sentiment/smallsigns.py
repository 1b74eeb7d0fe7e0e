"""Complaints without a word of complaint: small signs that are weighed together, each named.

"My points went from 40,000 to zero overnight" holds no cue. What it holds is something of the
brand's that the writer has, a time, a number, and no kind word. The words stand in `signs.txt`.
What each kind of word is worth is in `sign-weights.json`: a logistic regression on the mentions
written for this project, less those that are judged (`python -m benchmarks.answertraining`).
"""

import json
import string
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from math import log1p
from typing import NamedTuple

SMALL = "small signs: "
"""What the words of such a complaint begin with."""

KINDS = (
    "goods",
    "pointing",
    "done",
    "turn",
    "small",
    "trouble",
    "kind",
    "joyful",
    "calm",
    "leisure",
    "promotion",
    "news",
    "wish",
    "buying",
    "asking",
    "self",
    "addressed",
    "others",
    "time",
    "contrast",
    "number",
    "n't",
    "ends in -ing",
    "ends in -ed",
)
"""What a word can be; all but the last four are sections of `signs.txt`."""
SHAPES = ("certain goods", "somebody did", "?", "!")
"""What else is seen of a text: goods with a pointing word before them, "you took", its look."""
CUES = (
    "complaint",
    "mention",
    "question",
    "request",
    "lead",
    "praise",
    "safety",
    "legal",
    "money",
    "churn",
    "outage",
    "press",
    "headline",
    "advert",
    "personal",
    "turning",
    "solved",
)
"""The sections of `cues.txt` of which something was found."""
NAMES = (*KINDS, *SHAPES, *(f"cue: {name}" for name in CUES))
"""What each bit of `Signs.once` stands for, the lowest first."""

_BIT = {name: 1 << i for i, name in enumerate(NAMES)}
_GOODS, _DONE, _ED = _BIT["goods"], _BIT["done"], _BIT["ends in -ed"]
_POINTS = _BIT["pointing"] | _BIT["number"]
_WHO = _BIT["addressed"] | _BIT["others"]
_CERTAIN, _DID = _BIT["certain goods"], _BIT["somebody did"]
_ASKS, _SHOUTS = _BIT["?"], _BIT["!"]
_CUE = {name: _BIT[f"cue: {name}"] for name in CUES}
_TELLING = sum(
    _BIT[name]
    for name in ("goods", "done", "turn", "small", "trouble", "addressed", "time", "number", "n't")
)
_HALF = 13
_LOW = (1 << _HALF) - 1
_SHOWN = 3
_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 40
_SHORTEST_ENDED = 5


class Signs(NamedTuple):
    """The small signs of one text: bits by `NAMES`, and how many words it has.

    `twice` and `first` tell which kinds two words or more are of, and which the first word is.
    """

    once: int
    twice: int
    first: int
    words: int


@cache
def _words() -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Gives the kinds of each whole word, and of each beginning of words."""
    text = files("earmark_sentiment").joinpath("signs.txt").read_text(encoding="utf-8")
    whole: dict[str, int] = {}
    begun: list[tuple[str, int]] = []
    bit = 0
    for line in text.splitlines():
        if line.startswith("["):
            bit = _BIT[line.strip("[]")]
        elif not line.startswith("#"):
            for word in line.split():
                start = word.removesuffix("~")
                whole[start] = whole.get(start, 0) | bit
                if start != word:
                    begun.append((start, bit))
    return whole, begun


class _Kinds(dict[str, int]):
    """Words as they stand in texts to the bits of their kinds; keeps the latest, up to a bound."""

    def __missing__(self, raw: str) -> int:
        whole, begun = _words()
        word = raw.strip(string.punctuation)
        bits = whole.get(word, 0)
        for start, bit in begun:
            if word.startswith(start):
                bits |= bit
        is_long = len(word) >= _SHORTEST_ENDED
        bits |= _BIT["number"] * word[:1].isdigit() | _BIT["n't"] * word.endswith("n't")
        bits |= _BIT["ends in -ing"] * (is_long and word.endswith("ing"))
        bits |= _ED * (is_long and word.endswith("ed"))
        if len(raw) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[raw] = bits
        return bits


_kinds = _Kinds()


def signs_of(said: str, cues: Iterable[str]) -> Signs:
    """Gives the small signs of a text in lower case; *cues* are the sections found in it."""
    kinds = list(map(_kinds.__getitem__, said.split()))
    once = twice = before = earlier = 0
    for bits in kinds:
        twice |= once & bits
        once |= bits
        if bits & _GOODS and (before | earlier) & _POINTS:
            once |= _CERTAIN
        if bits & (_DONE | _ED) and before & _WHO:
            once |= _DID
        before, earlier = bits, before
    for section in cues:
        once |= _CUE[section]
    if "?" in said:
        once |= _ASKS
    if "!" in said:
        once |= _SHOUTS
    return Signs(once, twice, kinds[0] if kinds else 0, len(kinds))


class _Sums(dict[int, float]):
    """Half of the bits to the sum of their weights."""

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self._weights = weights

    def __missing__(self, bits: int) -> float:
        result = sum(weight for i, weight in enumerate(self._weights) if bits >> i & 1)
        self[bits] = result
        return result


class Weighing:
    """What small signs are worth; above 0 they speak for a complaint."""

    def __init__(self, weights: dict[str, float]) -> None:
        """Takes the weights by name: "base", "length", and "once: ", "twice: " or "first: "."""
        self._base = weights["base"]
        self._length = weights["length"]
        self._once, self._twice, self._first = (
            [weights.get(f"{place}: {name}", 0.0) for name in NAMES]
            for place in ("once", "twice", "first")
        )
        self._sums = tuple(
            _Sums(part[start : start + _HALF])
            for part in (self._once, self._twice, self._first)
            for start in range(0, 4 * _HALF, _HALF)
        )

    def weigh(self, signs: Signs) -> float:
        """Gives the logit."""
        sums = self._sums
        total = self._base + self._length * log1p(signs.words)
        for place, bits in enumerate(signs[:3]):
            at = 4 * place
            while bits:
                total += sums[at][bits & _LOW]
                bits >>= _HALF  # noqa: PLW2901 - it is used up
                at += 1
        return total

    def named(self, said: str) -> str:
        """Gives the words that tell most, three at most, in their order; "" if none tells."""
        worth = {}
        for raw in said.split():
            bits = _kinds[raw]
            if bits & _TELLING:
                word = raw.strip(string.punctuation)
                worth[word] = sum(weight for i, weight in enumerate(self._once) if bits >> i & 1)
        most = sorted(worth, key=worth.__getitem__, reverse=True)[:_SHOWN]
        return SMALL + ", ".join(word for word in worth if word in most) if most else ""


@cache
def shipped() -> Weighing:
    """Gives the weights that ship."""
    text = files("earmark_sentiment").joinpath("sign-weights.json").read_text(encoding="utf-8")
    return Weighing(json.loads(text)["weights"])
