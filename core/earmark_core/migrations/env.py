"""Run by Alembic: hands it the caller's connection and our tables."""

from typing import Any, Literal

from alembic import context
from sqlmodel import SQLModel

from earmark_core import tables  # noqa: F401 - the tables register themselves
from earmark_core.tables.columns import UtcDateTime


def _render(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    """Writes our own column type by its short name; the template imports it."""
    return "UtcDateTime()" if kind == "type" and isinstance(thing, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transactional_ddl=True,
    compare_type=True,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
