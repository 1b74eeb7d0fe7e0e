"""Which language a text is in, and whether it is English beyond doubt.

py3langid decides (its model comes with the package). It is sure of a sentence and unsure of two
words, so in doubt the words themselves are asked, and the source's own claim, which is a setting
of the account more often than a fact about the post.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

ENGLISH = "en"
_READ = 1_000
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_MEANT = re.compile(r"[^\W\d_]{2}|(?![\x00-\x7f])[^\W\d_]")
_SIGNS = re.compile(r"[^\w\s.,;:!?'\"¿¡()-]")

# Words that an English text of any subject holds, and hardly any other language.
_COMMON = frozenset(
    re.findall(
        r"\S+",
        """
        the and is are was were been to of on for with at from by it its it's i i'm you your my we
        our they them this that not don't can't didn't won't doesn't isn't so but if what when
        where who why how do does did have has had will would could all just get got after ever
        never again very good here there still please no in be me
        """,
    )
)

# Measured thresholds: probabilities of py3langid are spread over some 140 languages, so that 0.15
# for the best of them is already a clear vote on a short text.
_CLEAR = 0.15
_SURE = 0.5
_NEAR = 0.5
_CLOSE = 0.4
_WEAK = 0.3
_FAR = 0.03
_SOME = 0.34
_MOST = 0.6


@dataclass(frozen=True, slots=True)
class Language:
    """What language a text is in.

    `code` is two or three letters, empty where nothing can be said. `confidence` runs from 0 to
    1 and is that of `code`. `is_english` is the decision, which weighs more than the code.
    """

    code: str
    confidence: float
    is_english: bool


def has_words(prepared: str) -> bool:
    """Tells whether there is any word in it; emojis, digits and single letters are none."""
    return _MEANT.search(prepared) is not None


def identify(
    prepared: str, hint: str = "", knows: Callable[[str], bool] = lambda _: False
) -> Language:
    """Gives the language of a prepared text; looks at its first 1,000 characters.

    `hint` is the source's claim ("en", "pt-BR"). `knows` tells whether an English lexicon holds
    a word in lower case; it is asked only in doubt.
    """
    text = _quiet(_SIGNS.sub(" ", prepared[:_READ]))
    claimed = re.split(r"[-_]", hint.strip().lower())[0]
    ranked = _model().rank(text)
    best, confidence = ranked[0]
    english = next((value for code, value in ranked if code == ENGLISH), 0.0)
    share = _english_share(text, knows) if best != ENGLISH or confidence < _SURE else 1.0
    if best == ENGLISH:
        is_english = confidence >= _CLEAR or share > 0 or claimed == ENGLISH
        if claimed not in {"", ENGLISH} and confidence < _SURE and share < _MOST:
            is_english = False
    else:
        closeness = english / confidence if confidence else 0.0
        is_english = (closeness >= _NEAR and share >= _SOME) or (
            closeness >= _FAR and share >= _MOST
        )
        if claimed == ENGLISH and confidence < _SURE:
            is_english = is_english or _is_near(closeness, confidence, share)
        elif claimed:
            is_english = is_english and claimed == ENGLISH
    if is_english:
        return Language(ENGLISH, english, True)
    if best == ENGLISH or confidence < _CLEAR:
        return Language(claimed if claimed != ENGLISH else "", min(confidence, _CLEAR), False)
    return Language(best, confidence, False)


def _is_near(closeness: float, confidence: float, share: float) -> bool:
    """Tells whether a doubtful text may be taken for English because its source says so."""
    return (closeness >= _CLOSE and confidence < _WEAK) or share >= _NEAR


def _quiet(text: str) -> str:
    """Gives a shouted text in lower case; py3langid has hardly seen capitals."""
    capitals = sum(map(str.isupper, text))
    return text.lower() if capitals * 2 > sum(map(str.isalpha, text)) else text


def _english_share(text: str, knows: Callable[[str], bool]) -> float:
    words = _WORD.findall(text.lower())
    if not words:
        return 0.0
    known = sum(word in _COMMON or (len(word) > 2 and knows(word)) for word in words)
    return known / len(words)


@cache
def _model() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
