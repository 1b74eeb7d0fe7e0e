"""What no poll brings goes the way of a poll: cleaned, matched, stored, in pages.

A file that somebody imports, and what a person was told and writes down.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from sqlmodel import col, select

from earmark.app import Parts
from earmark.cleaning import Place, prepare
from earmark.importing import Reject
from earmark.ingest import store_rows
from earmark.matching import Watch, load_watch
from earmark_core import audit
from earmark_core.access import require
from earmark_core.model import Actor, Item, Role
from earmark_core.tables import Quarantine, Source

CHANNEL = "import"
BY_HAND = "manual"
_SOURCES = {CHANNEL: "Import", BY_HAND: "Written down by hand"}
PAGE = 200
# Older than this nobody waits for an answer any more; it is kept, scored and shown on trends.
STILL_OPEN = timedelta(days=30)


@dataclass(slots=True)
class Imported:
    """What an import came to; `rejects` holds the first of them, `rejected` counts all."""

    rows: int = 0
    new: int = 0
    known: int = 0
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)


def take(
    parts: Parts,
    actor: Actor,
    brand_id: int,
    found: Iterator[tuple[int, Item | Reject]],
    *,
    history: bool,
    tick: Callable[[int], None],
) -> Imported:
    """Stores a file's items for a brand; a row that is bad is kept apart, the rest is taken.

    What is older than 30 days, or all if *history* says so, opens no case.
    """
    require(actor, Role.manager, "import mentions")
    return _take(parts, actor, brand_id, CHANNEL, found, history=history, tick=tick)


def write_down(parts: Parts, actor: Actor, brand_id: int, item: Item) -> bool:
    """Stores what a person was told; gives False where it stands there already."""
    require(actor, Role.responder, "write down a mention")
    found = iter([(1, item)])
    total = _take(parts, actor, brand_id, BY_HAND, found, history=False, tick=lambda _rows: None)
    return total.new > 0


def _take(
    parts: Parts,
    actor: Actor,
    brand_id: int,
    channel: str,
    found: Iterator[tuple[int, Item | Reject]],
    *,
    history: bool,
    tick: Callable[[int], None],
) -> Imported:
    source_id = _source(parts, actor, brand_id, channel)
    place = Place(source_id, brand_id, channel, takes_all=True, is_history=history)
    watch = load_watch(parts.store)
    total = Imported()
    while page := list(islice(found, PAGE)):
        _keep(parts, place, watch, page, total)
        tick(len(page))
    return total


def _keep(
    parts: Parts,
    place: Place,
    watch: Watch,
    page: Sequence[tuple[int, Item | Reject]],
    total: Imported,
) -> None:
    now = parts.clock()
    rejects = [one for _, one in page if isinstance(one, Reject)]
    rows = prepare((one for _, one in page if isinstance(one, Item)), place, now)
    for row in rows:
        row["is_history"] = place.is_history or _is_old(row["published_at"], now)
    matches = watch.matches(place, rows)
    with parts.store.write() as session:
        kept = store_rows(parts.store, session, place, rows, matches, now)
        for reject in rejects:
            reason = f"line {reject.line}: {reject.reason}"
            session.add(
                Quarantine(source_id=place.source_id, reason=reason, raw=reject.raw, seen_at=now)
            )
    total.rows += len(page)
    total.new += kept.new
    total.known += len(page) - len(rejects) - kept.new
    total.rejected += len(rejects)
    total.rejects += rejects[: max(0, 20 - len(total.rejects))]


def _is_old(published_at: datetime | None, now: datetime) -> bool:
    return published_at is not None and published_at < now - STILL_OPEN


def _source(parts: Parts, actor: Actor, brand_id: int, channel: str) -> int:
    """Gives the brand's source for what comes this way, made at the first; it is never polled."""
    mine = select(Source).where(col(Source.brand_id) == brand_id, col(Source.channel) == channel)
    with parts.store.write() as session:
        source = session.exec(mine).first()
        if source is None:
            now = parts.clock()
            source = Source(
                brand_id=brand_id, channel=channel, name=_SOURCES[channel], takes_all=True,
                is_enabled=False, next_poll_at=now, created_at=now,
            )  # fmt: skip
            session.add(source)
            session.flush()
            audit.record(
                session, at=now, by=actor.name, action="add", subject="source",
                subject_id=source.id or 0, before={}, after={"name": source.name},
            )  # fmt: skip
        return source.id or 0
