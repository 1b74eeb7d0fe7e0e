"""The database is opened honestly, migrates both ways, and takes writers in turn."""

import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel, select

from earmark_core import migrations
from earmark_core.clock import FixedClock
from earmark_core.errors import StoreUnusable
from earmark_core.sqlite_file import refuse_unusable
from earmark_core.store import Store, open_store
from earmark_core.tables import Brand, Correction, Match


def test_a_missing_database_is_not_made_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(StoreUnusable, match="no database here yet"):
        open_store(f"sqlite:///{path}")
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"x" * 4096])
def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "earmark.db"
    path.write_bytes(content)
    with pytest.raises(StoreUnusable) as refusal:
        open_store(f"sqlite:///{path}", create=True)
    assert path.read_bytes() == content
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_cut_off_database_is_refused_and_left_alone(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreUnusable, match="cut off"):
        open_store(sqlite_url, create=True)
    assert path.read_bytes() == whole[: len(whole) // 2]


def test_a_database_that_another_process_is_just_writing_is_waited_for(sqlite_url: str) -> None:
    """A checkpoint writes the header, which says how long the file is, before the rest."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-4096])
    path.with_name(path.name + "-wal").touch()
    looks = []

    def wait(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            path.write_bytes(whole)

    refuse_unusable(path, may_create=False, wait=wait)
    assert len(looks) == 3
    path.write_bytes(whole[:-4096])
    with pytest.raises(StoreUnusable, match="cut off"):
        refuse_unusable(path, may_create=False, wait=looks.append)
    assert len(looks) < 100


def test_a_database_killed_in_the_middle_of_a_checkpoint_opens_with_its_log(
    tmp_path: Path,
) -> None:
    """The header is new, the pages are still in the log: cut off by size, whole to SQLite."""
    path = tmp_path / "alive.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("CREATE TABLE t (x TEXT)")
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer.executemany("INSERT INTO t VALUES (?)", [("x" * 3000,)] * 50)
        whole, log = path.read_bytes(), path.with_name("alive.db-wal").read_bytes()
    header = path.read_bytes()[:100]  # closing checkpointed: this is the new one
    killed = tmp_path / "killed.db"
    killed.write_bytes(header + whole[100:])
    killed.with_name("killed.db-wal").write_bytes(log)
    looks: list[float] = []
    refuse_unusable(killed, may_create=False, wait=looks.append)
    assert looks  # it was in doubt
    killed.write_bytes(header + whole[100:])  # opening it had made it whole
    killed.with_name("killed.db-wal").write_bytes(b"no log at all")
    with pytest.raises(StoreUnusable, match="cut off"):
        refuse_unusable(killed, may_create=False, wait=looks.append)


def test_a_read_only_database_is_refused(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.chmod(stat.S_IRUSR)
    with pytest.raises(StoreUnusable, match="read-only"):
        open_store(sqlite_url)


def test_a_newer_schema_is_refused_and_left_alone(store_url: str) -> None:
    store = open_store(store_url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(StoreUnusable, match="newer earmark"):
        open_store(store_url, create=True)


def test_the_migrations_make_just_the_tables_and_go_back(store: Store) -> None:
    with store.engine.execution_options(earmark_write=True).begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        if store.dialect == "postgresql":  # SQLite cannot show expression indexes
            assert compare_metadata(context, SQLModel.metadata) == []
        migrations.downgrade(connection, "base")
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
        migrations.upgrade(connection)
        assert set(SQLModel.metadata.tables) <= set(sa.inspect(connection).get_table_names())


def test_a_migration_killed_half_way_leaves_the_old_schema_whole(store: Store) -> None:
    with (
        pytest.raises(RuntimeError),
        store.engine.execution_options(earmark_write=True).begin() as connection,
    ):
        migrations.downgrade(connection, "base")
        raise RuntimeError("killed")
    with store.engine.connect() as connection:
        assert migrations.revision_of(connection) == migrations.head()
        assert "mention" in sa.inspect(connection).get_table_names()


def test_times_come_back_aware(store: Store, clock: FixedClock) -> None:
    with store.write() as session:
        session.add(Brand(name="Brightcup", created_at=clock()))
    with store.read() as session:
        assert session.exec(select(Brand)).one().created_at == clock()


def test_a_failed_step_keeps_nothing(store: Store, clock: FixedClock) -> None:
    with pytest.raises(RuntimeError), store.write() as session:
        session.add(Brand(name="Brightcup", created_at=clock()))
        session.flush()
        raise RuntimeError("half way")
    with store.read() as session:
        assert session.exec(select(Brand)).all() == []


def test_writers_that_read_first_wait_for_each_other(store: Store, clock: FixedClock) -> None:
    """Read, then write, from four threads: with a deferred BEGIN SQLite refuses some at once."""
    with store.write() as session:
        session.add(Brand(name="counter", names=["0"], created_at=clock()))

    def count() -> None:
        for _ in range(25):
            with store.write() as session:
                query = select(Brand)
                if store.dialect == "postgresql":
                    query = query.with_for_update()
                brand = session.exec(query).one()
                brand.names = [str(int(brand.names[0]) + 1)]

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as session:
        assert session.exec(select(Brand)).one().names == ["100"]


def test_rows_of_the_first_schema_come_through_the_second_and_back(store: Store) -> None:
    now = "2026-03-02 09:00:00"
    with store.engine.execution_options(earmark_write=True).begin() as connection:
        migrations.downgrade(connection, "0001")
        for table, columns, values in (
            ("brand", "id, name, names, is_competitor, is_demo, created_at",
             f"1, 'Acme', '[]', false, false, '{now}'"),
            ("source", "id, brand_id, channel, name, options, include, exclude, takes_all, "
             "is_enabled, is_demo, interval_seconds, pace_seconds, min_interval_seconds, "
             "max_interval_seconds, next_poll_at, lease_token, error_streak, error, error_hint, "
             "needs_person, created_at",
             f"1, 1, 'x', 'x', '{{}}', '', '', false, true, false, 1, 1, 1, 1, '{now}', '', 0, '',"
             f" '', false, '{now}'"),
            ("mention", "id, source_id, external_id, channel, kind, uri, url, title, body, "
             "identity, author_name, author_handle, author_url, lang_hint, metrics, reply_ref, "
             "thread_key, parent_id, seen_at, happened_at, content_hash, revision, is_history, "
             "is_own, lang, model_id, cues",
             "1, 1, 'a', 'x', 'post', '', '', '', 'hello', '', '', '', '', '', '{}', '{}', '', '',"
             f" '{now}', '{now}', 'h', 1, false, false, '', '', '[]'"),
            ("match", "id, mention_id, brand_id, clause, is_counted", "1, 1, 1, '', true"),
            ("correction", "id, mention_id, machine_label, label, model_id, \"by\", at",
             f"1, 1, 'neutral', 'negative', 'm', 'Ada', '{now}'"),
        ):  # fmt: skip
            connection.exec_driver_sql(f"INSERT INTO {table} ({columns}) VALUES ({values})")
        migrations.upgrade(connection)
    with store.read() as session:
        row = session.exec(select(Correction)).one()
        assert (row.kind, row.label, row.is_sample, row.brand_id) == (
            "label", "negative", False, None,
        )  # fmt: skip
        match = session.exec(select(Match)).one()
        assert (match.is_relevant, match.is_counted) == (True, True)
    with store.engine.execution_options(earmark_write=True).begin() as connection:
        migrations.downgrade(connection, "0001")
        columns = {c["name"] for c in sa.inspect(connection).get_columns("correction")}
        assert columns == {"id", "mention_id", "machine_label", "label", "model_id", "by", "at"}
        assert connection.exec_driver_sql("SELECT count(*) FROM correction").scalar_one() == 1
        unique = "uq_match_mention_brand_monitor"
        catalogue = (
            "SELECT count(*) FROM pg_indexes WHERE indexname = "
            if store.dialect == "postgresql"
            else "SELECT count(*) FROM sqlite_master WHERE name = "
        )
        assert connection.exec_driver_sql(f"{catalogue}'{unique}'").scalar_one() == 1
