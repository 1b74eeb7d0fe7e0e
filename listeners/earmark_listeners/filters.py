"""The filters of a query, such as `rating:<3`: read, put into words, and tried. Pure.

What a filter asks for and is simply absent (a post has no rating) does not match. The language
is another matter: a source that does not tell it says nothing against the text, and dropping it
would lose mentions silently, so an unknown language passes both `lang:en` and `-lang:en`.
"""

import re
from difflib import get_close_matches
from math import nextafter

from earmark_listeners.query_tree import About, Filter
from earmark_listeners.whole_words import prepared

NAMES = ("author", "lang", "source", "rating", "has")
THINGS = ("link", "hashtag", "handle", "rating", "title")
TOO_OPEN = frozenset(("lang", "has"))
"""Filters that nearly every text passes, which is why they cannot stand alone."""

_LINK = re.compile(r"https?://", re.IGNORECASE)
_TAG = re.compile(r"(?<!\w)#\w", re.UNICODE)
_HANDLE = re.compile(r"(?<!\w)@\w", re.UNICODE)
_BOUND = re.compile(r"(<=|>=|<|>|=)?(\d+(?:\.\d+)?)", re.ASCII)
_RANGE = re.compile(r"(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)", re.ASCII)
_LANG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.ASCII)


class BadFilter(ValueError):
    """The value of a filter cannot be read; the text says why."""


def misspelt(name: str) -> str:
    """Gives the filter that *name* was probably meant to be, "" for none."""
    close = get_close_matches(name.lower(), NAMES, n=1, cutoff=0.75)
    return close[0] if close else ""


def read_filter(name: str, value: str, shown: str, column: int) -> Filter:
    """Gives the filter; raises `BadFilter`."""
    folded = prepared(value)
    if not folded:
        raise BadFilter(f"{name}: needs a value")
    if name == "rating":
        low, high = _ends(folded)
        return Filter(shown, name, folded, column, low, high)
    if name == "has" and folded not in THINGS:
        raise BadFilter(f"has: knows {', '.join(THINGS[:-1])} and {THINGS[-1]}")
    if name == "lang" and not _LANG.fullmatch(folded):
        raise BadFilter("lang: takes a code such as en or pt-br")
    return Filter(shown, name, folded.removeprefix("@"), column)


def _ends(value: str) -> tuple[float, float]:
    """Gives the lowest and highest rating of `1`, `<3`, `>=4` or `2..4`."""
    between = _RANGE.fullmatch(value)
    if between:
        low, high = float(between[1]), float(between[2])
        if low > high:
            raise BadFilter("rating: has its lower end first, as in rating:1..2")
        return low, high
    bound = _BOUND.fullmatch(value)
    if not bound:
        raise BadFilter("rating: takes a number, <3, >=4 or 1..2")
    sign, number = bound[1] or "=", float(bound[2])
    return {
        "=": (number, number),
        "<": (float("-inf"), nextafter(number, float("-inf"))),
        "<=": (float("-inf"), number),
        ">": (nextafter(number, float("inf")), float("inf")),
        ">=": (number, float("inf")),
    }[sign]


def in_words(one: Filter) -> str:
    """Gives the filter as a person would say it."""
    written = one.shown.partition(":")[2]
    return {
        "author": f"an author called {written}",
        "lang": f"the language {one.value}, or none named",
        "source": f"the source {written}",
        "rating": f"a rating of {written}",
        "has": f"a {one.value}",
    }[one.name]


def is_unknown(one: Filter, about: About) -> bool:
    """Tells that nobody can say whether the filter holds; then nothing is dropped for it."""
    return one.name == "lang" and not about.lang


def holds(one: Filter, about: About) -> bool:
    """Tells whether the filter holds for a text of which this is known."""
    if one.name == "rating":
        return about.rating is not None and one.low <= about.rating <= one.high
    if one.name == "has":
        return one.value in about.has
    if one.name == "lang":
        told = prepared(about.lang).replace("_", "-")
        return told == one.value or told.startswith(f"{one.value}-")
    names = about.author if one.name == "author" else about.sources
    return any(prepared(name).removeprefix("@") == one.value for name in names)


def things_of(text: str, *, title: str = "", rating: float | None = None) -> frozenset[str]:
    """Gives which of `THINGS` a text has."""
    found = {
        "link": _LINK.search(text),
        "hashtag": _TAG.search(text),
        "handle": _HANDLE.search(text),
        "rating": rating is not None,
        "title": title,
    }
    return frozenset(thing for thing, there in found.items() if there)
