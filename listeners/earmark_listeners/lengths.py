"""Counts text as platforms count it; where unsure, a little too much and never too little."""

import unicodedata

_JOINER = "\u200d"
_PICTURES = ((0x1F300, 0x1F3FA), (0x1F400, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F90C, 0x1F9FF))
_JOINED_SIGNS = frozenset("♀♂⚕⚖⚧✈❤☠⛓")
_CONTROLS = {"Cc", "Cf", "Zl", "Zp"}
_FLAGS = (0x1F1E6, 0x1F1FF)


def graphemes(text: str) -> int:
    """Gives the number of characters a person sees.

    The extended grapheme clusters of Unicode's annex 29 for Latin, marks, emoji families, skin
    tones and flags; Hangul syllables written as separate letters, and Indic conjuncts, count
    more than once.
    """
    count = 0
    before = ""
    flag_open = False
    emoji_open = False
    for char in text:
        is_flag = _FLAGS[0] <= ord(char) <= _FLAGS[1]
        joins = _joins(before, char, emoji_open) or (is_flag and flag_open)
        flag_open = is_flag and not flag_open
        twice = before == char == _JOINER
        emoji_open = _is_emoji(char) or (emoji_open and joins and not is_flag and not twice)
        count += not joins
        before = char
    return count


def _joins(before: str, char: str, emoji_open: bool) -> bool:
    if before == "\r" and char == "\n":
        return True
    if not before or (unicodedata.category(before) in _CONTROLS and before != _JOINER):
        return False
    if char == _JOINER or 0x1F3FB <= ord(char) <= 0x1F3FF:
        return True
    if unicodedata.category(char) in {"Mn", "Me"}:
        return True
    return before == _JOINER and emoji_open and _is_emoji(char)


def _is_emoji(char: str) -> bool:
    return char in _JOINED_SIGNS or any(low <= ord(char) <= high for low, high in _PICTURES)
