"""The ways into the store that are compared: raw SQL, and ours to different depths."""

import random
from typing import Any, ClassVar, Protocol

from benchmarks import databases, rawsql
from benchmarks.machine import cpu_of
from benchmarks.page import PLACE, Cleaned, Page, cleaned
from earmark import ingest
from earmark.cleaning import prepare
from earmark.matching import load_watch
from earmark_core.clock import Clock
from earmark_core.model import Cursor
from earmark_core.store import Store
from earmark_listeners.contract import Batch
from earmark_listeners.schedule import claim_due


class Way(Protocol):
    """One contender. `ready` is not timed, `take` is."""

    title: str

    def ready(self, page: Page) -> Any:
        """Gives a page in the form that this way starts from."""
        ...

    def take(self, batch: Any) -> int:
        """Writes one page; gives how many posts it held."""
        ...

    def rows(self) -> int:
        """Gives how many mentions are stored."""
        ...

    def cpu_elsewhere(self) -> float:
        """Gives the CPU seconds spent for this way in the database's process."""
        ...

    def close(self) -> None:
        """Gives the database back."""
        ...


class Raw:
    """`sqlite3.executemany` of ready tuples: the ceiling."""

    title = "raw `sqlite3.executemany` of ready tuples"

    def __init__(self, store: Store, clock: Clock) -> None:
        _fill(store, clock)
        self._clock = clock
        self._watch = load_watch(store)
        self._sql = rawsql.statements()
        self._connection = rawsql.connected(store)

    def ready(self, page: Page) -> Any:
        """Gives tuples."""
        made = cleaned(page, self._watch, self._clock())
        return rawsql.tuples(made, page.number + 1)

    def take(self, batch: Any) -> int:
        """Writes one page."""
        rawsql.write(self._connection, self._sql, batch)
        return len(batch[0])

    def rows(self) -> int:
        """Gives how many mentions are stored."""
        count: int = self._connection.execute("SELECT count(*) FROM mention").fetchone()[0]
        return count

    def cpu_elsewhere(self) -> float:
        """Gives 0: SQLite works in this process."""
        return 0.0

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


class Copied:
    """COPY into a temporary table, then `INSERT … SELECT … ON CONFLICT`: the ceiling."""

    title = "`COPY` + `INSERT … SELECT` of ready tuples"

    def __init__(self, store: Store, clock: Clock) -> None:
        _fill(store, clock)
        self._clock = clock
        self._watch = load_watch(store)
        self._connection = rawsql.connected_to_postgres(store)
        self._pid = self._connection.info.backend_pid

    def ready(self, page: Page) -> Any:
        """Gives tuples."""
        made = cleaned(page, self._watch, self._clock())
        return rawsql.tuples(made, page.number + 1, plain=False)

    def take(self, batch: Any) -> int:
        """Writes one page."""
        rawsql.copy(self._connection, batch)
        return len(batch[0])

    def rows(self) -> int:
        """Gives how many mentions are stored."""
        found = self._connection.execute("SELECT count(*) FROM mention").fetchone()
        return int(found[0]) if found else 0

    def cpu_elsewhere(self) -> float:
        """Gives what the server's process for this connection has used."""
        return cpu_of(self._pid)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


class Ours:
    """Our way, from ready rows only up to all that T1 does."""

    depths: ClassVar[dict[str, str]] = {
        "store": "ours, store only (ready rows and matches)",
        "cleaning": "ours, cleaning + store",
        "matching": "ours, cleaning + matching + store",
        "keep_page": "**ours, all of T1** (`keep_page`: and cursor and window)",
    }

    def __init__(self, depth: str, store: Store, clock: Clock) -> None:
        _fill(store, clock)
        self.title = self.depths[depth]
        self._depth = depth
        self._store = store
        self._clock = clock
        self._watch = load_watch(store)
        [self._due] = claim_due(store, clock(), random.Random(1))
        self._pid = _backend_of(store)

    def ready(self, page: Page) -> Any:
        """Gives the page as it is, and as rows with their matches."""
        return page, cleaned(page, self._watch, self._clock())

    def take(self, batch: tuple[Page, Cleaned]) -> int:
        """Writes one page."""
        page, made = batch
        if self._depth == "keep_page":
            items = Batch(page.items, Cursor(str(page.number)))
            ingest.keep_page(self._store, self._due, items, self._watch, self._clock())
            return len(page.items)
        rows, found = made.rows, made.found
        if self._depth != "store":
            rows = prepare(page.items, PLACE, self._clock())
        if self._depth == "matching":
            found = self._watch.matches(PLACE, rows)
        with self._store.write() as session:
            ingest.store_rows(self._store, session, PLACE, rows, found, self._clock())
        return len(rows)

    def rows(self) -> int:
        """Gives how many mentions are stored."""
        with self._store.engine.connect() as connection:
            count: int = connection.exec_driver_sql("SELECT count(*) FROM mention").scalar_one()
        return count

    def cpu_elsewhere(self) -> float:
        """Gives what the server's process for our connection has used; 0 for SQLite."""
        return cpu_of(self._pid) if self._pid else 0.0

    def close(self) -> None:
        """Closes the store."""
        self._store.close()


def _fill(store: Store, clock: Clock) -> None:
    databases.people_and_brands(store, clock)
    with store.write() as session:
        databases.add_source(session, clock, "source")


def _backend_of(store: Store) -> int:
    if store.dialect == "sqlite":
        return 0
    with store.engine.connect() as connection:
        pid: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    return pid
