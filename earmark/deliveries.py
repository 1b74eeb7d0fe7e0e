"""What a delivery brought is stored once, together with what tells it when it comes again.

A delivery may come twice, and in any order. Its digest is in the database together with what it
brought, so that neither a restart nor a second process makes it new again. Of what was deleted the
name's digest is kept as well, for its first words may come after that.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark.app import Parts
from earmark.cleaning import Place, prepare
from earmark.ingest import store_rows
from earmark.matching import load_watch
from earmark.quarantine import keep_bad_items
from earmark.withdrawing import withdraw
from earmark_core import jobs
from earmark_core.errors import ConfigError, EarmarkError, Unavailable
from earmark_core.jobs import JobRow
from earmark_core.model import SYSTEM, WindowState
from earmark_core.store import Store
from earmark_core.tables import HookDelivery, Mention, PollWindow, Source
from earmark_core.text import fingerprint
from earmark_listeners.contract import Batch
from earmark_listeners.polling import Kept
from earmark_listeners.receiving import Reader

DELIVERED: Final = "deliveries of this hour"
READ: Final = "read"
_MOST_TRIES: Final = 288  # a day, for a job is tried again when its lease has run out


def place_of(source: Source) -> Place:
    """Gives where a delivery to this source comes from."""
    return Place(
        source_id=source.id or 0, brand_id=source.brand_id, channel=source.channel,
        include=source.include, exclude=source.exclude, takes_all=source.takes_all,
        name=source.name,
    )  # fmt: skip


def keep_delivery(parts: Parts, place: Place, batch: Batch, digest: str = "") -> Kept | None:
    """Stores a delivery, all of it or nothing; None if the one of this digest is stored already."""
    now = parts.clock()
    rows = prepare(batch.items, place, now)
    found = load_watch(parts.store).matches(place, rows)
    with parts.store.write() as session:
        if digest and not _remember(parts.store, session, place, [digest], now):
            return None
        late = _late(session, place, batch.said_at)
        timely = [n for n, row in enumerate(rows) if row["external_id"] not in late]
        kept = store_rows(
            parts.store, session, place, [rows[n] for n in timely], [found[n] for n in timely], now
        )
        keep_bad_items(session, place, batch.bad_items, now)
        withdraw(session, place.source_id, batch.gone, now)
        marks = [_mark(place, name) for name in batch.gone]
        _remember(parts.store, session, place, marks, now)
        _ask_for(parts.store, session, place, batch.named, now)
        kept = Kept(len(rows), kept.new, len(batch.bad_items))
        _note(session, place, kept, now, polls_soon=batch.polls_soon)
    return kept


async def read_named(parts: Parts, job: JobRow) -> tuple[str, str] | None:
    """Reads what deliveries only named, and stores it; gives how the job ended, and a note.

    None where the platform cannot be asked now: the job is tried again once its lease runs out.
    """
    with parts.store.read() as session:
        source = session.get(Source, int(job.payload["source_id"]))
    if source is None:
        return "failed", "The source is gone."
    try:
        listener = parts.build(source.channel, source.options)
        if not isinstance(listener, Reader):
            raise ConfigError("this channel reads nothing by name", subject=source.channel)
        batch = await listener.read([str(name) for name in job.payload["names"]])
    except Unavailable as error:
        tries = job.done + 1
        stop = jobs.progress(parts.store, job.id, done=tries, total=_MOST_TRIES, now=parts.clock())
        return ("failed", error.message) if stop or tries >= _MOST_TRIES else None
    except EarmarkError as error:
        return "failed", f"{error.message} {error.hint}".strip()
    kept = keep_delivery(parts, place_of(source), batch) or Kept()
    return "done", f"{kept.new} new of {kept.items} items."


def _remember(
    store: Store, session: Session, place: Place, digests: list[str], now: datetime
) -> bool:
    """Keeps digests; tells whether any of them was not known."""
    if not digests:
        return False
    rows = [{"digest": each, "source_id": place.source_id, "at": now} for each in digests]
    insert = store.insert(HookDelivery).values(rows).on_conflict_do_nothing()
    return session.execute(insert.returning(col(HookDelivery.digest))).first() is not None


def _mark(place: Place, external_id: str) -> str:
    return fingerprint("gone", str(place.source_id), external_id)


def _late(session: Session, place: Place, said_at: Mapping[str, datetime]) -> set[str]:
    """Gives the ids of items that are gone, or of which newer words are stored."""
    if not said_at:
        return set()
    stored = sa.select(
        col(Mention.external_id), col(Mention.edited_at), col(Mention.published_at),
        col(Mention.seen_at),
    )  # fmt: skip
    stored = stored.where(
        col(Mention.source_id) == place.source_id, col(Mention.external_id).in_(said_at)
    )
    late = {
        row.external_id
        for row in session.execute(stored)
        if said_at[row.external_id] <= (row.edited_at or row.published_at or row.seen_at)
    }
    marks = {_mark(place, name): name for name in said_at}
    known = sa.select(col(HookDelivery.digest)).where(col(HookDelivery.digest).in_(marks))
    return late | {marks[row.digest] for row in session.execute(known)}


def _ask_for(
    store: Store, session: Session, place: Place, names: tuple[str, ...], now: datetime
) -> None:
    if names:
        key = f"{READ}:{place.source_id}:{fingerprint(*names)}"
        asked = {"source_id": place.source_id, "names": list(names)}
        jobs.submit(store, session, kind=READ, key=key, by=SYSTEM.name, now=now, payload=asked)


def _note(
    session: Session, place: Place, kept: Kept, now: datetime, *, polls_soon: bool = False
) -> None:
    """Counts a delivery in the ledger, an hour in one window; it vouches for its moment only."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    window = session.exec(
        select(PollWindow)
        .where(
            col(PollWindow.source_id) == place.source_id,
            col(PollWindow.note) == DELIVERED,
            col(PollWindow.started_at) >= hour,
        )
        .order_by(col(PollWindow.id).desc())
        .limit(1)
        .with_for_update()
    ).first()
    if window is None:
        window = PollWindow(
            source_id=place.source_id, state=WindowState.complete, started_at=now, ended_at=now,
            note=DELIVERED,
        )  # fmt: skip
    window.covers_from = window.ended_at = now
    window.pages += 1
    window.items += kept.items
    window.new_items += kept.new
    window.bad_items += kept.bad
    session.add(window)
    values: dict[str, Any] = {"last_item_at": now} if kept.new else {}
    if polls_soon:
        values |= _hastened(session, place, now)
    if values:
        session.execute(sa.update(Source).where(col(Source.id) == place.source_id).values(**values))


def _hastened(session: Session, place: Place, now: datetime) -> dict[str, Any]:
    """Gives when the source is polled next: soon, but no sooner than it may be at all.

    While it is being polled, *now* tells the end of that poll that another one is wanted.
    """
    source = session.exec(
        select(Source).where(col(Source.id) == place.source_id).with_for_update()
    ).one()
    soon = now
    if source.lease_until is None and source.last_polled_at is not None:
        soon = max(now, source.last_polled_at + timedelta(seconds=source.min_interval_seconds))
        soon = min(soon, source.next_poll_at)
    return {"next_poll_at": soon}
