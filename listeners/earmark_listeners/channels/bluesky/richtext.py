"""Makes the links, @names and #tags of a reply live: without facets they are dead text.

A facet names a part of the text by its first byte and the byte after its last one, counted in
UTF-8, never in characters; facets do not overlap (docs/advanced-guides/post-richtext of Bluesky).
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from earmark_listeners.lengths import graphemes, utf8_bytes

_MOST_NAMES = 10
_URL = re.compile(r"(?<![\w@/.-])https?://[^\s<>\"“”«»]+", re.IGNORECASE)
_END = re.compile(r"[.,;:!?'’…]+\Z")
_MENTION = re.compile(
    r"(?<![\w@/.-])@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)"
    r"(?![\w@-])",
    re.IGNORECASE | re.ASCII,
)
_TAG = re.compile(r"(?<!\S)[#＃](?!\ufe0f)([^\s#＃\u00ad\u2060\u200a-\u200d\u20e2]+)")
_TAG_END = re.compile(r"[\W_]+\Z")

Resolve = Callable[[str], Awaitable[str]]
"""Gives the id of the account with that handle; "" if nobody has it."""


async def facets_of(text: str, resolve: Resolve) -> list[dict[str, Any]]:
    """Gives the facets of *text*, first to last; a name that nobody has stays plain text."""
    found = [*_links(text), *_tags(text)]
    asked: dict[str, str] = {}
    for match in _MENTION.finditer(text):
        handle = match[1].casefold()
        if handle not in asked:
            asked[handle] = await resolve(handle) if len(asked) < _MOST_NAMES else ""
        if asked[handle]:
            found.append((*match.span(), _feature("mention", did=asked[handle])))
    return [_facet(text, *each) for each in _apart(found)]


_Found = tuple[int, int, dict[str, str]]


def _links(text: str) -> Iterator[_Found]:
    for match in _URL.finditer(text):
        url = _END.sub("", match.group())
        while url.endswith((")", "]")) and url.count(url[-1]) > url.count(_OPENING[url[-1]]):
            url = _END.sub("", url[:-1])
        if len(url) > len("https://") and not url.endswith("://"):
            yield match.start(), match.start() + len(url), _feature("link", uri=url)


_OPENING = {")": "(", "]": "["}


def _tags(text: str) -> Iterator[_Found]:
    for match in _TAG.finditer(text):
        tag = _TAG_END.sub("", match[1])
        is_fit = graphemes(tag) <= 64 and utf8_bytes(tag) <= 640
        if tag and not tag.isdecimal() and is_fit:
            yield match.start(), match.start(1) + len(tag), _feature("tag", tag=tag)


def _apart(found: list[_Found]) -> Iterator[_Found]:
    """Gives what was found in order; of two that overlap, the first."""
    end = 0
    for each in sorted(found, key=lambda one: (one[0], -one[1])):
        if each[0] >= end:
            yield each
            end = each[1]


def _feature(kind: str, **what: str) -> dict[str, str]:
    return {"$type": f"app.bsky.richtext.facet#{kind}", **what}


def _facet(text: str, start: int, end: int, feature: dict[str, str]) -> dict[str, Any]:
    index = {"byteStart": utf8_bytes(text[:start]), "byteEnd": utf8_bytes(text[:end])}
    return {"index": index, "features": [feature]}
