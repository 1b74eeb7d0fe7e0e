"""Where a brand is spoken of and its name is enough, but which are set up only when asked for.

They bring much that is of no use to most brands, or hear programmers alone.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from earmark_config.places_by_id import feed_source
from earmark_config.seed import SourceSeed
from earmark_core.errors import ConfigError

_SHORTEST_WORD: Final = 3
_LEMMY_SERVER: Final = "https://lemmy.world"
_OPERATORS: Final = ("AND", "OR", "NOT")


@dataclass(frozen=True, slots=True)
class ByName:
    """A place that needs the name alone, and is set up only when asked for."""

    key: str
    name: str
    covers: str
    make: Callable[[Sequence[str], Sequence[str], str], SourceSeed]


def _gdelt(names: Sequence[str], unwanted: Sequence[str], covers: str) -> SourceSeed:
    words = [_term(name) for name in names if len(_letters(name)) >= _SHORTEST_WORD]
    if not words:
        raise ConfigError(
            f"GDELT takes no words of less than {_SHORTEST_WORD} letters", subject=names[0]
        )
    query = " OR ".join(words)
    query = f"({query})" if len(words) > 1 else query
    query += "".join(f" -{_term(word)}" for word in unwanted)
    return SourceSeed(
        name="GDELT news",
        channel="gdelt",
        interval_seconds=900,
        options={"query": query},
        covers=covers,
    )


def _lobsters(_: Sequence[str], __: Sequence[str], covers: str) -> SourceSeed:
    return feed_source("Lobsters", "https://lobste.rs/newest.rss", covers, 1_800)


def _lemmy(names: Sequence[str], _: Sequence[str], covers: str) -> SourceSeed:
    return SourceSeed(
        name="Lemmy search",
        channel="lemmy",
        interval_seconds=900,
        options={"base_url": _LEMMY_SERVER, "kind": "search", "query": names[0]},
        covers=covers,
    )


def _product_hunt(_: Sequence[str], __: Sequence[str], covers: str) -> SourceSeed:
    return feed_source("Product Hunt", "https://www.producthunt.com/feed", covers)


def _devto(names: Sequence[str], _: Sequence[str], covers: str) -> SourceSeed:
    tag = _as_tag(names[0], "dev.to")
    return feed_source(f"dev.to {tag}", f"https://dev.to/feed/tag/{tag}", covers)


def _medium(names: Sequence[str], _: Sequence[str], covers: str) -> SourceSeed:
    tag = _as_tag(names[0].replace(" ", "-"), "Medium")
    return feed_source(f"Medium {tag}", f"https://medium.com/feed/tag/{tag}", covers)


def _as_tag(name: str, place: str) -> str:
    """Writes a name as a tag: small letters and digits, with - where it stands between words."""
    tag = re.sub(r"[^\w-]|_", "", name.lower()).strip("-")
    if not tag:
        raise ConfigError(f"this name cannot be a tag on {place}", subject=name)
    return quote(tag, safe="-")


def _letters(name: str) -> str:
    return "".join(sign for sign in name if sign.isalnum())


def _term(name: str) -> str:
    """Writes a name for GDELT: in quotes, unless it is one plain word."""
    return name if name.isalnum() and name not in _OPERATORS else f'"{name}"'


BY_NAME: Final = (
    ByName(
        "gdelt",
        "GDELT news",
        "News in 65 languages that GDELT has seen, by headline alone; not the article's text, not "
        "what is behind a paywall; the same agency report comes from many papers.",
        _gdelt,
    ),
    ByName(
        "lemmy",
        "Lemmy search",
        "Posts and comments that lemmy.world knows of and finds by the name; not communities that "
        "nobody there follows.",
        _lemmy,
    ),
    ByName(
        "lobsters",
        "Lobsters",
        "The 25 newest stories on Lobsters, where they name the brand; programmers only, no "
        "comments.",
        _lobsters,
    ),
    ByName(
        "devto",
        "dev.to",
        "The newest dev.to articles tagged with the name, where they name the brand; not those "
        "with other tags, not comments. Fails if there is no such tag.",
        _devto,
    ),
    ByName(
        "medium",
        "Medium",
        "The 10 newest Medium stories tagged with the name, by title and first lines; not those "
        "with other tags, not comments. Fails if there is no such tag.",
        _medium,
    ),
    ByName(
        "producthunt",
        "Product Hunt",
        "New products on Product Hunt, where name or tagline names the brand; not comments, not "
        "reviews.",
        _product_hunt,
    ),
)
"""Places that need the name alone, set up only when asked for."""
