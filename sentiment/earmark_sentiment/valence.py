"""One word's share in a VADER score: its lexicon value and what its neighbours do to it.

The rules and constants are those of vaderSentiment 3.3.2 (Hutto and Gilbert, ICWSM 2014), read
from the installed package. Oddities of the original are kept on purpose, because a score must
come out the same to the last digit; they are marked with "as in the original".
"""

import string
from dataclasses import dataclass

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    C_INCR,
    N_SCALAR,
    NEGATE,
    SPECIAL_CASES,
)

NEGATIONS = frozenset(NEGATE)
BOOSTERS: dict[str, float] = dict(BOOSTER_DICT)
_PHRASES = {key: value for key, value in SPECIAL_CASES.items() if " " in key}
_TWO_WORD_BOOSTERS = {key: value for key, value in BOOSTERS.items() if " " in key}
# Every phrase holds at least one word that is rarer than these, so only such words are watched.
_COMMON = frozenset({"the", "of", "to", "for"})
_PHRASE_WORDS = frozenset(
    word for key in (*_PHRASES, *_TWO_WORD_BOOSTERS) for word in key.split() if word not in _COMMON
)
_TURN = float(N_SCALAR)
_WATCHED = frozenset({"but", "least", "this", "no"})
_ODD = frozenset({"no", "kind"})
_NEARNESS = (1.0, 0.95, 0.9)
_REMEMBERED = 40_000
_LONGEST_REMEMBERED = 40
_MINUS = "−"

Note = list[str] | None


@dataclass(frozen=True, slots=True)
class Mark:
    """What VADER knows of one word; a word of which it knows nothing has no mark.

    An inert word does nothing to its neighbours. Among inert words a plain one is worth just its
    lexicon value: most words of the lexicon, in most places, need no more than that.
    """

    lower: str
    valence: float | None
    is_upper: bool
    boost: float
    negates: bool
    in_phrase: bool
    is_inert: bool
    is_plain: bool


def stripped(raw: str) -> str:
    """Gives the word without outer punctuation, or as it is if two or fewer letters remain."""
    word = raw.strip(string.punctuation)
    return raw if len(word) <= 2 else word


class Marks(dict[str, Mark | None]):
    """The marks of words as they stand in texts; remembers the latest, up to a bound."""

    def __init__(self, lexicon: dict[str, float]) -> None:
        super().__init__()
        self._lexicon = lexicon

    def __missing__(self, raw: str) -> Mark | None:
        mark = self._look_up(raw)
        if len(raw) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[raw] = mark
        return mark

    def _look_up(self, raw: str) -> Mark | None:
        word = stripped(raw)
        lower = word.lower()
        boost = BOOSTERS.get(lower, 0.0)
        # As in the original, a booster is never scored itself, whatever the lexicon says.
        valence = None if boost else self._lexicon.get(lower)
        negates = lower in NEGATIONS or "n't" in lower
        in_phrase = lower in _PHRASE_WORDS
        is_upper = word.isupper()
        is_inert = not (boost or negates or in_phrase or lower in _WATCHED)
        if is_inert and valence is None and not is_upper:
            return None
        is_plain = not (is_upper or in_phrase or lower in _ODD)
        return Mark(lower, valence, is_upper, boost, negates, in_phrase, is_inert, is_plain)


