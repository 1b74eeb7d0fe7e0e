"""How each source is, in plain words, and what a person may ask of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core import audit, jobs
from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.coverage import Heard, share
from earmark_core.errors import ConfigError
from earmark_core.model import Actor, Role, WindowState
from earmark_core.store import Store
from earmark_core.tables import Brand, PollWindow, Source

DAY = timedelta(hours=24)
_SILENT_FACTOR = 5
_SILENT_AT_LEAST = timedelta(hours=6)


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
    spark: tuple[int, ...]


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

    def rows(self, actor: Actor) -> tuple[SourceRow, ...]:
        """Gives all sources, those that need somebody first."""
        require(actor, Role.viewer, "see sources")
        now = self._clock()
        with self._store.read() as session:
            pairs = session.exec(
                select(Source, Brand.name)
                .join(Brand, col(Brand.id) == col(Source.brand_id))
                .order_by(col(Brand.name), col(Source.name))
            ).all()
            rows = [_row(session, source, brand, now) for source, brand in pairs]
        worst = ("needs a person", "failing", "silent", "degraded")
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

    def poll_now(self, actor: Actor, source_id: int) -> int:
        """Asks the worker to poll the source at once; gives the job's number.

        A wait that the source itself asked for is kept all the same.
        """
        require(actor, Role.responder, "poll a source")
        with self._store.write() as session:
            source = _get(session, source_id)
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


def _get(session: Session, source_id: int) -> Source:
    source = session.get(Source, source_id)
    if source is None:
        raise ConfigError("There is no such source.", subject=f"source {source_id}")
    return source


def _row(session: Session, source: Source, brand: str, now: datetime) -> SourceRow:
    windows = session.exec(
        select(PollWindow).where(
            col(PollWindow.source_id) == source.id, col(PollWindow.ended_at) > now - DAY
        )
    ).all()
    state, words, hint = condition(source, windows, _usual_gap(session, source, now), now)
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
        coverage_24h=_coverage(source, windows, now),
        is_enabled=source.is_enabled,
        is_demo=source.is_demo,
        is_polling=source.lease_until is not None and source.lease_until > now,
        spark=_per_hour(windows, now),
    )


def _coverage(source: Source, windows: Sequence[PollWindow], now: datetime) -> float | None:
    heard = [Heard(w.state, w.covers_from, w.ended_at) for w in windows]
    grace = timedelta(seconds=(source.pace_seconds or source.interval_seconds) * 2)
    begin = source.first_polled_at or source.created_at
    return share(heard, max(now - DAY, begin), now, grace=grace)


def _per_hour(windows: Sequence[PollWindow], now: datetime) -> tuple[int, ...]:
    hours = [0] * 24
    for window in windows:
        ago = int((now - window.ended_at).total_seconds() // 3600)
        hours[23 - min(max(ago, 0), 23)] += window.new_items
    return tuple(hours)


def _usual_gap(session: Session, source: Source, now: datetime) -> timedelta | None:
    """Gives the mean time between polls that found something, over the last fortnight."""
    since = max(now - timedelta(days=14), source.created_at)
    found = session.execute(
        select(sa.func.count()).select_from(PollWindow).where(
            col(PollWindow.source_id) == source.id,
            col(PollWindow.ended_at) > since,
            col(PollWindow.new_items) > 0,
        )
    ).scalar_one()  # fmt: skip
    return (now - since) / found if found >= 5 else None


def condition(
    source: Source, windows: Sequence[PollWindow], usual_gap: timedelta | None, now: datetime
) -> tuple[str, str, str]:
    """Gives state, one plain sentence, and what to do."""
    stopped = _not_polled(source)
    if stopped is not None:
        return stopped
    if source.not_before and source.not_before > now:
        until = f"Nothing to do: it is polled again at {source.not_before:%H:%M} UTC."
        return "degraded", source.error or "The source asked us to wait.", until
    if source.error_streak:
        state = "failing" if source.error_streak >= 3 else "degraded"
        times = "once" if source.error_streak == 1 else f"{source.error_streak} times in a row"
        return state, f"Failed {times}: {source.error}", source.error_hint
    quiet = now - (source.last_item_at or source.created_at)
    if usual_gap is not None and quiet > max(usual_gap * _SILENT_FACTOR, _SILENT_AT_LEAST):
        hours = round(quiet.total_seconds() / 3600)
        todo = "It answers, but says nothing: check the query, the account or the page itself."
        return "silent", f"Nothing new for {hours} h, unusual for this source.", todo
    if any(window.state == WindowState.truncated for window in windows):
        todo = "Poll it more often, or narrow the query."
        return "degraded", "More arrived than one poll may fetch; a gap was noted.", todo
    return "healthy", "Polled and heard.", ""


def _not_polled(source: Source) -> tuple[str, str, str] | None:
    """Tells why a source is not polled in its turn, None if it is."""
    if source.channel == "import":
        return "healthy", "Filled by `earmark import`; not polled.", ""
    if not source.is_enabled:
        return "paused", "Paused by a person.", "Resume it when it should be heard again."
    if source.needs_person:
        return "needs a person", source.error, source.error_hint or "Mend it, then resume."
    if source.last_polled_at is None:
        return "not polled yet", "The first poll is about to start.", ""
    return None
