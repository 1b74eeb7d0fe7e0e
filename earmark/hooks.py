"""Deliveries: what other programs send is verified, stored as a poll's page is, and answered."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark.app import Parts
from earmark.cleaning import Place, prepare
from earmark.ingest import store_rows
from earmark.matching import load_watch
from earmark.quarantine import keep_bad_items
from earmark.withdrawing import withdraw
from earmark_core.errors import ConfigError, Malformed, Rejected, StoreError
from earmark_core.model import WindowState
from earmark_core.tables import PollWindow, Source
from earmark_core.text import fingerprint
from earmark_dashboard.services import Taken
from earmark_listeners import registry
from earmark_listeners.contract import Batch, Incoming, Receiver
from earmark_listeners.polling import Kept

log = logging.getLogger(__name__)

DELIVERED: Final = "deliveries of this hour"
_AT_ONCE: Final = 16
_REMEMBERED: Final = 10_000
_IDS = ("webhook-id", "x-delivery-id", "x-github-delivery")


@dataclass(frozen=True, slots=True)
class _Address:
    """A source that is delivered to."""

    place: Place
    options: Mapping[str, Any]
    is_enabled: bool


class Hooks:
    """Takes deliveries, a few at a time; one for each process that serves.

    A delivery that comes again changes nothing: each item is stored once by its id, and a
    delivery id that this process knows is answered without being looked at.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._under_way = 0
        self._known: dict[str, None] = {}

    async def deliver(self, key: str, headers: Mapping[str, str], body: bytes) -> Taken:
        """Gives what the sender is told."""
        if self._under_way >= _AT_ONCE:
            return Taken(429, {"error": "busy"}, retry_after=2)
        self._under_way += 1
        try:
            return await asyncio.to_thread(self._take, key, headers, body)
        except (StoreError, sa.exc.OperationalError) as error:
            log.error("a delivery could not be stored: %s", type(error).__name__)
            return Taken(503, {"error": "not stored, send it again"}, retry_after=10)
        finally:
            self._under_way -= 1

    def _take(self, key: str, headers: Mapping[str, str], body: bytes) -> Taken:
        address = self._address(key)
        if address is None:
            return Taken(404, {"error": "nothing is delivered here"})
        where = {"source": address.place.source_id, "channel": address.place.channel}
        try:
            batch = self._read(address, headers, body)
        except Rejected as error:  # the sender is not told why: it may be guessing
            log.warning("a delivery was refused", extra={**where, "reason": error.message})
            return Taken(401, {"error": "not accepted"})
        except ConfigError as error:
            log.error("a delivery cannot be read", extra={**where, "reason": error.message})
            return Taken(503, {"error": "this source is not set up"}, retry_after=300)
        except Malformed as error:
            return Taken(422, {"error": error.message})
        if not address.is_enabled:
            return Taken(503, {"error": "this source is paused"}, retry_after=3_600)
        return self._store(address.place, batch, _name(address.place, headers, body))

    def _read(self, address: _Address, headers: Mapping[str, str], body: bytes) -> Batch:
        listener = self._parts.build(address.place.channel, address.options)
        if not isinstance(listener, Receiver):
            raise ConfigError("this channel takes no deliveries", subject=listener.channel)
        return listener.receive(Incoming(headers, body, self._parts.clock()))

    def _store(self, place: Place, batch: Batch, name: str) -> Taken:
        if name and name in self._known:
            return Taken(200, {"items": 0, "known": True})
        told = [bad.reason for bad in batch.bad_items]
        if told and not batch.items and not batch.gone:
            return Taken(422, {"error": "no item can be read", "bad": told[:20]})
        kept = keep_delivery(self._parts, place, batch)
        if name:
            self._remember(name)
        answer: dict[str, Any] = {"items": kept.items, "new": kept.new}
        return Taken(202, answer | ({"bad": told[:20]} if told else {}))

    def _remember(self, name: str) -> None:
        self._known[name] = None
        while len(self._known) > _REMEMBERED:
            self._known.pop(next(iter(self._known)), None)

    def _address(self, key: str) -> _Address | None:
        """Finds the source that a key names: its number, or the slug in its options."""
        pushed = [name for name, kind in registry.channels().items() if kind.is_push]
        with self._parts.store.read() as session:
            sources = session.exec(select(Source).where(col(Source.channel).in_(pushed))).all()
            named = [one for one in sources if key in (str(one.id), one.options.get("slug"))]
            if len(named) != 1:
                return None
            source = named[0]
            place = Place(
                source_id=source.id or 0, brand_id=source.brand_id, channel=source.channel,
                include=source.include, exclude=source.exclude, takes_all=source.takes_all,
            )  # fmt: skip
            return _Address(place, dict(source.options), source.is_enabled)


def keep_delivery(parts: Parts, place: Place, batch: Batch) -> Kept:
    """Stores a delivery; all of it or nothing."""
    now = parts.clock()
    rows = prepare(batch.items, place, now)
    found = load_watch(parts.store).matches(place, rows)
    with parts.store.write() as session:
        kept = store_rows(parts.store, session, place, rows, found, now)
        keep_bad_items(session, place, batch.bad_items, now)
        withdraw(session, place.source_id, batch.gone, now)
        kept = Kept(kept.items, kept.new, len(batch.bad_items))
        _note(session, place, kept, now)
    return kept


def _note(session: Session, place: Place, kept: Kept, now: datetime) -> None:
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
    source = session.get(Source, place.source_id)
    if source is not None and kept.new:
        source.last_item_at = now


def _name(place: Place, headers: Mapping[str, str], body: bytes) -> str:
    """Gives what makes a delivery the same as another, "" if it has no id."""
    number = next((headers[name] for name in _IDS if headers.get(name)), "")
    words = body.decode("utf-8", "surrogateescape")
    return fingerprint(str(place.source_id), number, words) if number else ""
