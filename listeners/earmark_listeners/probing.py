"""Trying a source before it is saved: does it answer, and with what. Stores nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from earmark_core.clock import as_utc
from earmark_core.model import Item
from earmark_core.text import clean, safe_link
from earmark_listeners.contract import Batch, Listener
from earmark_listeners.polling import Kept, Outcome, poll

MOST = 5
DEADLINE = timedelta(seconds=45)
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Sample:
    """One item as the source gave it, cleaned and cut to 300 characters."""

    at: datetime | None
    author: str
    title: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of trying a source: its newest items, or why there are none."""

    items: tuple[Sample, ...] = ()
    found: int = 0
    bad_items: int = 0
    error: str = ""
    hint: str = ""

    @property
    def went_well(self) -> bool:
        """Tells whether the source answered and could be read, even if it holds nothing."""
        return not self.error

    @property
    def words(self) -> str:
        """Says in a sentence or two what came of it."""
        bad = f" {self.bad_items} could not be read." if self.bad_items else ""
        if self.error:
            return f"{self.error} {self.hint}".strip() + bad
        if not self.found:
            return f"It answers, and has nothing to show now.{bad}"
        shown = len(self.items)
        newest = f"; the newest {shown} are shown" if self.found > shown else ""
        return f"It answers with {self.found} item{'s' if self.found > 1 else ''}{newest}.{bad}"


async def probe(listener: Listener[Any], *, deadline: timedelta = DEADLINE) -> Probed:
    """Polls once as a first poll would, and keeps nothing; ends at the deadline at the latest."""
    items: dict[str, Item] = {}
    bad_items = 0

    async def keep(batch: Batch) -> Kept:
        nonlocal bad_items
        items.update((item.external_id, item) for item in batch.items)
        bad_items += len(batch.bad_items)
        return Kept()

    outcome: Outcome = await poll(listener, None, keep, deadline=deadline)
    newest = sorted(items.values(), key=_age, reverse=True)[:MOST]
    samples = tuple(_sample(item) for item in newest)
    return Probed(samples, len(items), bad_items, outcome.error, outcome.hint)


def _age(item: Item) -> float:
    return as_utc(item.published_at).timestamp() if item.published_at else 0.0


def _sample(item: Item) -> Sample:
    author = item.author
    return Sample(
        at=as_utc(item.published_at) if item.published_at else None,
        author=clean(author.name or author.handle, limit=100) if author else "",
        title=clean(item.title, limit=_LONGEST),
        text=clean(item.text, is_html=item.is_html, limit=_LONGEST),
        url=safe_link(item.url),
    )
