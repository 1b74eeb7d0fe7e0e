"""How each source is, in plain words, and what a person may ask of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from earmark_core import audit, heard, jobs
from earmark_core.access import require
from earmark_core.budget_words import Limited, limited
from earmark_core.clock import Clock
from earmark_core.errors import ConfigError
from earmark_core.heard import Covered, Gap
from earmark_core.model import Actor, Role, WindowState
from earmark_core.store import Store
from earmark_core.tables import Brand, PollWindow, Source
from earmark_listeners import rhythm
from earmark_listeners.backfills import can_backfill
from earmark_listeners.conditions import FILLED_BY_PEOPLE, condition
from earmark_listeners.rhythm import Silence

DAY = timedelta(hours=24)
_MOST_ARRIVALS = 5_000
_LOT = 500


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as the page shows it; `lag_seconds` is how overdue its next poll is."""

    id: int
    brand: str
    brand_id: int
    channel: str
    name: str
    state: str
    words: str
    hint: str
    last_polled_at: datetime | None
    last_success_at: datetime | None
    next_poll_at: datetime
    last_item_at: datetime | None
    lag_seconds: float
    items_24h: int
    coverage_24h: float | None
    is_enabled: bool
    is_demo: bool
    is_polling: bool
    can_backfill: bool
    spark: tuple[int, ...]

    @property
    def is_polled(self) -> bool:
        """Tells whether there is anybody to ask: what people bring is not polled."""
        return self.channel not in FILLED_BY_PEOPLE


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One poll in the ledger."""

    state: str
    covers_from: datetime | None
    started_at: datetime
    ended_at: datetime
    items: int
    new_items: int
    bad_items: int
    note: str


class Sources:
    """The sources of all brands: their health, poll now, pause and resume."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def rows(
        self, actor: Actor, *, limit: int | None = None, named: str = ""
    ) -> tuple[SourceRow, ...]:
        """Gives the sources whose name holds *named*, those that need somebody first.

        Of more than *limit*, those with an error come before those that may be silent.
        """
        require(actor, Role.viewer, "see sources")
        now = self._clock()
        query = (
            select(Source, Brand.name)
            .join(Brand, col(Brand.id) == col(Source.brand_id))
            .order_by(
                col(Source.needs_person).desc(), col(Source.error_streak).desc(),
                col(Brand.name), col(Source.name),
            )
            .where(col(Source.name).icontains(named, autoescape=True))
            .limit(limit)
        )  # fmt: skip
        rows: list[SourceRow] = []
        with self._store.read() as session:
            pairs = session.exec(query).all()
            for at in range(0, len(pairs), _LOT):
                lot = pairs[at : at + _LOT]
                windows = heard.windows_of(session, [s.id or 0 for s, _ in lot], now - DAY)
                rows += [_row(session, s, brand, windows.get(s.id or 0, []), now)
                         for s, brand in lot]  # fmt: skip
        rows.sort(key=lambda row: (row.brand.casefold(), row.name.casefold()))
        worst = ("needs reconnecting", "failing", "silent", "degraded")
        order = {state: index for index, state in enumerate(worst)}
        return tuple(sorted(rows, key=lambda row: order.get(row.state, len(worst))))

    def windows(self, actor: Actor, source_id: int, *, limit: int = 20) -> tuple[WindowRow, ...]:
        """Gives the newest windows of a source, newest first."""
        require(actor, Role.viewer, "see sources")
        query = (
            select(PollWindow)
            .where(col(PollWindow.source_id) == source_id)
            .order_by(col(PollWindow.ended_at).desc(), col(PollWindow.id).desc())
            .limit(limit)
        )
        with self._store.read() as session:
            return tuple(
                WindowRow(
                    w.state, w.covers_from, w.started_at, w.ended_at,
                    w.items, w.new_items, w.bad_items, w.note,
                )
                for w in session.exec(query)
            )  # fmt: skip

    def limits(self, actor: Actor) -> tuple[Limited, ...]:
        """Gives the hosts that asked us to wait and the quotas that are used up, in words."""
        require(actor, Role.viewer, "see sources")
        return limited(self._store, self._clock())

    def gaps(self, actor: Actor, source_id: int, *, days: int = 7) -> tuple[Gap, ...]:
        """Gives when the source was not heard within the last days, the newest first."""
        require(actor, Role.viewer, "see sources")
        now = self._clock()
        with self._store.read() as session:
            source = _get(session, source_id)
            found = heard.gaps_of(session, source, now - days * DAY, now, now=now)
        return tuple(reversed(found))

    def covered(self, actor: Actor, *, days: int = 7, source_id: int | None = None) -> Covered:
        """Gives how much was heard within the last days, of a source or of all."""
        require(actor, Role.viewer, "see sources")
        now = self._clock()
        with self._store.read() as session:
            return heard.covered(session, now - days * DAY, now, now=now, source_id=source_id)

    def poll_now(self, actor: Actor, source_id: int) -> int:
        """Asks the worker to poll the source at once; gives the job's number.

        A wait that the source itself asked for is kept all the same.
        """
        require(actor, Role.responder, "poll a source")
        with self._store.write() as session:
            source = _get(session, source_id)
            _refuse_if_filled(source)
            return jobs.submit(
                self._store, session, kind="poll", key=f"poll:{source_id}", by=actor.name,
                now=self._clock(), payload={"source_id": source.id},
            )  # fmt: skip

    def pause(self, actor: Actor, source_id: int) -> None:
        """Stops polling the source until it is resumed."""
        self._switch(actor, source_id, on=False)

    def resume(self, actor: Actor, source_id: int) -> None:
        """Polls the source again, beginning now; forgets an error that waited for a person."""
        self._switch(actor, source_id, on=True)

    def _switch(self, actor: Actor, source_id: int, *, on: bool) -> None:
        require(actor, Role.manager, "resume a source" if on else "pause a source")
        now = self._clock()
        with self._store.write() as session:
            source = _get(session, source_id)
            _refuse_if_filled(source)
            before = {"is_enabled": source.is_enabled, "needs_person": source.needs_person}
            source.is_enabled = on
            if on:
                source.needs_person = False
                source.next_poll_at = now
            after = {"is_enabled": source.is_enabled, "needs_person": source.needs_person}
            if before != after:
                audit.record(
                    session, at=now, by=actor.name, action="resume" if on else "pause",
                    subject="source", subject_id=source_id, before=before, after=after,
                )  # fmt: skip


