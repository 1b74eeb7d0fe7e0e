"""How alike two texts are, and the keys by which the one finds the other: pure.

A text is reduced to its words: case, punctuation, addresses, names and trailing tags are no part
of it, nor is who passed it on ("RT @x:", the publisher behind a headline). What is compared are
its pairs of neighbouring words. The keys are bands of a MinHash signature (rensa); they are
stored, so seed and sizes must never change within the time that they are kept.
"""

import re
import struct
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from rensa import RMinHash

LONGEST = 10_000
"""Characters that are looked at; what comes behind them does not make a text another one."""
FEWEST = 8
"""Different words from which on a text is compared: shorter ones are alike by chance."""
ALIKE_FROM = 0.8
"""The share of pairs of words in common from which on two texts are copies; measured."""
CUT_FROM = 15
"""Words that must be left of a text that was cut off for its opening to speak for it."""
_SEED = 20_260_302
_BANDS, _ROWS = 6, 3
_OPENING = 10
_PASSED_ON = frozenset({"rt", "mt", "via", "cc", "ht", "h/t", "by"})
_TAILS = (" - ", " – ", " — ", " | ", " · ")
_TAIL = 60
# Written without spaces: each character stands for itself and counts as half a word.
_DENSE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_WORD = re.compile(rf"[{_DENSE}]|[^\W{_DENSE}]+")
_IS_DENSE = re.compile(rf"[{_DENSE}]")
_QUIET = str.maketrans("", "", "'’ʼ")


@dataclass(frozen=True, slots=True)
class Likeness:
    """A text as it is compared; `keys` are signed 64-bit numbers, none if it is too short.

    `is_cut` says that the text breaks off ("…"). Two copies share a key nearly always, see
    docs/decisions/0012-copies.md for how nearly.
    """

    words: tuple[str, ...]
    is_cut: bool
    keys: tuple[int, ...] = ()


def likeness(title: str, body: str) -> Likeness:
    """Gives a text as it is compared, without the keys that it would be found by."""
    words, is_cut = _read(title, body)
    return Likeness(words, is_cut)


def likenesses(texts: Sequence[tuple[str, str]]) -> list[Likeness]:
    """Gives texts, as (title, body), as they are compared, with their keys."""
    read = [_read(title, body) for title, body in texts]
    places = [place for place, (words, _) in enumerate(read) if _is_long_enough(words)]
    shingles = [list(_pairs(read[place][0])) for place in places]
    digests = RMinHash.digests_from_token_sets(shingles, _BANDS * _ROWS, _SEED)
    found = [Likeness(words, is_cut) for words, is_cut in read]
    for place, digest in zip(places, digests, strict=True):
        words, is_cut = read[place]
        found[place] = Likeness(words, is_cut, tuple(dict.fromkeys(_keys(words, digest))))
    return found


def _is_long_enough(words: Sequence[str]) -> bool:
    kinds = set(words)
    dense = sum(1 for word in kinds if _IS_DENSE.match(word))
    return len(kinds) - dense / 2 >= FEWEST


def _pairs(words: Sequence[str]) -> set[str]:
    return {f"{one} {two}" for one, two in pairwise(words)}


def alike(one: Likeness, two: Likeness) -> float:
    """Gives the share of pairs of words in common, 0 to 1; copies from `ALIKE_FROM` on.

    Of a text that was cut off, what is left is compared with as much of the other. Two texts that
    each name a number that the other does not are about two things, however alike: two orders,
    two days, two scores. They share nothing.
    """
    first, second = one.words, two.words
    if one.is_cut != two.is_cut:
        cut, whole = (first, second) if one.is_cut else (second, first)
        if CUT_FROM <= len(cut) < len(whole):
            first, second = cut, whole[: len(cut)]
    if _numbers(first) - _numbers(second) and _numbers(second) - _numbers(first):
        return 0.0
    ours, theirs = _pairs(first), _pairs(second)
    both = len(ours & theirs)
    return both / (len(ours) + len(theirs) - both or 1)


def _numbers(words: Sequence[str]) -> set[str]:
    return {word for word in words if any(map(str.isdigit, word))}


def _keys(words: Sequence[str], digest: Sequence[int]) -> Iterator[int]:
    for band in range(_BANDS):
        yield _number(struct.pack(f"<B{_ROWS}Q", band, *digest[band * _ROWS : (band + 1) * _ROWS]))
    if len(words) >= CUT_FROM:  # finds it from what is left of it after a cut
        yield _number(" ".join(words[:_OPENING]).encode())


def _number(what: bytes) -> int:
    return int.from_bytes(blake2b(what, digest_size=8).digest(), "little", signed=True)


def _read(title: str, body: str) -> tuple[tuple[str, ...], bool]:
    """Gives the words of a text, and whether it breaks off."""
    headline, publisher = _headline(title[:LONGEST])
    said = body[:LONGEST].rstrip()
    above, below = _words(headline), _words(said)
    if above and below[: len(above)] == above:  # a feed's text often begins with its headline
        below = below[len(above) :]
        behind = _words(publisher)
        if behind and below[: len(behind)] == behind:
            below = below[len(behind) :]
    text = said or headline.rstrip()
    return (*above, *below), _breaks_off(text)


def _headline(title: str) -> tuple[str, str]:
    """Parts a headline from the publisher that stands behind it."""
    at, mark = max((title.rfind(mark), mark) for mark in _TAILS)
    if at <= 0 or len(title) - at > _TAIL or len(title[:at].split()) < 3:
        return title, ""
    return title[:at], title[at + len(mark) :]


def _words(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKC", text)[:LONGEST]  # it can make one character many
    chunks = plain.casefold().translate(_QUIET).split()
    while chunks and (chunks[-1].startswith("#") or _is_name(chunks[-1])):
        chunks.pop()
    found: list[str] = []
    for place, chunk in enumerate(chunks):
        if _is_name(chunk):
            continue
        follows = chunks[place + 1] if place + 1 < len(chunks) else ""
        if chunk.strip(":(") in _PASSED_ON and "@" in follows:
            continue
        found.extend(_WORD.findall(chunk))
    return tuple(found)


def _is_name(chunk: str) -> bool:
    """Tells whether these characters are an address or somebody's name rather than a word."""
    if "@" in chunk or "://" in chunk or chunk.startswith("www."):
        return True
    host, slash, _ = chunk.partition("/")
    return bool(slash) and "." in host.strip(".")


def _breaks_off(text: str) -> bool:
    last = next(
        (c for c in reversed(text.split()) if not c.startswith("#") and not _is_name(c)), ""
    )
    return last.rstrip(")]").endswith(("…", "..."))
