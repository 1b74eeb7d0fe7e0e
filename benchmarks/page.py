"""A page of posts in each of the forms the ways of ingest start from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks import samples
from earmark.cleaning import Place, prepare
from earmark.matching import Watch
from earmark_core.model import Item

PLACE = Place(source_id=1, brand_id=1, channel="feed", takes_all=True)


@dataclass(frozen=True, slots=True)
class Page:
    """Posts as a listener gives them."""

    number: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The same posts as rows, with their matches."""

    rows: Sequence[dict[str, Any]]
    found: Sequence[Sequence[Mapping[str, Any]]]


def pages(rows: int, size: int, now: datetime) -> list[Page]:
    """Gives *rows* posts in pages of *size*."""
    return [
        Page(start, tuple(samples.items(min(size, rows - start), seed=7, now=now, first=start)))
        for start in range(0, rows, size)
    ]


def cleaned(page: Page, watch: Watch, now: datetime) -> Cleaned:
    """Gives a page as rows and matches."""
    rows = prepare(page.items, PLACE, now)
    return Cleaned(rows, watch.matches(PLACE, rows))
