"""The database: sessions, and what differs between SQLite and PostgreSQL.

Reading and writing are told apart: on SQLite a write transaction begins IMMEDIATE, because a
transaction that reads first and writes later is refused at once when another wrote in between,
whatever the busy timeout.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlmodel import Session, SQLModel

from earmark_core import migrations
from earmark_core.errors import StoreError, StoreUnusable
from earmark_core.sqlite_file import refuse_unusable
from earmark_core.tables.columns import table_of

BUSY_SECONDS = 15


class Store:
    """One database; hands out transactions."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        self._reader = engine.execution_options(postgresql_readonly=True)
        self._writer = engine.execution_options(earmark_write=True)
        self._durable = engine.execution_options(earmark_write=True, earmark_durable=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Gives a transaction that sees one state of the database and changes nothing."""
        with _told(self.engine), Session(self._reader) as session:
            yield session

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Session]:
        """Gives a transaction that is committed at the end, or rolled back on any error.

        *durable* waits until the disk has it, so that not even a power cut takes it back: for
        what must be known before something leaves the house.
        """
        engine = self._durable if durable else self._writer
        with (
            _told(self.engine),
            Session(engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def insert(self, table: type[SQLModel]) -> Any:
        """Gives an INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
        target = table_of(table)
        if self.dialect == "postgresql":
            return postgresql.insert(target)
        return sqlite.insert(target)

    def skip_locked(self, statement: Any) -> Any:
        """Adds FOR UPDATE SKIP LOCKED where the database has row locks."""
        if self.dialect == "postgresql":
            return statement.with_for_update(skip_locked=True)
        return statement

    def alone(self, session: Session, what: str) -> None:
        """Waits until no other transaction does *what*, and keeps others waiting until the end.

        To be asked for before any row is held, or two could wait for each other. SQLite has one
        writer at a time as it is.
        """
        if self.dialect == "postgresql":
            session.execute(sa.select(sa.func.pg_advisory_xact_lock(crc32(what.encode()))))

    def sweep(self, *, compact: bool = False) -> bool:
        """Leaves nothing of removed rows in SQLite's log; False where a reader was in the way.

        *compact* writes the whole file anew, for which writers wait: then it takes less room, and
        what moved within it before it was removed is overwritten, too. PostgreSQL sweeps for
        itself, and nothing is done.
        """
        if self.dialect != "sqlite":
            return True
        with _told(self.engine), self.engine.connect() as connection:
            # The driver's own connection: neither may stand in a transaction.
            driver: Any = connection.connection.driver_connection
            try:
                if compact:
                    driver.execute("VACUUM")
                busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                raise StoreError(
                    f"The database could not be swept ({error}).",
                    subject=describe(self.engine.url),
                    hint="Something else is writing for long; try again.",
                ) from error
        return not busy

    def close(self) -> None:
        """Gives back all connections."""
        self.engine.dispose()


@contextmanager
def _told(engine: sa.Engine) -> Iterator[None]:
    """Turns the driver's words into ours; what is a caller's mistake passes as it is."""
    try:
        yield
    except OperationalError as error:
        raise StoreError(
            f"The database did not do what was asked ({_first_line(error)}).",
            subject=describe(engine.url),
            hint="Nothing of this step was kept; it will be tried again.",
        ) from error


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no reason given"


def describe(url: sa.URL) -> str:
    """Gives the database's address for a person, without its password."""
    return url.database or "" if url.drivername.startswith("sqlite") else url.render_as_string()


def open_store(url: str, *, create: bool = False) -> Store:
    """Opens the database and brings its schema up to this version.

    A database that is missing is made only if *create* says so.

    Raises:
        StoreUnusable: it is missing, read-only, cut off, not a database, or of a newer schema.
            Nothing was written.
    """
    where = _readable_url(url)
    if where.drivername.startswith("sqlite"):
        refuse_unusable(Path(where.database or ""), may_create=create)
    engine = _make_engine(where)
    try:
        _bring_up(engine)
    except StoreUnusable:
        engine.dispose()
        raise
    except DatabaseError as error:
        engine.dispose()
        raise StoreUnusable(
            f"The database cannot be used ({_first_line(error)}).",
            subject=describe(where),
            hint="Restore it from a backup, or point database_url at another one.",
        ) from error
    return Store(engine)


def _readable_url(url: str) -> sa.URL:
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as error:
        raise StoreUnusable(
            "The database address cannot be read.",
            hint="It looks like sqlite:////folder/earmark.db or postgresql://user@host/name.",
        ) from error
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise StoreUnusable(
            f"{parsed.get_backend_name()} is not a database earmark knows.",
            hint="Use sqlite or postgresql.",
        )
    return parsed


def _make_engine(url: sa.URL) -> sa.Engine:
    if not url.drivername.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=8)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=8)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event decides how to begin
    # secure_delete overwrites what is removed; on pages that are written anyway it costs nothing.
    for pragma in (
        "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("earmark_write"):
        connection.exec_driver_sql("BEGIN")
        return
    level = "FULL" if options.get("earmark_durable") else "NORMAL"
    connection.exec_driver_sql(f"PRAGMA synchronous={level}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _bring_up(engine: sa.Engine) -> None:
    """Migrates if the schema is behind; refuses if it is ahead."""
    with engine.connect() as connection:
        at = migrations.revision_of(connection)
    if at == migrations.head():
        return
    if at is not None and not migrations.is_known(at):
        raise StoreUnusable(
            f"The database was written by a newer earmark (schema {at}).",
            subject=describe(engine.url),
            hint="Start that version, or restore the backup taken before it.",
        )
    with engine.execution_options(earmark_write=True).begin() as connection:
        migrations.upgrade(connection)
