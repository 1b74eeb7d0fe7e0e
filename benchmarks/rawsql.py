"""The ceiling: ready tuples by `executemany`, nothing between them and the driver.

Same tables, indexes, pragmas and transactions as ours. Ids are given out beforehand, values are
serialised beforehand: what is left is what the database itself costs.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg

from benchmarks.page import Cleaned
from earmark_core.store import Store
from earmark_core.tables import Match, Mention, RawPayload
from earmark_core.tables.columns import table_of

_TABLES = ("mention", "raw_payload", "match")
Tuples = tuple[list[Any], list[Any], list[Any]]


def columns_of(model: Any, *, without: str = "") -> list[str]:
    """Gives the columns of a table that are written."""
    return [column.name for column in table_of(model).columns if column.name != without]


def connected(store: Store) -> sqlite3.Connection:
    """Gives a bare connection with our pragmas to a store's file; the store is closed."""
    path = store.engine.url.database or ""
    store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def connected_to_postgres(store: Store) -> psycopg.Connection[Any]:
    """Gives a bare connection to a store's database, with the tables to copy into."""
    url = store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    store.close()
    connection = psycopg.connect(url, autocommit=True)
    for table in _TABLES:
        connection.execute(f'CREATE TEMP TABLE "new_{table}" (LIKE "{table}" INCLUDING DEFAULTS)')
    return connection


def tuples(page: Cleaned, first: int, *, plain: bool = True) -> Tuples:
    """Gives the rows of a page as tuples for mention, raw_payload and match, ids from *first*.

    *plain* writes moments as SQLite's text.
    """
    defaults = {
        column.name: (column.default.arg if column.default.is_scalar else [])
        for column in table_of(Mention).columns
        if column.default is not None
    }
    columns = columns_of(Mention)
    mentions = [
        tuple(_value((defaults | row | {"id": first + i}).get(name), plain) for name in columns)
        for i, row in enumerate(page.rows)
    ]
    raw = [(first + i, row["raw"]) for i, row in enumerate(page.rows)]
    matches = [
        (first + i, match["brand_id"], match["monitor_id"], match["clause"], False, True)
        for i, found in enumerate(page.found)
        for match in found
    ]
    return mentions, raw, matches


def statements() -> tuple[str, str, str]:
    """Gives the three INSERTs for SQLite."""
    unique = " ON CONFLICT (source_id, external_id) DO NOTHING"
    return (
        _insert("mention", columns_of(Mention)) + unique,
        _insert("raw_payload", columns_of(RawPayload)) + " ON CONFLICT DO NOTHING",
        _insert("match", columns_of(Match, without="id")) + " ON CONFLICT DO NOTHING",
    )


def write(connection: sqlite3.Connection, sql: Sequence[str], rows: Iterable[list[Any]]) -> None:
    """Writes a page in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for statement, values in zip(sql, rows, strict=True):
        connection.executemany(statement, values)
    connection.execute("COMMIT")


def copy(connection: psycopg.Connection[Any], rows: Iterable[list[Any]]) -> None:
    """Writes a page in one transaction by way of temporary tables."""
    written = (columns_of(Mention), columns_of(RawPayload), columns_of(Match, without="id"))
    with connection.transaction(), connection.cursor() as cursor:
        for table, columns, values in zip(_TABLES, written, rows, strict=True):
            names = ", ".join(columns)
            with cursor.copy(f'COPY "new_{table}" ({names}) FROM STDIN') as sink:
                for row in values:
                    sink.write_row(row)
            cursor.execute(
                f'INSERT INTO "{table}" ({names}) SELECT {names} FROM "new_{table}" '
                "ON CONFLICT DO NOTHING"
            )
            cursor.execute(f'TRUNCATE "new_{table}"')


def _insert(table: str, columns: Sequence[str]) -> str:
    marks = ", ".join("?" * len(columns))
    return f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({marks})'


def _value(value: Any, plain: bool) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value)
    if plain and isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value
