"""Where a text names the topics of a brand: whole words and phrases, in any case. Pure.

A topic's word may end in `*` for any ending; the words of a phrase stand side by side, with
nothing but a space, a hyphen or the like between them. What a word costs does not grow with the
number of topics.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

Rule = tuple[str, str, tuple[str, ...]]
"""A topic: its area, its name and the words that name it."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_BESIDE = frozenset(("", "-", "/", "&", "'", "_"))


class Word(NamedTuple):
    """One word of a text: how it is compared, and where it stands."""

    plain: str
    start: int
    end: int


class Hit(NamedTuple):
    """A topic that is named: its place among the rules, the first word and the one after."""

    topic: int
    first: int
    end: int


class _Phrase(NamedTuple):
    topic: int
    words: tuple[str, ...]
    is_open: bool


class Topics:
    """The topics of one brand, made ready to be looked for."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._whole: dict[str, list[_Phrase]] = {}
        self._open: dict[int, dict[str, list[_Phrase]]] = {}
        for number, (_, _, written) in enumerate(self.rules):
            for text in written:
                self._learn(number, text)

    def _learn(self, topic: int, written: str) -> None:
        words = tuple(_plain(word) for word in _WORD.findall(written))
        if not words:
            return
        phrase = _Phrase(topic, words, written.rstrip().endswith("*"))
        if phrase.is_open and len(words) == 1:
            stems = self._open.setdefault(len(words[0]), {})
            stems.setdefault(words[0], []).append(phrase)
        else:
            self._whole.setdefault(words[0], []).append(phrase)

    def knows(self, word: str) -> bool:
        """Tells whether a word, in lower case, begins the name of a topic."""
        return word in self._whole or any(word[:n] in stems for n, stems in self._open.items())

    def may_be_named(self, text: str) -> bool:
        """Tells at little cost whether any topic may be named."""
        words = list(map(_plain, _WORD.findall(text)))
        if not self._whole.keys().isdisjoint(words):
            return True
        return any(
            not stems.keys().isdisjoint([word[:length] for word in words])
            for length, stems in self._open.items()
        )

    def hits(self, text: str, words: Sequence[Word]) -> list[Hit]:
        """Gives where topics are named, in the order of the text; *words* are those of *text*."""
        return [hit for i in range(len(words)) for hit in self._at(text, words, i)]

    def _at(self, text: str, words: Sequence[Word], i: int) -> Iterator[Hit]:
        plain = words[i].plain
        for phrase in self._whole.get(plain, ()):
            end = i + len(phrase.words)
            if end <= len(words) and _stands(text, words[i:end], phrase):
                yield Hit(phrase.topic, i, end)
        for length, stems in self._open.items():
            for phrase in stems.get(plain[:length], ()):
                yield Hit(phrase.topic, i, i + 1)


@lru_cache(maxsize=256)
def topics(rules: tuple[Rule, ...]) -> Topics:
    """Gives the topics of these rules, made ready once."""
    return Topics(rules)


def words_of(text: str) -> list[Word]:
    """Gives the words of a text in order."""
    return [Word(_plain(found[0]), found.start(), found.end()) for found in _WORD.finditer(text)]


def _plain(word: str) -> str:
    return word.casefold().removesuffix("'s")


def _stands(text: str, words: Sequence[Word], phrase: _Phrase) -> bool:
    *before, last = phrase.words
    if any(word.plain != wanted for word, wanted in zip(words, before, strict=False)):
        return False
    if not (words[-1].plain.startswith(last) if phrase.is_open else words[-1].plain == last):
        return False
    return all(
        text[left.end : right.start].strip(" ") in _BESIDE for left, right in pairwise(words)
    )
