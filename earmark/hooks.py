"""Deliveries: what other programs send is verified, stored as a poll's page is, and answered."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col, select

from earmark.app import Parts
from earmark.cleaning import Place
from earmark.deliveries import keep_delivery, place_of
from earmark_core.errors import ConfigError, Malformed, Rejected, StoreError
from earmark_core.tables import Source
from earmark_core.text import fingerprint
from earmark_dashboard.services import Taken
from earmark_listeners import registry
from earmark_listeners.contract import Batch
from earmark_listeners.receiving import Handshaker, Incoming, Receiver

log = logging.getLogger(__name__)

_AT_ONCE: Final = 16
_IDS = ("webhook-id", "x-delivery-id", "x-github-delivery")
_NOT_FOUND: Final = Taken(404, {"error": "nothing is delivered here"})
_NOT_SET_UP: Final = Taken(503, {"error": "this source is not set up"}, retry_after=300)
_PAUSED: Final = Taken(503, {"error": "this source is paused"}, retry_after=3_600)


@dataclass(frozen=True, slots=True)
class _Address:
    """A source that is delivered to."""

    place: Place
    options: Mapping[str, Any]
    is_enabled: bool

    @property
    def told(self) -> dict[str, Any]:
        """Gives what the log says of it."""
        return {"source": self.place.source_id, "channel": self.place.channel}


class Hooks:
    """Takes deliveries, a few at a time; one for each process that serves.

    A delivery that comes again changes nothing: each item is stored once by its id, and one whose
    delivery id is known in the database is not looked at.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._under_way = 0

    async def deliver(self, key: str, headers: Mapping[str, str], body: bytes) -> Taken:
        """Gives what the sender is told."""
        return await self._one_of_few(lambda: self._take(key, headers, body))

    async def handshake(self, key: str, query: Mapping[str, str]) -> Taken:
        """Gives what a platform is answered that asks whether this address is ours."""
        return await self._one_of_few(lambda: self._greet(key, query))

    async def _one_of_few(self, do: Callable[[], Taken]) -> Taken:
        if self._under_way >= _AT_ONCE:
            return Taken(429, {"error": "busy"}, retry_after=2)
        self._under_way += 1
        try:
            return await asyncio.to_thread(do)
        except (StoreError, sa.exc.OperationalError) as error:
            log.error("a delivery could not be stored: %s", type(error).__name__)
            return Taken(503, {"error": "not stored, send it again"}, retry_after=10)
        finally:
            self._under_way -= 1

    def _greet(self, key: str, query: Mapping[str, str]) -> Taken:
        address = self._address(key)
        if address is None:
            return _NOT_FOUND
        try:
            listener = self._parts.build(address.place.channel, address.options)
            if not isinstance(listener, Handshaker):
                return _NOT_FOUND
            return Taken(200, text=listener.handshake(query))
        except Rejected as error:
            log.warning("a handshake was refused", extra={**address.told, "reason": error.message})
            return Taken(403, {"error": "not accepted"})
        except ConfigError as error:
            log.error("a handshake failed", extra={**address.told, "reason": error.message})
            return _NOT_SET_UP

    def _take(self, key: str, headers: Mapping[str, str], body: bytes) -> Taken:
        address = self._address(key)
        if address is None:
            return _NOT_FOUND
        if not registry.channel(address.place.channel).shares_address:
            return self._hand(address, headers, body)
        named = self._hand(address, headers, body)
        if named.status >= 400 and named is not _PAUSED:
            return named
        found = [named] if named is not _PAUSED else []
        for other in self._beside(address):
            told = self._hand(other, headers, body, refusal=logging.DEBUG)  # of another app
            found += [told] if told.status < 300 else []
        if found and all(told.body.get("known") for told in found):
            return found[0]
        sums = {name: sum(told.body.get(name, 0) for told in found) for name in ("items", "new")}
        return Taken(202, sums)

    def _hand(
        self,
        address: _Address,
        headers: Mapping[str, str],
        body: bytes,
        *,
        refusal: int = logging.WARNING,
    ) -> Taken:
        try:
            batch = self._read(address, headers, body)
        except Rejected as error:  # the sender is not told why: it may be guessing
            told = {**address.told, "reason": error.message}
            log.log(refusal, "a delivery was refused", extra=told)
            return Taken(401, {"error": "not accepted"})
        except ConfigError as error:
            log.error("a delivery cannot be read", extra={**address.told, "reason": error.message})
            return _NOT_SET_UP
        except Malformed as error:
            return Taken(422, {"error": error.message})
        if not address.is_enabled:
            return _PAUSED
        return self._store(address.place, batch, _digest(address.place, headers, body))

    def _read(self, address: _Address, headers: Mapping[str, str], body: bytes) -> Batch:
        listener = self._parts.build(address.place.channel, address.options)
        if not isinstance(listener, Receiver):
            raise ConfigError("this channel takes no deliveries", subject=listener.channel)
        return listener.receive(Incoming(headers, body, self._parts.clock()))

    def _store(self, place: Place, batch: Batch, digest: str) -> Taken:
        told = [bad.reason for bad in batch.bad_items]
        has_good = batch.items or batch.gone or batch.named or batch.polls_soon
        if told and not has_good:
            return Taken(422, {"error": "no item can be read", "bad": told[:20]})
        is_shared = registry.channel(place.channel).shares_address
        if is_shared and not has_good:  # it is about another account, or about nothing we keep
            return Taken(202, {"items": 0, "new": 0})
        kept = keep_delivery(self._parts, place, batch, digest)
        if kept is None:
            return Taken(200, {"items": 0, "known": True})
        answer: dict[str, Any] = {"items": kept.items, "new": kept.new}
        return Taken(202, answer | ({"bad": told[:20]} if told else {}))

    def _address(self, key: str) -> _Address | None:
        """Finds the source that a key names: its number, or the slug in its options."""
        is_it = col(Source.options)["slug"].as_string() == key
        if key.isascii() and key.isdigit() and len(key) < 10:
            is_it = col(Source.id) == int(key)
        found = self._addresses(is_it)
        return found[0] if len(found) == 1 else None

    def _beside(self, address: _Address) -> list[_Address]:
        """Gives the other sources of the channel that are to be offered the same delivery."""
        place = address.place
        same = sa.and_(col(Source.channel) == place.channel, col(Source.id) != place.source_id)
        return self._addresses(sa.and_(same, col(Source.is_enabled)))

    def _addresses(self, which: sa.ColumnElement[bool]) -> list[_Address]:
        pushed = [name for name, kind in registry.channels().items() if kind.is_push]
        asked = (
            select(Source).where(col(Source.channel).in_(pushed), which).order_by(col(Source.id))
        )
        with self._parts.store.read() as session:
            sources = session.exec(asked).all()
            return [_Address(place_of(one), dict(one.options), one.is_enabled) for one in sources]


def _digest(place: Place, headers: Mapping[str, str], body: bytes) -> str:
    """Gives what makes a delivery the same as another, "" if it has no id."""
    number = next((headers[name] for name in _IDS if headers.get(name)), "")
    words = body.decode("utf-8", "surrogateescape")
    return fingerprint(str(place.source_id), number, words) if number else ""
