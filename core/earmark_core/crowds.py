"""How many parts a document may have before anything is built from it.

The limit for an answer's bytes is none for memory: 10 MB of empty lists, or of empty elements,
become 250 MB once they are read. Counting their signs costs milliseconds. Signs within texts count
as well, so the limits lie far above what a page of posts or a feed of 10 MB holds.
"""

from typing import Final

from earmark_core.errors import Malformed

MOST_VALUES: Final = 500_000
MOST_TAGS: Final = 400_000
_HINT: Final = "Narrow what is asked for, or poll more often."


def refuse_crowded_json(body: bytes | str) -> None:
    """Raises `Malformed` if there are more than 500,000 values in this JSON."""
    signs: tuple[bytes, ...] = (b",", b"[", b"{")
    if isinstance(body, str):
        found = sum(body.count(sign.decode()) for sign in signs)
    else:
        found = sum(body.count(sign) for sign in signs)
    if found > MOST_VALUES:
        raise Malformed(f"The answer holds more than {MOST_VALUES:,} values.", hint=_HINT)


def refuse_crowded_xml(text: str) -> None:
    """Raises `Malformed` if there are more than 400,000 tags in this XML."""
    if len(text) > MOST_TAGS and text.count("<") > MOST_TAGS:
        raise Malformed(f"The feed holds more than {MOST_TAGS:,} tags.", hint=_HINT)
