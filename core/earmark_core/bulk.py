"""Many rows at once, near the speed of the driver itself.

SQLAlchemy's executemany walks every value of every row in Python, which for a wide table costs
more than the database does. Here the statement is written once per table, only the values that
need it are converted, and by SQLAlchemy's own types, so that what is stored is the same.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlmodel import Session, SQLModel

from earmark_core.tables.columns import UtcDateTime, table_of

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How rows are written; `constants` are the defaults of the columns that rows do not name."""

    sql: str
    names: tuple[str, ...]
    converts: tuple[tuple[int, _Convert], ...]
    constants: tuple[Any, ...]


def insert_new(
    session: Session,
    model: type[SQLModel],
    rows: Sequence[Mapping[str, Any]],
    *,
    without: Collection[str] = (),
) -> None:
    """Inserts rows, which all have the same keys; one in conflict with a unique key is left out.

    Keys *without* are not written. Columns that the rows do not name get their default.
    """
    if not rows:
        return
    connection = session.connection()
    table: sa.Table = table_of(model)
    names = tuple(name for name in rows[0] if name not in without)
    plan = _plan(table, names, connection.dialect)
    values = _values(plan, rows)
    if connection.dialect.name == "postgresql":
        columns = [list(column) for column in zip(*values, strict=True)]
        connection.exec_driver_sql(plan.sql, (*plan.constants, *columns))
    else:
        connection.exec_driver_sql(plan.sql, [(*row, *plan.constants) for row in values])


def among(column: Any, name: str, dialect: str) -> sa.ColumnElement[bool]:
    """Gives the condition that a text column holds one of the texts bound as *name* (a list).

    One parameter however many there are, where IN has one each that SQLAlchemy writes out anew.
    """
    if dialect == "postgresql":
        texts: Any = sa.bindparam(name, type_=postgresql.ARRAY(sa.String()))
        same: sa.ColumnElement[bool] = column == sa.any_(texts)
        return same
    texts = sa.func.json_each(sa.bindparam(name, type_=sa.JSON)).table_valued("value")
    found: sa.ColumnElement[bool] = column.in_(sa.select(texts.c.value))
    return found


def _values(plan: _Plan, rows: Sequence[Mapping[str, Any]]) -> Iterator[list[Any]]:
    take = itemgetter(*plan.names)
    for row in rows:
        values = list(take(row))
        for place, convert in plan.converts:
            values[place] = convert(values[place])
        yield values


@lru_cache(maxsize=64)
def _plan(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> _Plan:
    constants = {
        column.name: value
        for column in table.columns
        if column.name not in names and (value := _default(column)) is not None
    }
    converts = {name: _convert(table.c[name], dialect) for name in (*names, *constants)}
    return _Plan(
        sql=_sql(table, names, tuple(constants), dialect),
        names=names,
        converts=tuple(
            (place, convert)
            for place, name in enumerate(names)
            if (convert := converts[name]) is not None
        ),
        constants=tuple(
            value if (convert := converts[name]) is None else convert(value)
            for name, value in constants.items()
        ),
    )


def _default(column: sa.Column[Any]) -> Any:
    default = column.default
    if default is None:
        return None
    if isinstance(default, sa.ColumnDefault) and default.is_scalar:
        return default.arg
    factory: Any = default  # such as `list`, as SQLAlchemy wraps it
    return factory.arg(None)


def _convert(column: sa.Column[Any], dialect: sa.Dialect) -> _Convert | None:
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    if convert is None:
        return None
    # The rows of a page share most of their moments.
    is_moment = isinstance(column.type, UtcDateTime)
    return lru_cache(maxsize=1_024)(convert) if is_moment else convert


def _sql(
    table: sa.Table, names: tuple[str, ...], constants: tuple[str, ...], dialect: sa.Dialect
) -> str:
    quote = dialect.identifier_preparer.quote
    target = dialect.identifier_preparer.format_table(table)
    into = f"INSERT INTO {target} ({', '.join(map(quote, (*names, *constants)))})"
    if dialect.name != "postgresql":
        marks = ", ".join("?" * len((*names, *constants)))
        return f"{into} VALUES ({marks}) ON CONFLICT DO NOTHING"
    # One array a column: the statement stays short, however many rows there are.
    kinds = {name: table.c[name].type.compile(dialect) for name in (*names, *constants)}
    arrays = ", ".join(f"%s::{kinds[name]}[]" for name in names)
    same = "".join(f", %s::{kinds[name]}" for name in constants)
    aliases = ", ".join(map(quote, names))
    arrays = f"unnest({arrays}) AS new ({aliases})"
    return f"{into} SELECT {aliases}{same} FROM {arrays} ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