class Neighbours:
    """The words of one text, asked for the share of each word that the lexicon knows.

    `marks` has three places more than `words`, all empty, so that what stands before the first
    word and after the last one is no mark.
    """

    __slots__ = ("is_shouting", "marks", "words")

    def __init__(self, words: list[str], marks: list[Mark | None]) -> None:
        self.words = words
        self.marks = marks
        capitals = sum([mark.is_upper for mark in marks if mark is not None])
        self.is_shouting = 0 < capitals < len(words)

    def share(self, i: int, mark: Mark, value: float, note: Note) -> float:
        """Gives the share of word `i`, whose lexicon value is `value`; its rules go to `note`."""
        marks = self.marks
        one, two, three = marks[i - 1], marks[i - 2], marks[i - 3]
        if mark.lower == "kind" and self._lower(i + 1) == "of":
            if note is not None:
                note.append('"kind of" is no praise = 0')
            return 0.0
        near = (one, two, three)
        plain = value
        if mark.lower == "no":
            value = self._zeroed_no(i, value, note)
        is_alone = one is None and two is None and three is None
        if not is_alone and self._follows_no(i, near):
            value = _negated(plain, "no", note)
        if mark.is_upper and self.is_shouting:
            value += C_INCR if value > 0 else -C_INCR
            if note is not None:
                note.append(f"ALL CAPS {signed(C_INCR if value > 0 else -C_INCR)}")
        if is_alone:
            return self._phrases(i, value, note) if mark.in_phrase and i > 2 else value
        return self._look_back(i, value, near, note)

    def _lower(self, i: int) -> str:
        return stripped(self.words[i]).lower() if 0 <= i < len(self.words) else ""

    def _zeroed_no(self, i: int, value: float, note: Note) -> float:
        """A "no" before a word of the lexicon is worth nothing itself."""
        following = self.marks[i + 1]
        if following is None or following.valence is None:
            return value
        if note is not None:
            note.append("negates the next word = 0")
        return 0.0

    def _follows_no(self, i: int, near: tuple[Mark | None, ...]) -> bool:
        one, two, three = near
        if (one is not None and one.lower == "no") or (two is not None and two.lower == "no"):
            return True
        return three is not None and three.lower == "no" and self._lower(i - 1) in {"or", "nor"}

    def _look_back(self, i: int, value: float, near: tuple[Mark | None, ...], note: Note) -> float:
        for distance in range(min(i, 3)):
            before = near[distance]
            if before is None or before.valence is None:
                if before is not None and before.boost:
                    value = self._boosted(value, before, distance, note)
                if distance == 0:
                    if before is not None and before.negates:
                        value = _negated(value, before.lower, note)
                elif distance == 1:
                    value = _negated_at_two(value, near, note)
                else:
                    value = _negated_at_three(value, near, note)
                    value = self._phrases(i, value, note)
        last = near[0]
        if last is not None and last.lower == "least" and last.valence is None:
            value = self._after_least(i, value, note)
        return value

    def _boosted(self, value: float, booster: Mark, distance: int, note: Note) -> float:
        step = -booster.boost if value < 0 else booster.boost
        if booster.is_upper and self.is_shouting:
            step += C_INCR if value > 0 else -C_INCR
        step *= _NEARNESS[distance]
        if note is not None:
            kind = "booster" if booster.boost > 0 else "dampener"
            shown = booster.lower.upper() if booster.is_upper else booster.lower
            note.append(f"{kind} {shown} {signed(step)}")
        return value + step

    def _after_least(self, i: int, value: float, note: Note) -> float:
        if i > 1 and self._lower(i - 2) in {"at", "very"}:
            return value
        return _negated(value, "least", note)

    def _phrases(self, i: int, value: float, note: Note) -> float:
        """Replaces the value where the word is part of a known phrase.

        As in the original, this is reached only from the fourth word on.
        """
        if not any(mark is not None and mark.in_phrase for mark in self.marks[i - 3 : i + 1]):
            return value
        three, two, one, zero, *after = (self._lower(j) for j in range(i - 3, i + 3))
        backward = (
            f"{one} {zero}",
            f"{two} {one} {zero}",
            f"{two} {one}",
            f"{three} {two} {one}",
            f"{three} {two}",
        )
        phrases = [phrase for phrase in backward if phrase in _PHRASES][:1]
        forward = (f"{zero} {after[0]}", f"{zero} {after[0]} {after[1]}")
        phrases += [phrase for phrase in forward if phrase in _PHRASES]
        if phrases:
            value = float(_PHRASES[phrases[-1]])
            if note is not None:
                note.append(f'phrase "{phrases[-1]}" = {signed(value)}')
        for pair in (f"{three} {two}", f"{two} {one}"):
            if pair in _TWO_WORD_BOOSTERS:
                value += _TWO_WORD_BOOSTERS[pair]
                if note is not None:
                    note.append(f"dampener {pair} {signed(_TWO_WORD_BOOSTERS[pair])}")
        return value


def signed(value: float) -> str:
    """Gives a number with its sign, at most three places: +0.293, −0.74."""
    shown = f"{abs(value):.3f}".rstrip("0").rstrip(".")
    return (_MINUS if value < 0 else "+") + shown


def times(factor: float) -> str:
    """Gives a factor in words of arithmetic: ×1.5, ×−0.74."""
    shown = signed(factor)
    return "×" + shown.removeprefix("+")


def _negated(value: float, word: str, note: Note) -> float:
    if note is not None:
        note.append(f"negation {word} {times(_TURN)}")
    return value * _TURN


def _stressed(value: float, words: str, note: Note) -> float:
    if note is not None:
        note.append(f"{words} {times(1.25)}")
    return value * 1.25


def _is(mark: Mark | None, *words: str) -> bool:
    return mark is not None and mark.lower in words


def _negated_at_two(value: float, near: tuple[Mark | None, ...], note: Note) -> float:
    one, two = near[0], near[1]
    if two is None:
        return value
    if two.lower == "never" and _is(one, "so", "this"):
        return _stressed(value, "never so", note)
    if two.lower == "without" and _is(one, "doubt"):
        return value
    return _negated(value, two.lower, note) if two.negates else value


def _negated_at_three(value: float, near: tuple[Mark | None, ...], note: Note) -> float:
    one, two, three = near
    # As in the original: "and" binds before "or" there, so a bare "so" or "this" just before the
    # word is enough, and hides a negation three words back.
    if (_is(three, "never") and _is(two, "so", "this")) or _is(one, "so", "this"):
        stress = one.lower if one is not None and _is(one, "so", "this") else "never so"
        return _stressed(value, stress, note)
    if three is None or (three.lower == "without" and (_is(two, "doubt") or _is(one, "doubt"))):
        return value
    return _negated(value, three.lower, note) if three.negates else value
