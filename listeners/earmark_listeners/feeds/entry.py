"""What every reader of feeds gives: one shape for RSS, Atom, RDF and JSON Feed."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

MAX_ENTRIES = 5_000

_TAG_OR_ENTITY = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]\w*);")


class Entry(NamedTuple):
    """One entry as the feed has it: nothing is cleaned, links may still be relative.

    A tuple, for a frozen dataclass with as many fields takes four times as long to make.

    `parent` is the id of what the entry answers. `publisher` is who first brought it, where the
    feed gathers from others. Figures the feed does not give are None.
    """

    id: str = ""
    is_permalink: bool = False
    link: str = ""
    title: str = ""
    title_is_html: bool = False
    text: str = ""
    text_is_html: bool = False
    author_name: str = ""
    author_url: str = ""
    author_email: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    lang: str = ""
    tags: tuple[str, ...] = ()
    parent: str = ""
    publisher: str = ""
    publisher_url: str = ""
    replies: int | None = None
    views: int | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """An entry that could not be read, and why."""

    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """A whole document: its entries in the document's order, and what it says of itself.

    `ttl_minutes` is the wait the feed asks for. `is_cut` says the document ends before its end;
    `is_capped` that entries beyond `MAX_ENTRIES` were left out. `fault` is what is not
    well-formed in it, in words, empty if nothing.
    """

    entries: tuple[Entry, ...] = ()
    bad: tuple[Bad, ...] = ()
    title: str = ""
    link: str = ""
    lang: str = ""
    ttl_minutes: int | None = None
    is_cut: bool = False
    is_capped: bool = False
    fault: str = ""


def looks_like_html(text: str) -> bool:
    """Says whether *text* holds a tag, a comment or an entity, and so has to be read as HTML."""
    return ("<" in text or "&" in text) and _TAG_OR_ENTITY.search(text) is not None


def whole_number(text: str) -> int | None:
    """Gives the number that *text* writes in up to nine digits, else None."""
    if not text:
        return None
    found = text.strip()
    return int(found) if found.isascii() and found.isdigit() and len(found) < 10 else None
