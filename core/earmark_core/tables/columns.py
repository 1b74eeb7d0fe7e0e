"""Column types and naming that both databases share."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Table
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from earmark_core.clock import as_utc

# Set before the first table: without names, SQLite's batch migrations cannot drop a constraint.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, aware in Python on both databases (SQLite itself knows no zones)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Stores UTC; SQLite gets it without the zone, which keeps its text sortable."""
        if value is None:
            return None
        utc = as_utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Gives an aware moment."""
        return None if value is None else as_utc(value)


def table_of(model: type[SQLModel]) -> Table:
    """Gives the table behind a class of rows, for statements over many rows at once."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def moment(*, nullable: bool = False, index: bool = False) -> Any:
    """Declares a column that holds a moment in UTC."""
    extra: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_type=UtcDateTime, nullable=nullable, index=index, **extra)


def document(factory: Any) -> Any:
    """Declares a column that holds a JSON document."""
    return Field(default_factory=factory, sa_type=JSON, nullable=False)
