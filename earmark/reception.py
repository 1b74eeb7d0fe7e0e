"""Whether deliveries could be taken: the time for which the process that takes them was up.

Nobody can be asked what was sent meanwhile, so the ledger says `down` for every stretch in which
nobody was there to take it.
"""

import logging
import os
import threading
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select

from earmark_core.clock import Clock
from earmark_core.errors import StoreError
from earmark_core.model import WindowState
from earmark_core.store import Store
from earmark_core.tables import Heartbeat, PollWindow, Source
from earmark_listeners import registry
from earmark_listeners.polling import Outcome

log = logging.getLogger(__name__)

NAME: Final = "hooks"
FRESH: Final = timedelta(seconds=45)
_BEAT_SECONDS: Final = 10.0


def only_pushed() -> list[str]:
    """Gives the channels that stand on deliveries alone."""
    return [name for name, kind in registry.channels().items() if kind.stability == "push"]


def beat(store: Store, now: datetime) -> None:
    """Says that deliveries are taken; a stretch in which nobody said so is noted as down."""
    with store.write() as session:
        sources = session.exec(
            select(Source).where(col(Source.channel).in_(only_pushed()), col(Source.is_enabled))
        ).all()
        if not sources:
            return
        row = session.get(Heartbeat, NAME)
        if row is not None and now - row.at <= FRESH:
            row.at, row.pid = now, os.getpid()
            return
        for source in sources:
            if row is not None and source.created_at < row.at:
                _note_down(session, source, row.at, now)
        session.merge(Heartbeat(name=NAME, pid=os.getpid(), at=now, note=now.isoformat()))


def _note_down(session: Session, source: Source, left: datetime, back: datetime) -> None:
    """Closes the ledger at the last sign of life, and says what came after it."""
    heard_from = source.last_success_at
    if heard_from is not None and heard_from < left:
        session.add(_window(source, WindowState.complete, heard_from, left, ""))
    note = f"earmark was not there to take deliveries from {left:%d.%m. %H:%M} UTC on."
    session.add(_window(source, WindowState.down, None, back, note))


def _window(
    source: Source, state: WindowState, covers_from: datetime | None, end: datetime, note: str
) -> PollWindow:
    return PollWindow(
        source_id=source.id or 0, state=state, covers_from=covers_from,
        started_at=covers_from or end, ended_at=end, note=note,
    )  # fmt: skip


def heard(store: Store, window_id: int, now: datetime) -> Outcome:
    """Gives what a "poll" of a source comes to that can only be delivered to."""
    with store.read() as session:
        row = session.get(Heartbeat, NAME)
        window = session.get(PollWindow, window_id)
        if row is None or now - row.at > FRESH:
            return Outcome(
                state=WindowState.down,
                error="Nobody is there to take deliveries: the dashboard does not run.",
                hint="Start it with `earmark run`; what was sent meanwhile cannot be asked for.",
            )
        up_since = datetime.fromisoformat(row.note)
        before = window.covers_from if window else None
        if before is None or before < up_since:
            note = f"Deliveries are taken since {up_since:%d.%m. %H:%M} UTC."
            return Outcome(covers_from=up_since, note=note)
        return Outcome()


class Reception(threading.Thread):
    """Beats for as long as the process serves."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(name="reception", daemon=True)
        self._store = store
        self._clock = clock
        self._ended = threading.Event()

    def run(self) -> None:
        """Beats until it is ended."""
        while True:
            try:
                beat(self._store, self._clock())
            except StoreError as error:
                log.warning("the sign of life could not be written: %s", error.message)
            if self._ended.wait(_BEAT_SECONDS):
                return

    def end(self) -> None:
        """Ends it; no write is under way afterwards."""
        self._ended.set()
        self.join(10)
