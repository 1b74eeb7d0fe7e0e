"""Finds a word or phrase in a text as a whole, in any script."""

import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from earmark_core.text import fold

SIGILS = "#@"


@lru_cache(maxsize=32)
def prepared(text: str) -> str:
    """Folds once for all monitors that look at the same text one after another."""
    return " ".join(fold(text).split())


def occurs(term: str, text: str, *, is_prefix: bool = False) -> bool:
    """Says whether *term* stands in *text* as a whole word or phrase; both are prepared.

    With *is_prefix* its last word may go on.
    """
    return next(places(term, text, is_prefix=is_prefix), None) is not None


def places(term: str, text: str, *, is_prefix: bool = False) -> Iterator[int]:
    """Gives where *term* begins in *text* as a whole word or phrase, in order."""
    place = text.find(term)
    while place >= 0:
        end = place + len(term)
        starts = place == 0 or not _joined(text[place - 1], term[0])
        if starts and (is_prefix or end == len(text) or not _continues(term[-1], text[end])):
            yield place
        place = text.find(term, place + 1)


def near(words: Sequence[str], text: str, distance: int) -> bool:
    """Says whether all *words* stand in *text* with at most *distance* others between them.

    In any order; a word that is asked for twice must stand there twice. Words are counted by the
    spaces between them. Linear in the text for a given number of words.
    """
    found = [(place, word) for word in set(words) for place in places(word, text)]
    wanted = Counter(words)
    if len({word for _, word in found}) < len(wanted):
        return False
    spaces = [place for place, char in enumerate(text) if char == " "]
    found.sort()
    numbers = [bisect_left(spaces, place) for place, _ in found]
    inside: Counter[str] = Counter()
    first = 0
    for last, (_, word) in enumerate(found):
        inside[word] += 1
        while inside[found[first][1]] > wanted[found[first][1]]:
            inside[found[first][1]] -= 1
            first += 1
        if inside == wanted and numbers[last] - numbers[first] + 1 - len(words) <= distance:
            return True
    return False


def _joined(left: str, right: str) -> bool:
    """Says whether the two stand in one word, as word boundaries of Unicode's annex 29 go.

    Scripts written without spaces have a boundary at every character; katakana runs hold
    together. `#` and `@` belong to the word that they begin, so `me@acme.example` has no `@acme`.
    """
    if right in SIGILS:
        return bool(_script(left))
    if unicodedata.category(right)[0] == "M":
        return bool(_script(left))
    script = _script(left)
    return script == _script(right) and script not in {"", "no spaces"}


def _continues(left: str, right: str) -> bool:
    """Says whether a word goes on; Korean endings are written onto the word and do not count."""
    korean = "\uac00" <= left <= "\ud7a3" and "\uac00" <= right <= "\ud7a3"
    return right not in SIGILS and not korean and _joined(left, right)


_NO_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x309F),  # iteration marks, hiragana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


@lru_cache(maxsize=4_096)
def _script(char: str) -> str:
    """Gives "" for what is in no word, else the kind of writing."""
    code = ord(char)
    if 0x30A0 <= code <= 0x30FF:
        return "katakana" if code not in {0x30A0, 0x30FB} else ""
    if not (char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"):
        return ""
    return "no spaces" if any(low <= code <= high for low, high in _NO_SPACES) else "letters"
