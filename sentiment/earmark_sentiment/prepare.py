"""Text as it was written to text as it can be scored. Pure; the caller keeps the original.

What is taken out says nothing of the tone and yet would be scored: addresses, handles, brand and
product names ("united" is worth +1.8 to VADER). What is made plain would otherwise hide a word:
curly apostrophes, zero-width characters, "baaaad", #WorstAirlineEver.
"""

import html
import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

PREP_VERSION = 1
LIMIT = 10_000
"""How many characters of prepared text are scored; what comes after is not looked at."""

# Entities and compatibility forms shrink or grow a text, so more is read than is kept.
_READ = 2 * LIMIT
# html.unescape turns the digits into a number, which Python refuses beyond 4,300 of them.
_ENDLESS_REFERENCE = re.compile(r"&#(?:[xX][0-9a-fA-F]{8,}|[0-9]{8,});?")
_STRAIGHT = str.maketrans(
    dict.fromkeys("’‘‛ʼ′´＇", "'")
    | dict.fromkeys("“”„‟″«»＂", '"')
    | {"…": "... "}
    | dict.fromkeys("™®©", " ")
)
_DASHES = re.compile(r"\s?[—–―]\s?")
_DOTS = re.compile(r"(?<=\w)\.{2,}(?=\w)")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_LOOSE_MARKS = re.compile(r"[\u0300-\u036f\u0488\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+")
_ENDINGS = r"\.(?:com|org|net|io|app|dev|co|me|ly|gl|uk|eu|de|fr)"
_DOMAIN = re.compile(rf"{_ENDINGS}\b|www\.", re.IGNORECASE)
_URLS = re.compile(
    r"\b(?:https?://|www\.)\S+"
    rf"|(?<![\w@.-])[\w-]{{1,63}}{_ENDINGS}(?:/\S*)?(?![\w@.])",
    re.IGNORECASE,
)
_MAILS = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,100}")
_HANDLES = re.compile(r"(?<![\w@])@\w+(?:[.-]\w+)*(?:@\w+(?:[.-]\w+)*)?|(?<![\w/])/?[ur]/\w{2,30}")
_HASHTAG = re.compile(r"[#＃](\w{1,140})")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")
_RUN = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)
_THREES = tuple(letter * 3 for letter in string.ascii_lowercase)
_STRETCHED = re.compile(r"[^\W\d_]+")
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def prepare(
    text: str, names: Sequence[str] = (), knows: Callable[[str], bool] = lambda _: False
) -> str:
    """Gives the text as it is scored: one line, at most `LIMIT` characters, maybe empty.

    `names` are taken out as whole words whatever their case. `knows` tells whether a word in
    lower case is in the lexicon; a stretched word ("baaaad") becomes the known word behind it,
    and else keeps two of each stretched letter.
    """
    plain = _without_addresses(plain_text(text))
    if "#" in plain:
        plain = _HASHTAG.sub(_tag_words, plain)
    if names:
        pattern = _names(tuple(names))
        plain = pattern.sub(" ", plain) if pattern is not None else plain
    if _may_be_stretched(plain):
        plain = _STRETCHED.sub(lambda word: _shortened(word[0], knows), plain)
    return " ".join(plain.split())[:LIMIT].rstrip()


def plain_text(text: str) -> str:
    """Gives the text in plain characters: entities resolved, quotes straight, nothing hidden.

    NFKC, without format characters, variation selectors, controls, surrogates and heaped
    combining marks; an emoji stands between spaces.
    """
    text = text[:_READ]
    if "&" in text:
        text = html.unescape(_ENDLESS_REFERENCE.sub(" ", text))
    if not text.isprintable():
        text = _CONTROLS.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_STRAIGHT))[:_READ]
        text = _DASHES.sub(" - ", "".join(map(_visible, text)))
        text = _LOOSE_MARKS.sub("", text)
    if ".." in text:
        text = _DOTS.sub("... ", text)
    return text[:_READ]


@lru_cache(maxsize=4096)
def _visible(char: str) -> str:
    if char.isascii() or char.isalnum():
        return char
    code = ord(char)
    if code in _SKIN_TONES or 0xFE00 <= code <= 0xFE0F or unicodedata.category(char) == "Cf":
        return ""
    return f" {char} " if unicodedata.category(char) == "So" else char


def _without_addresses(text: str) -> str:
    if "/" in text or ("." in text and _DOMAIN.search(text)):
        text = _URLS.sub(" ", text)
    if "@" in text or "/" in text:
        text = _HANDLES.sub(" ", text)
    return _MAILS.sub(" ", text) if "@" in text else text


def _may_be_stretched(text: str) -> bool:
    """Tells at little cost whether any letter may stand three times in a row."""
    if not text.isascii():
        return True
    lower = text.lower()
    for three in _THREES:  # noqa: SIM110 - any() takes twice the time, for every text
        if three in lower:
            return True
    return False


def _tag_words(found: re.Match[str]) -> str:
    return _CAMEL.sub(" ", found[1])


@lru_cache(maxsize=512)
def _names(names: tuple[str, ...]) -> re.Pattern[str] | None:
    """Gives what finds any of these names, longest first; a space in a name may be missing."""
    wanted = sorted({" ".join(plain_text(name).split()) for name in names}, key=len, reverse=True)
    known = [r"\s?".join(map(re.escape, name.lstrip("@#").split())) for name in wanted]
    pattern = "|".join(name for name in known if name)
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE) if pattern else None


def _shortened(word: str, knows: Callable[[str], bool]) -> str:
    if len(word) < 3 or not _RUN.search(word) or knows(word.lower()):
        return word
    twice = _RUN.sub(r"\1\1", word)
    once = _RUN.sub(r"\1", word)
    return once if knows(once.lower()) and not knows(twice.lower()) else twice
