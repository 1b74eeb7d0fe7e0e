"""The saved queries of all brands: seen in words, previewed over what is stored, changed."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core import audit
from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.errors import ConfigError
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import Brand, Mention, Monitor, Source
from earmark_listeners import monitor, previewing
from earmark_listeners.filters import things_of
from earmark_listeners.previewing import MonitorRow, Preview, Stored

_LONGEST_NAME = 200
_COLUMNS: tuple[Any, ...] = (
    col(Mention.id), col(Mention.happened_at), col(Mention.title), col(Mention.body),
    col(Mention.author_name), col(Mention.author_handle), col(Mention.channel),
    col(Mention.lang_hint), col(Mention.rating), col(Source.name).label("source"),
)  # fmt: skip


class Monitors:
    """What is listened for; a change holds for what comes from then on."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def rows(self, actor: Actor) -> tuple[MonitorRow, ...]:
        """Gives every monitor, explained in words, by brand and name."""
        require(actor, Role.viewer, "see monitors")
        query = (
            select(Monitor, Brand)
            .join(Brand, col(Brand.id) == col(Monitor.brand_id))
            .order_by(col(Brand.is_demo), col(Brand.name), col(Monitor.name))
        )
        with self._store.read() as session:
            return tuple(_row(found, brand) for found, brand in session.exec(query))

    def preview(self, actor: Actor, query: str) -> Preview:
        """Gives what *query* finds among the newest 5,000 mentions of the last 30 days.

        Raises:
            QueryError: the query cannot be read; it points at the column.
        """
        require(actor, Role.viewer, "preview a monitor")
        parsed = monitor.parse(query)
        asked = (
            sa.select(*_COLUMNS)
            .join(Source, col(Source.id) == col(Mention.source_id))
            .where(
                col(Mention.happened_at) > self._clock() - previewing.LOOK_BACK,
                col(Mention.gone_at).is_(None),
                col(Mention.twin_of).is_(None),
            )
            .order_by(col(Mention.happened_at).desc(), col(Mention.id).desc())
            .limit(previewing.NEWEST + 1)
        )
        with self._store.read() as session:
            stored = [_stored(row) for row in session.execute(asked)]
        is_cut = len(stored) > previewing.NEWEST
        return previewing.preview(parsed, stored[: previewing.NEWEST], is_cut=is_cut)

    def add(self, actor: Actor, brand_id: int, name: str, query: str) -> int:
        """Saves a new monitor and gives its number.

        Raises:
            QueryError: the query cannot be read; nothing was saved.
            ConfigError: the name is missing or taken, or there is no such brand.
        """
        require(actor, Role.manager, "add a monitor")
        wanted = monitor.parse(query).source.strip()
        title = name.strip()
        if not 0 < len(title) <= _LONGEST_NAME:
            raise ConfigError(f"A monitor needs a name of 1 to {_LONGEST_NAME} characters.")
        now = self._clock()
        with self._store.write() as session:
            _refuse_taken(session, brand_id, title)
            row = Monitor(
                brand_id=brand_id, name=title, query=wanted, created_at=now, updated_at=now
            )
            session.add(row)
            session.flush()
            audit.record(
                session, at=now, by=actor.name, action="added", subject="monitor",
                subject_id=row.id or 0, before={}, after={"name": title, "query": wanted},
            )  # fmt: skip
            return row.id or 0

    def save(self, actor: Actor, monitor_id: int, query: str, version: int) -> int:
        """Gives a monitor another query and gives its new version; the same query changes nothing.

        Raises:
            QueryError: the query cannot be read; nothing was saved.
            ConfigError: somebody else changed it since *version*, or it is gone.
        """
        require(actor, Role.manager, "change a monitor")
        wanted = monitor.parse(query).source.strip()
        now = self._clock()
        with self._store.write() as session:
            row = _held(session, monitor_id)
            if row.version != version:
                raise ConfigError(
                    "Somebody else changed this monitor meanwhile.",
                    hint="Look at its query as it is now, then change it.",
                    subject=row.name,
                )
            if row.query == wanted:
                return row.version
            before = {"query": row.query, "version": row.version}
            row.query, row.version, row.updated_at = wanted, row.version + 1, now
            audit.record(
                session, at=now, by=actor.name, action="changed", subject="monitor",
                subject_id=monitor_id, before=before,
                after={"query": wanted, "version": row.version},
            )  # fmt: skip
            return row.version

    def switch(self, actor: Actor, monitor_id: int, *, on: bool) -> None:
        """Turns a monitor on or off; what it matched before stays matched."""
        require(actor, Role.manager, "turn a monitor on" if on else "turn a monitor off")
        now = self._clock()
        with self._store.write() as session:
            row = _held(session, monitor_id)
            if row.is_enabled == on:
                return
            row.is_enabled, row.updated_at = on, now
            audit.record(
                session, at=now, by=actor.name, action="changed", subject="monitor",
                subject_id=monitor_id, before={"is_enabled": not on}, after={"is_enabled": on},
            )  # fmt: skip


def _row(found: Monitor, brand: Brand) -> MonitorRow:
    words = fault = ""
    try:
        words = monitor.explain(monitor.parse(found.query))
    except monitor.QueryError as error:
        fault = str(error)
    return MonitorRow(
        id=found.id or 0,
        brand=brand.name,
        brand_id=brand.id or 0,
        name=found.name,
        query=found.query,
        words=words,
        version=found.version,
        is_enabled=found.is_enabled,
        is_demo=brand.is_demo,
        fault=fault,
    )


def _stored(row: Any) -> Stored:
    words = f"{row.title}\n{row.body}" if row.title else row.body
    return Stored(
        id=row.id,
        at=row.happened_at,
        title=row.title,
        body=row.body,
        author=row.author_name or row.author_handle,
        channel=row.channel,
        about=monitor.About(
            author=(row.author_handle, row.author_name),
            sources=(row.channel, row.source),
            lang=row.lang_hint,
            rating=row.rating,
            has=things_of(words, title=row.title, rating=row.rating),
        ),
    )


def _held(session: Session, monitor_id: int) -> Monitor:
    """Gives the row so that nobody else changes it meanwhile."""
    row = session.exec(select(Monitor).where(Monitor.id == monitor_id).with_for_update()).first()
    if row is None:
        raise ConfigError("There is no such monitor.", subject=f"monitor {monitor_id}")
    return row


def _refuse_taken(session: Session, brand_id: int, name: str) -> None:
    brand = session.get(Brand, brand_id)
    if brand is None:
        raise ConfigError("There is no such brand.", subject=f"brand {brand_id}")
    taken = select(Monitor.id).where(Monitor.brand_id == brand_id, Monitor.name == name)
    if session.exec(taken).first() is not None:
        raise ConfigError(
            f"{brand.name} has a monitor of that name already.", hint="Give it another name.",
            subject=name,
        )  # fmt: skip