def _refuse_if_filled(source: Source) -> None:
    if source.channel in FILLED_BY_PEOPLE:
        raise ConfigError(
            "There is nothing to poll here.",
            hint=f"It is filled by {FILLED_BY_PEOPLE[source.channel]}.",
            subject=source.name,
        )


def _get(session: Session, source_id: int) -> Source:
    source = session.get(Source, source_id)
    if source is None:
        raise ConfigError("There is no such source.", subject=f"source {source_id}")
    return source


def _row(
    session: Session, source: Source, brand: str, windows: Sequence[Any], now: datetime
) -> SourceRow:
    state, words, hint = condition(source, windows, _silence(session, source), now)
    return SourceRow(
        id=source.id or 0,
        brand=brand,
        brand_id=source.brand_id,
        channel=source.channel,
        name=source.name,
        state=state,
        words=words,
        hint=hint,
        last_polled_at=source.last_polled_at,
        last_success_at=source.last_success_at,
        next_poll_at=source.next_poll_at,
        last_item_at=source.last_item_at,
        lag_seconds=max(0.0, (now - source.next_poll_at).total_seconds()),
        items_24h=sum(window.new_items for window in windows),
        coverage_24h=heard.covered_of(source, windows, now - DAY, now, now=now).share,
        is_enabled=source.is_enabled,
        is_demo=source.is_demo,
        is_polling=source.lease_until is not None and source.lease_until > now,
        can_backfill=can_backfill(source.channel),
        spark=_per_hour(windows, now),
    )


def _per_hour(windows: Sequence[Any], now: datetime) -> tuple[int, ...]:
    hours = [0] * 24
    for window in windows:
        ago = int((now - window.ended_at).total_seconds() // 3600)
        hours[23 - min(max(ago, 0), 23)] += window.new_items
    return tuple(hours)


def _silence(session: Session, source: Source) -> Silence | None:
    """Tells whether the source was unusually quiet up to its last good poll.

    What a source said while nobody listened is found by the next poll, and is no silence of its.
    """
    until, last = source.last_success_at, source.last_item_at
    if until is None or last is None or until - last < rhythm.AT_LEAST:
        return None  # most sources; the ledger is not read for them
    arrivals = session.exec(
        select(PollWindow.ended_at)
        .where(
            col(PollWindow.source_id) == source.id,
            col(PollWindow.ended_at) > until - rhythm.LOOK_BACK,
            col(PollWindow.new_items) > 0,
            col(PollWindow.state) != WindowState.backfilled,
        )
        .order_by(col(PollWindow.ended_at).desc())
        .limit(_MOST_ARRIVALS)
    ).all()
    begin = source.first_polled_at or source.created_at
    if len(arrivals) == _MOST_ARRIVALS:
        begin = max(begin, arrivals[-1])
    return rhythm.unusual_silence(arrivals, begin, until)
