"""From the bytes of an answer to a feed: which reader gets them."""

import re
from dataclasses import replace

from earmark_core.crowds import refuse_crowded_xml
from earmark_core.errors import Malformed, Unavailable
from earmark_core.text import clean, safe_link
from earmark_listeners.feeds.charset import decode
from earmark_listeners.feeds.entry import Feed
from earmark_listeners.feeds.jsonfeed import read_json
from earmark_listeners.feeds.lenient import LenientReader, shared_reader
from earmark_listeners.feeds.links import resolve
from earmark_listeners.feeds.refuse import refuse_declarations
from earmark_listeners.feeds.strict import read_tree

PARSER_VERSION = 1
"""Raised when the same bytes would give other entries: validators and hashes of old are dropped."""

_LEAD = "\ufeff\u200b \t\r\n\f\x00"
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body|title|meta|script)\b", re.IGNORECASE)
_FEED_ROOT = re.compile(r"<(?:\w+:)?(?:rss|feed|rdf|channel)\b", re.IGNORECASE)
_FEED_END = re.compile(
    r"</(?:\w+:)?(?:rss|feed|rdf|channel)\s*>\s*(?:<!--.*?-->\s*)*$", re.I | re.S
)
_LINK = re.compile(r"<link\b[^<>]{0,1000}>", re.IGNORECASE)
_FEED_TYPE = re.compile(r"application/(?:rss\+xml|atom\+xml|feed\+json)", re.IGNORECASE)
_HREF = re.compile(r"""href\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)


def read_feed(
    body: bytes, *, content_type: str = "", url: str = "", lenient: LenientReader = shared_reader
) -> Feed:
    """Gives the feed that *body* is. May take a second and blocks: call it from a thread.

    Well-formed feeds are read from a strictly parsed tree, all others by feedparser in a child
    process under limits. *url* is where the body came from; it is only used to complete the
    address of a feed that a web page names.

    Raises:
        Malformed: it is no feed, is dangerous, or is too broken to read.
        Unavailable: it is a web page; a login, an error or a moved site, often not for ever.
    """
    text = decode(body, content_type)
    if text is None:
        shown = body.replace(b"\0", b"").decode("latin-1").lstrip(_LEAD)
        _refuse(shown, url)
        return _broken(lenient.read(body, content_type), shown)
    text = text.lstrip(_LEAD)
    if text.startswith(("{", "[")):
        return read_json(text)
    _refuse(text, url)
    feed = read_tree(text)
    if feed is not None:
        return feed
    encoded = text.encode("utf-8", "replace")
    return _broken(lenient.read(encoded, "application/xml; charset=utf-8"), text)


def _refuse(text: str, url: str) -> None:
    if not text:
        raise Malformed("The answer is empty, which no feed is.")
    head = text[:4096]
    if _PAGE.search(head) and not _FEED_ROOT.search(head):
        named = _named_feed(text, url)
        raise Unavailable(
            "This is a web page, not a feed.",
            hint=f"The page names a feed: {named}" if named else "Look at it in a browser.",
        )
    refuse_crowded_xml(text)
    refuse_declarations(text)


def _named_feed(text: str, url: str) -> str:
    for link in _LINK.findall(text[:200_000]):
        href = _HREF.search(link)
        if href and _FEED_TYPE.search(link):
            named = safe_link(resolve(url, clean(href.group(1), is_html=True, limit=500)))
            if named:
                return named
    return ""


def _broken(feed: Feed, text: str) -> Feed:
    is_cut = bool(feed.fault) and not _FEED_END.search(text[-2_000:])
    if is_cut and not feed.entries:
        raise Malformed("The feed ends before its first entry.", hint="It is read again later.")
    return replace(feed, is_cut=is_cut)
