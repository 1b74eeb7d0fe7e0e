"""Complaints without a word of complaint: small signs that add up, each named.

"My points went from 40,000 to zero overnight" holds no cue. What it holds is something of the
brand's that the writer has, a time, a number, and no kind word. The words stand in `signs.txt`.
"""

import string
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

SMALL = "small signs: "
"""What the words of such a complaint begin with."""
ENOUGH = 4
"""From how many points on the signs are taken for a complaint."""

_WORTH = {
    "certain": 4,
    "addressed": 4,
    "goods": 2,
    "turn": 2,
    "small": 1,
    "calm": -2,
    "kind": -4,
}
_MEANING = frozenset({"addressed", "turn", "small"})
"""Something must be said of the goods; that there are some is no complaint."""
_COUNTED = frozenset({"goods", "turn", "small", "calm", "kind"})
_MOST = 3
# Three sums in one number: of points, of kind words, of words of everyday.
_ONE_KIND = 1 << 20
_ONE_CALM = 1 << 40
_NEAR = 2
_SHOWN = 3
_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 40
_SHORTEST_PAST = 5


@cache
def _words() -> tuple[dict[str, frozenset[str]], list[tuple[str, str]]]:
    """Gives the kinds of each whole word, and of each beginning of words."""
    text = files("earmark_sentiment").joinpath("signs.txt").read_text(encoding="utf-8")
    whole: dict[str, set[str]] = {}
    begun: list[tuple[str, str]] = []
    kind = ""
    for line in text.splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif not line.startswith("#"):
            for word in line.split():
                whole.setdefault(word.removesuffix("~"), set()).add(kind)
                if word.endswith("~"):
                    begun.append((word.removesuffix("~"), kind))
    return {word: frozenset(kinds) for word, kinds in whole.items()}, begun


class _Signs(dict[str, tuple[str, frozenset[str]]]):
    """Words as they stand in texts to their plain form and their kinds; bounded."""

    def __missing__(self, raw: str) -> tuple[str, frozenset[str]]:
        whole, begun = _words()
        word = raw.strip(string.punctuation)
        kinds = whole.get(word)
        if kinds is None:
            kinds = frozenset(kind for start, kind in begun if word.startswith(start))
        if not kinds and (_is_past(word) or word.endswith("n't") or word[:1].isdigit()):
            kinds = frozenset({"small"})
        if _is_past(word):
            kinds |= {"done"}
        if len(raw) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[raw] = (word, kinds)
        return word, kinds


_known = _Signs()


class _Bounds(dict[str, int]):
    """The most that each word can be worth, and in higher bits whether it takes points away."""

    def __missing__(self, raw: str) -> int:
        word, kinds = _known[raw]
        if word == "your" or not kinds.isdisjoint({"goods", "addressed"}):
            bound = _WORTH["certain"]
        else:
            bound = sum(_WORTH[kind] for kind in kinds & {"turn", "small"})
        bound += ("kind" in kinds) * _ONE_KIND + ("calm" in kinds) * _ONE_CALM
        if len(raw) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[raw] = bound
        return bound


_bounds = _Bounds()


def _may_be_enough(bounds: int) -> bool:
    """Tells from the sum over all words whether it is worth while to look at them one by one."""
    most = bounds % _ONE_KIND
    if bounds // _ONE_KIND % _ONE_KIND:
        most += _WORTH["kind"]
    if bounds // _ONE_CALM:
        most += _WORTH["calm"]
    return most >= ENOUGH


def _is_past(word: str) -> bool:
    return word.endswith("ed") and len(word) >= _SHORTEST_PAST


def small_signs(said: str) -> str:
    """Gives the signs of a complaint in a text in lower case, or "" if they are too few.

    Each word counts once, and of each kind at most three.
    """
    raw = said.split()
    if not _may_be_enough(sum(map(_bounds.__getitem__, raw))):
        return ""
    looks = list(map(_known.__getitem__, raw))
    signs: dict[str, dict[str, None]] = {}
    for i, (word, kinds) in enumerate(looks):
        if not kinds:
            continue
        if "goods" in kinds and _is_certain(looks, i):
            signs.setdefault("certain", {})[word] = None
        elif word == "your" or ("addressed" in kinds and _does(looks, i)):
            signs.setdefault("addressed", {})[word] = None
        else:
            for kind in kinds & _COUNTED:
                signs.setdefault(kind, {})[word] = None
    points = sum(_WORTH[kind] * min(len(words), _MOST) for kind, words in signs.items())
    if points < ENOUGH or _MEANING.isdisjoint(signs):
        return ""
    named = [word for kind in _WORTH if _WORTH[kind] > 0 for word in signs.get(kind, ())]
    return SMALL + ", ".join(named[:_SHOWN])


def _is_certain(looks: Sequence[tuple[str, frozenset[str]]], i: int) -> bool:
    before = looks[max(0, i - _NEAR) : i]
    return any("pointing" in kinds or word.isdigit() for word, kinds in before)


def _does(looks: Sequence[tuple[str, frozenset[str]]], i: int) -> bool:
    return i + 1 < len(looks) and "done" in looks[i + 1][1]
