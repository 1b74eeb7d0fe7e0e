"""For how long what a source brought is kept: by its own wish, the installation's, the platform's.

Counted from when it was seen here, which no source can claim to be otherwise.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from earmark_config.seed import LONGEST_DAYS
from earmark_config.settings import Retention
from earmark_core import audit
from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.errors import ConfigError
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import Brand, Source
from earmark_listeners import registry


def kept_days(wished: int | None, house: int, longest: int | None) -> int | None:
    """Gives for how many days something is kept, None for ever.

    *wished* is the source's own, None for the installation's, which is *house*; 0 is for ever in
    both. *longest* is what the platform's terms allow, and holds whatever is wished.
    """
    days = (house if wished is None else wished) or None
    if longest is None:
        return days
    return longest if days is None else min(days, longest)


def due_until(days: int | None, now: datetime) -> datetime | None:
    """Gives the moment up to which, and with which, what was seen is due; None if nothing is."""
    return None if days is None else now - timedelta(days=days)


def longest_kept(channel: str) -> int | None:
    """Gives what a channel's terms allow in days; None where they set no end, or none is known."""
    found = registry.channels().get(channel)
    return found.rules.longest_kept_days if found is not None else None


@dataclass(frozen=True, slots=True)
class Kept:
    """For how long a source's mentions and raw payloads are kept.

    `retention_days` and `raw_days` are its own wishes, None where the installation's holds;
    `mentions_for` and `raw_for` are the days that hold, None for ever. `longest_kept_days` is what
    the platform's terms allow.
    """

    source_id: int
    brand: str
    name: str
    channel: str
    retention_days: int | None
    raw_days: int | None
    mentions_for: int | None
    raw_for: int | None
    longest_kept_days: int | None

    @property
    def words(self) -> str:
        """Says it in a sentence."""
        raw = _in_words(self.raw_for)
        told = f"Mentions are kept {_in_words(self.mentions_for)}, raw payloads {raw}"
        if self.longest_kept_days is None:
            return f"{told}."
        return f"{told}; the terms of {self.channel} allow {self.longest_kept_days} days."


def _in_words(days: int | None) -> str:
    return "for ever" if days is None else f"for {days:,} day{'' if days == 1 else 's'}"


class Keeping:
    """How long the sources of all brands keep what they bring."""

    def __init__(self, store: Store, clock: Clock, house: Retention) -> None:
        self._store = store
        self._clock = clock
        self._house = house

    def rows(self, actor: Actor) -> tuple[Kept, ...]:
        """Gives every source with what holds for it, by brand and name."""
        require(actor, Role.viewer, "see sources")
        with self._store.read() as session:
            pairs = session.exec(
                select(Source, Brand.name)
                .join(Brand, col(Brand.id) == col(Source.brand_id))
                .order_by(col(Brand.name), col(Source.name))
            ).all()
            return tuple(self._row(source, brand) for source, brand in pairs)

    def of(self, actor: Actor, source_id: int) -> Kept:
        """Gives what holds for one source.

        Raises:
            ConfigError: it is gone.
        """
        require(actor, Role.viewer, "see sources")
        with self._store.read() as session:
            source = _get(session, source_id)
            return self._row(source, session.get_one(Brand, source.brand_id).name)

    def change(
        self, actor: Actor, source_id: int, retention_days: int | None, raw_days: int | None
    ) -> Kept:
        """Sets a source's own wishes, None for the installation's, and gives what holds now.

        Raises:
            ConfigError: the source is gone, or the days are no number from 0 to 36,500.
        """
        require(actor, Role.manager, "change how long a source is kept")
        wished = {"retention_days": retention_days, "raw_days": raw_days}
        for name, days in wished.items():
            if days is not None and not 0 <= days <= LONGEST_DAYS:
                raise ConfigError(
                    f"Things are kept for 0 to {LONGEST_DAYS:,} days.",
                    hint="0 is for ever.",
                    subject=name,
                )
        with self._store.write() as session:
            source = _get(session, source_id)
            before = {name: getattr(source, name) for name in wished}
            source.retention_days, source.raw_days = retention_days, raw_days
            session.add(source)
            if before != wished:
                audit.record(
                    session, at=self._clock(), by=actor.name, action="changed", subject="source",
                    subject_id=source_id, before=before, after=wished,
                )  # fmt: skip
            return self._row(source, session.get_one(Brand, source.brand_id).name)

    def _row(self, source: Source, brand: str) -> Kept:
        longest = longest_kept(source.channel)
        return Kept(
            source_id=source.id or 0,
            brand=brand,
            name=source.name,
            channel=source.channel,
            retention_days=source.retention_days,
            raw_days=source.raw_days,
            mentions_for=kept_days(source.retention_days, self._house.mentions_days, longest),
            raw_for=kept_days(source.raw_days, self._house.raw_days, longest),
            longest_kept_days=longest,
        )


def _get(session: Session, source_id: int) -> Source:
    source = session.get(Source, source_id)
    if source is None:
        raise ConfigError("There is no such source.", subject=f"source {source_id}")
    return source
