"""Length of a post as Mastodon counts it, written apart from the channel that is tested with it.

Grapheme clusters; a link counts 23; of `@user@host` only `@user` counts. Clusters are told by
combining marks, joiners, skin tones and flag pairs, which is all that people type.
"""

import re
import unicodedata

LINK_LENGTH = 23
# A scheme, a host with a dot and a top-level name; hosts that are numbers and links with a
# user name are no links to Mastodon and are counted in full.
_LINK = re.compile(
    r"https?://(?:[^\s@/:?#\[\]()<>]+\.)+[^\W\d_]{2,}(?::\d+)?"
    r"(?![^\s/]*@)(?:[/?#][^\s<>\"]*[^\s<>\"'.,:;!?)\]}]|/)?"
)
_MENTION = re.compile(r"(?<![\w/])(@\w[\w.-]*)@[\w-]+(?:\.[\w-]+)+")
_ZERO_WIDTH_JOINER = "\u200d"


def status_length(text: str, spoiler: str = "") -> int:
    """Gives how many characters a status has on a Mastodon server (limit 500 by default)."""
    text = text.replace("\r\n", "\n")
    text = _LINK.sub("x" * LINK_LENGTH, text)
    return _clusters(_MENTION.sub(r"\1", text)) + _clusters(spoiler)


def _clusters(text: str) -> int:
    count, joined, flags = 0, False, 0
    for char in unicodedata.normalize("NFC", text):
        flag = "\U0001f1e6" <= char <= "\U0001f1ff"
        extends = (
            char == _ZERO_WIDTH_JOINER
            or unicodedata.category(char) in {"Mn", "Me", "Mc"}
            or "\U0001f3fb" <= char <= "\U0001f3ff"
            or (flag and flags % 2 == 1)
        )
        if not extends and not joined:
            count += 1
        elif count == 0:
            count = 1
        flags = flags + 1 if flag else 0
        joined = char == _ZERO_WIDTH_JOINER
    return count
