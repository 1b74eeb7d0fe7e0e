"""Counts a post as Mastodon does."""

import re
from collections.abc import Sequence

from earmark_listeners.lengths import graphemes

MAX_LENGTH = 500
_PER_URL = 23
# A part of what the server takes for an address: a name with a known ending, no user, no number.
# What falls outside is counted in full, so that the count is never too low.
_COMMON_ENDINGS = (
    "com org net edu gov mil int info app dev museum shop online store site blog cloud news xyz "
    "social tech"
)
_ENDING = rf"(?:{'|'.join(_COMMON_ENDINGS.split())}|[a-z]{{2}})"
_URL = re.compile(
    rf"(?<![\w@$#/])https?://(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.){{1,8}}{_ENDING}"
    r"(?![\w.@-]*[\w@])(?::[0-9]{1,5}(?![0-9]))?"
    r"(?:/(?:[a-z0-9!;:=+,.$%_~@&/#'-]*[a-z0-9_/#-])?)?"
    r"(?:\?[a-z0-9!;:=+,.$%_~@&/#'-]*[a-z0-9_&=#/-])?",
    re.IGNORECASE | re.ASCII,
)
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_REMOTE = re.compile(r"(?<![=/\w.@])(@[a-z0-9_]{1,30})@[a-z0-9.-]*[a-z0-9]", re.IGNORECASE)


def status_length(text: str) -> int:
    """Gives the length of a post: what a person sees, an address as 23, of `@a@host` only `@a`."""
    pieces: Sequence[str] = _URL.split(text)
    urls = len(pieces) - 1
    return urls * _PER_URL + sum(_plain_length(piece) for piece in pieces)


def _plain_length(piece: str) -> int:
    short = sum(max(0, _PER_URL - len(found)) for found in _ADDRESS.findall(piece))
    return short + graphemes(_REMOTE.sub(r"\1", piece))
