"""Which brands a text belongs to: the monitors of all brands, parsed once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

import sqlalchemy as sa
from sqlmodel import Session, col

from earmark.cleaning import Place
from earmark_core.store import Store
from earmark_core.tables import Match, Monitor
from earmark_listeners import monitor
from earmark_listeners.filters import things_of
from earmark_sentiment.reading import names_of

TAKES_ALL = "this source takes all"
_MONITORS = (
    sa.select(col(Monitor.id), col(Monitor.brand_id), col(Monitor.query))
    .where(col(Monitor.is_enabled))
    .order_by(col(Monitor.id))
)


@dataclass(frozen=True, slots=True)
class Watched:
    """One enabled monitor, parsed."""

    monitor_id: int
    brand_id: int
    query: monitor.Query


@dataclass(frozen=True, slots=True)
class Watch:
    """All that is listened for now."""

    monitors: tuple[Watched, ...]
    names: tuple[str, ...]

    def matches(
        self, place: Place, rows: Iterable[Mapping[str, Any]]
    ) -> list[Sequence[Mapping[str, Any]]]:
        """Gives for each row the brands it belongs to, by which monitor and clause."""
        return [self.of(place, row) for row in rows]

    def of(self, place: Place, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Gives the brands that one row belongs to."""
        words = f"{row['title']}\n{row['body']}" if row["title"] else row["body"]
        about = _about(place, row, words)
        if place.exclude and monitor.match(_parsed(place.exclude), words, about) is not None:
            return []
        if place.include and monitor.match(_parsed(place.include), words, about) is None:
            return []
        found: list[Mapping[str, Any]] = []
        for watched in self.monitors:
            clause = monitor.match(watched.query, words, about)
            if clause is not None:
                found.append(
                    {
                        "brand_id": watched.brand_id,
                        "monitor_id": watched.monitor_id,
                        "clause": clause[:500],
                    }
                )
        if place.takes_all and not any(match["brand_id"] == place.brand_id for match in found):
            found.append({"brand_id": place.brand_id, "monitor_id": None, "clause": TAKES_ALL})
        return found


class Asked(Sequence[Sequence[Mapping[str, Any]]]):
    """The brands of rows, found out when they are asked for: of a page most rows are known."""

    def __init__(self, watch: Watch, place: Place, rows: Sequence[Mapping[str, Any]]) -> None:
        self._watch = watch
        self._place = place
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Sequence[Mapping[str, Any]]: ...
    @overload
    def __getitem__(self, at: slice) -> list[Sequence[Mapping[str, Any]]]: ...
    def __getitem__(self, at: int | slice) -> Any:
        """Gives the matches of one row, or of some."""
        if isinstance(at, slice):
            return self._watch.matches(self._place, self._rows[at])
        return self._watch.of(self._place, self._rows[at])


def _about(place: Place, row: Mapping[str, Any], words: str) -> monitor.About:
    return monitor.About(
        author=(row["author_handle"], row["author_name"]),
        sources=(place.channel, place.name),
        lang=row["lang_hint"],
        rating=row["rating"],
        has=things_of(words, title=row["title"], rating=row["rating"]),
    )


@lru_cache(maxsize=512)
def _parsed(query: str) -> monitor.Query:
    return monitor.parse(query)


def refused(session: Session, mentions: set[int]) -> set[tuple[int, int]]:
    """Gives (mention, brand) where a person said that it is not about the brand."""
    if not mentions:
        return set()
    query = sa.select(col(Match.mention_id), col(Match.brand_id)).where(
        col(Match.mention_id).in_(mentions), ~col(Match.is_relevant)
    )
    return {(mention, brand) for mention, brand in session.execute(query)}


def load_watch(store: Store) -> Watch:
    """Reads all enabled monitors and the names of all brands."""
    with store.read() as session:
        connection = session.connection()
        monitors = tuple(tuple(row) for row in connection.execute(_MONITORS))
        names = names_of(session)
    return _watch(monitors, names)


@lru_cache(maxsize=8)
def _watch(monitors: tuple[Any, ...], names: tuple[str, ...]) -> Watch:
    """Builds what hardly ever changes and is read before each poll."""
    return Watch(
        monitors=tuple(
            Watched(monitor_id=monitor_id, brand_id=brand_id, query=_parsed(query))
            for monitor_id, brand_id, query in monitors
        ),
        names=names,
    )
