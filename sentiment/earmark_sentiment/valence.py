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
_RULED = frozenset({*BOOSTERS, *NEGATIONS, *_PHRASE_WORDS, "but", "least", "no", "this"})
_NEARNESS = (1.0, 0.95, 0.9)
_PUNCTUATION = string.punctuation
_REMEMBERED = 40_000
_LONGEST_REMEMBERED = 40
_MINUS = "−"

Note = list[str] | None


@dataclass(slots=True, eq=False)
class Mark:
    """What VADER knows of one word; a word of which it knows nothing has no mark.

    An inert word does nothing to its neighbours. Among inert words a plain one is worth just its
    lexicon value: most words of the lexicon, in most places, need no more than that. Nobody
    changes a mark; it is not frozen because it is then made in half the time.
    """

    lower: str
    valence: float | None
    is_upper: bool
    is_plain: bool
    is_inert: bool = True
    boost: float = 0.0
    negates: bool = False
    in_phrase: bool = False
    is_stress: bool = False


def stripped(raw: str) -> str:
    """Gives the word without outer punctuation, or as it is if two or fewer letters remain."""
    word = raw.strip(_PUNCTUATION)
    return raw if len(word) <= 2 else word


Near = tuple[Mark | None, Mark | None, Mark | None]
"""The marks of the word before, of the one before that, and of the third."""


class Marks(dict[str, Mark | None]):
    """The marks of words as they stand in texts; remembers the latest, up to a bound."""

    def __init__(self, lexicon: dict[str, float]) -> None:
        super().__init__()
        self._lexicon = lexicon

    def __missing__(self, raw: str) -> Mark | None:
        word = raw.strip(_PUNCTUATION)
        if len(word) <= 2:
            word = raw
        lower = word.lower()
        mark = None
        if lower in _RULED or "n't" in lower:
            mark = self._ruled(word, lower)
        elif lower in self._lexicon:
            is_upper = word.isupper()
            mark = Mark(lower, self._lexicon[lower], is_upper, not is_upper)
        if len(raw) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[raw] = mark
        return mark

    def _ruled(self, word: str, lower: str) -> Mark:
        boost = BOOSTERS.get(lower, 0.0)
        negates = lower in NEGATIONS or "n't" in lower
        in_phrase = lower in _PHRASE_WORDS
        is_upper = word.isupper()
        return Mark(
            lower,
            # As in the original, a booster is never scored itself, whatever the lexicon says.
            None if boost else self._lexicon.get(lower),
            is_upper,
            is_plain=not (is_upper or in_phrase or lower == "no"),
            is_inert=not (boost or negates or in_phrase or lower in {"least", "no", "this"}),
            boost=boost,
            negates=negates,
            in_phrase=in_phrase,
            is_stress=lower in {"so", "this"},
        )


class Neighbours:
    """The words of one text, asked for the share of each word that the lexicon knows.

    `marks` has three places more than `words`, all empty, so that what stands before the first
    word and after the last one is no mark.
    """

    __slots__ = ("_is_shouting", "marks", "words")

    def __init__(self, words: list[str], marks: list[Mark | None]) -> None:
        self.words = words
        self.marks = marks
        self._is_shouting: bool | None = None

    def share(self, i: int, mark: Mark, value: float, note: Note) -> float:
        """Gives the share of word `i`, whose lexicon value is `value`; its rules go to `note`."""
        if mark.in_phrase and self._is_kind_of(i, mark, note):
            return 0.0
        marks = self.marks
        one, two, three = near = marks[i - 1], marks[i - 2], marks[i - 3]
        value = self._own(i, mark, value, near, note)
        if one is not None and one.valence is None:
            if one.boost:
                value = self._boosted(value, one, 0, note)
            if one.negates:
                value = _negated(value, one.lower, note)
        if two is not None and two.valence is None:
            if two.boost:
                value = self._boosted(value, two, 1, note)
            if two.negates:
                value = _negated_at_two(value, one, two, note)
        if i > 2 and (three is None or three.valence is None):
            value = self._at_three(i, value, near, note)
        if one is not None and one.lower == "least" and one.valence is None:
            value = self._after_least(i, value, note)
        return value

    def _is_kind_of(self, i: int, mark: Mark, note: Note) -> bool:
        if mark.lower != "kind" or self._lower(i + 1) != "of":
            return False
        if note is not None:
            note.append('"kind of" is no praise = 0')
        return True

    def _own(self, i: int, mark: Mark, value: float, near: Near, note: Note) -> float:
        """Gives the share before boosters and negations: "no" and capitals."""
        plain = value
        if mark.lower == "no":
            value = self._zeroed_no(i, value, note)
        if self._follows_no(i, near):
            value = _negated(plain, "no", note)
        if mark.is_upper and self._shouts():
            value += C_INCR if value > 0 else -C_INCR
            if note is not None:
                note.append(f"ALL CAPS {signed(C_INCR if value > 0 else -C_INCR)}")
        return value

    def _lower(self, i: int) -> str:
        return stripped(self.words[i]).lower() if 0 <= i < len(self.words) else ""

    def _shouts(self) -> bool:
        """Tells whether some words, but not all of them, are in capitals."""
        if self._is_shouting is None:
            capitals = sum(map(str.isupper, self.words))
            self._is_shouting = 0 < capitals < len(self.words)
        return self._is_shouting

    def _zeroed_no(self, i: int, value: float, note: Note) -> float:
        """A "no" before a word of the lexicon is worth nothing itself."""
        following = self.marks[i + 1]
        if following is None or following.valence is None:
            return value
        if note is not None:
            note.append("negates the next word = 0")
        return 0.0

    def _follows_no(self, i: int, near: Near) -> bool:
        one, two, three = near
        if (one is not None and one.lower == "no") or (two is not None and two.lower == "no"):
            return True
        return three is not None and three.lower == "no" and self._lower(i - 1) in {"or", "nor"}

    def _at_three(self, i: int, value: float, near: Near, note: Note) -> float:
        """Does what depends on the third word before, which is not of the lexicon."""
        three = near[2]
        if three is not None and three.boost:
            value = self._boosted(value, three, 2, note)
        value = _negated_at_three(value, near, note)
        for mark in self.marks[i - 3 : i + 1]:
            if mark is not None and mark.in_phrase:
                return self._phrases(i, value, note)
        return value

    def _boosted(self, value: float, booster: Mark, distance: int, note: Note) -> float:
        step = -booster.boost if value < 0 else booster.boost
        if booster.is_upper and self._shouts():
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


def _negated_at_two(value: float, one: Mark | None, two: Mark, note: Note) -> float:
    if two.lower == "never" and one is not None and one.is_stress:
        return _stressed(value, "never so", note)
    if two.lower == "without" and one is not None and one.lower == "doubt":
        return value
    return _negated(value, two.lower, note)


def _negated_at_three(value: float, near: Near, note: Note) -> float:
    one, two, three = near
    # As in the original: "and" binds before "or" there, so a bare "so" or "this" just before the
    # word is enough, and hides a negation three words back.
    if one is not None and one.is_stress:
        return _stressed(value, one.lower, note)
    if three is None or not three.negates:
        return value
    if three.lower == "never" and two is not None and two.is_stress:
        return _stressed(value, "never so", note)
    if three.lower == "without" and any(mark and mark.lower == "doubt" for mark in (one, two)):
        return value
    return _negated(value, three.lower, note)
