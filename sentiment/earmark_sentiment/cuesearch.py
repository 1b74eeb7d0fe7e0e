"""Finds hundreds of patterns in a text by looking only where one of them can begin.

Of each pattern it is worked out with which letters a match can start. At each word of the
text only the patterns that can start there are tried, so most are never tried at all. What is
found is what the patterns joined by "|" would find.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

KEY = 5
"""How many letters of a match are looked at beforehand."""

_REMEMBERED = 20_000
_STARTS = re.compile(r"\b\w|[^\w\s]")
_OPENERS = frozenset((*".!,;:-", "hi", "hello", "hey", "and", "so", "but", "also"))
"""What stands, with a space behind it, before the beginning of a sentence."""
_LONGEST_REMEMBERED = 40
_REPEAT = re.compile(r"\?|\*|\+|\{(\d+)(?:,(\d*))?\}")
OPENING = r"(?:^|[.!,;:-] |\b(?:hi|hello|hey|and|so|but|also) )"
"""Where a sentence begins, as the joined patterns have it."""

# How a match can start: some letters, and what is known of what follows.
_CUT, _ANY, _END, _OPEN = "cut", "any", "end", "open"
Start = tuple[str, str]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Line:
    """One pattern: whose it is, and whether every match of it ends with a question mark."""

    kind: str
    pattern: re.Pattern[str]
    asks: bool


Tried = tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]


Place = tuple[int, Tried | None, bool]
"""Where in a word; what is tried there, None if that hangs on what follows the word; whether a
sentence may begin behind the word."""


class _Index:
    """Gives the patterns that can start with certain letters."""

    def __init__(self, sections: Mapping[str, Sequence[str]]) -> None:
        self._lines: list[_Line] = []
        self._by_start: dict[str, list[tuple[int, str]]] = {}
        for kind, lines in sections.items():
            for line in lines:
                for letters, then in starts_of(line):
                    self._by_start.setdefault(letters, []).append((len(self._lines), then))
                pattern = re.compile(rf"(?:{line})(?!\w)")
                self._lines.append(_Line(kind, pattern, line.endswith("\\?")))
        self._longer = {letters[:length] for letters in self._by_start for length in range(1, KEY)}

    def is_tried(self, rest: str, asks: bool) -> bool:
        """Tells whether any pattern can start with the rest of a word and the space behind it."""
        key = f"{rest} "[:KEY]
        return (len(key) < KEY and key in self._longer) or bool(self.tried(key, asks))

    def tried(self, key: str, asks: bool) -> Tried:
        """Gives the patterns of each kind in order; `asks` says that there is a question mark."""
        places = {
            place
            for length in range(len(key) + 1)
            for place, then in self._by_start.get(key[:length], ())
            if then != _END or length == len(key) or not _is_word(key[length])
        }
        by_kind: dict[str, list[re.Pattern[str]]] = {}
        for line in (self._lines[place] for place in sorted(places)):
            if asks or not line.asks:
                by_kind.setdefault(line.kind, []).append(line.pattern)
        return tuple((kind, tuple(patterns)) for kind, patterns in by_kind.items())


class _Remembered(dict[str, Tried]):
    """What can start with certain letters; keeps the latest, up to a bound."""

    def __init__(self, index: _Index, asks: bool) -> None:
        super().__init__()
        self._index = index
        self._asks = asks

    def __missing__(self, key: str) -> Tried:
        tried = self._index.tried(key, self._asks)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[key] = tried
        return tried


class _Places(dict[str, tuple[Place, ...]]):
    """Where in a word a pattern can begin; keeps the latest words, up to a bound."""

    def __init__(self, index: _Index, asks: bool) -> None:
        super().__init__()
        self._index = index
        self._asks = asks

    def __missing__(self, word: str) -> tuple[Place, ...]:
        starts = [match.start() for match in _STARTS.finditer(word)]
        places = tuple(place for start in starts if (place := self._place(word, start)))
        if len(word) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[word] = places
        return places

    def _place(self, word: str, start: int) -> Place | None:
        rest = word[start:]
        opens = rest in _OPENERS
        tried: Tried | None = ()
        if start == 0 or not _is_word(word[start - 1]):
            is_whole_key = len(rest) >= KEY
            tried = self._index.tried(rest[:KEY], self._asks) if is_whole_key else None
            if not is_whole_key and not self._index.is_tried(rest, self._asks):
                tried = ()
        return (start, tried, opens) if opens or tried or tried is None else None


class CueSearch:
    """The patterns of each kind, whole words anywhere or only where a sentence begins."""

    def __init__(
        self, whole: Mapping[str, Sequence[str]], opening: Mapping[str, Sequence[str]]
    ) -> None:
        anywhere, openings = _Index(whole), _Index(opening)
        self._known = {
            asks: (
                _Places(anywhere, asks),
                _Remembered(anywhere, asks),
                _Remembered(openings, asks),
            )
            for asks in (True, False)
        }

    def find(self, said: str) -> dict[str, list[Span]]:
        """Gives the places of each kind that is found, in order and without overlap."""
        found: dict[str, list[Span]] = {}
        places, whole, opening = self._known["?" in said]
        if said:
            _try(whole[said[:KEY]], said, 0, 0, found)
            _try(opening[said[:KEY]], said, 0, 0, found)
            first, space, _ = said.partition(" ")
            if space and first in _OPENERS:
                body = len(first) + 1
                _try(opening[said[body : body + KEY]], said, 0, body, found)
        at = 0
        for word in said.split(" "):
            for offset, tried, opens in places[word]:
                start = at + offset
                if start == 0:
                    continue
                if tried is None:
                    tried = whole[said[start : start + KEY]]  # noqa: PLW2901 - now known
                if tried:
                    _try(tried, said, start, start, found)
                if opens and at + len(word) < len(said):
                    body = at + len(word) + 1
                    _try(opening[said[body : body + KEY]], said, start, body, found)
            at += len(word) + 1
        return found


def _try(tried: Tried, said: str, start: int, body: int, found: dict[str, list[Span]]) -> None:
    for kind, patterns in tried:
        places = found.get(kind)
        if places and start < places[-1][1]:
            continue
        for pattern in patterns:
            match = pattern.match(said, body)
            if match is not None:
                found.setdefault(kind, []).append((start, match.end()))
                break


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def starts_of(pattern: str) -> frozenset[Start]:
    """Gives how the matches of a pattern can start; knows the expressions that cues use."""
    starts, end = _either(pattern, 0, {("", _OPEN)})
    if end != len(pattern):
        msg = f"cannot read the pattern {pattern!r} from character {end} on"
        raise ValueError(msg)
    return frozenset((letters, _END if then == _OPEN else then) for letters, then in starts)


def _either(pattern: str, at: int, before: set[Start]) -> tuple[set[Start], int]:
    result: set[Start] = set()
    while True:
        starts, at = _sequence(pattern, at, before)
        result |= starts
        if at == len(pattern) or pattern[at] != "|":
            return result, at
        at += 1


def _sequence(pattern: str, at: int, before: set[Start]) -> tuple[set[Start], int]:
    starts = before
    while at < len(pattern) and pattern[at] not in "|)":
        after, at = _item(pattern, at, starts)
        repeat = _REPEAT.match(pattern, at)
        if repeat is not None:
            at = repeat.end()
            least = int(repeat[1]) if repeat[1] else int(repeat[0] == "+")
            if repeat[0] not in {"?", "{1}", "{0,1}"}:
                after = {(letters, _ANY if then == _OPEN else then) for letters, then in after}
            starts = after if least else after | starts
        else:
            starts = after
    return starts, at


def _item(pattern: str, at: int, before: set[Start]) -> tuple[set[Start], int]:
    char = pattern[at]
    if pattern.startswith("(?!", at):
        return before, _either(pattern, at + 3, before)[1] + 1
    if char == "(":
        after, end = _either(pattern, at + (3 if pattern.startswith("(?:", at) else 1), before)
        return after, end + 1
    if char == "[":
        end = pattern.index("]", at + 1)
        inner = pattern[at + 1 : end]
        is_plain = not (inner.startswith("^") or "\\" in inner or "-" in inner[1:-1])
        return _extended(before, inner if is_plain else None), end + 1
    if char == "\\":
        kind = pattern[at + 1]
        letters = {"d": "0123456789", "w": None}.get(kind, kind)
        return _extended(before, letters), at + 2
    return _extended(before, None if char == "." else char), at + 1


def _extended(starts: Iterable[Start], letters: str | None) -> set[Start]:
    """Gives the starts with one letter more, any of these; None stands for any letter at all."""
    result = set()
    for known, then in starts:
        if then != _OPEN:
            result.add((known, then))
        elif letters is None:
            result.add((known, _ANY))
        else:
            for letter in letters:
                longer = known + letter
                result.add((longer, _CUT if len(longer) == KEY else _OPEN))
    return result
