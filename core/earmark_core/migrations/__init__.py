"""The schema's history, in both directions.

One revision is one transaction on both databases: a migration killed half way leaves the old
schema whole.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

_HERE = Path(__file__).parent
_LOCK = 7_234_001  # any constant: PostgreSQL's name for "earmark is migrating"


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """Gives the revision this version of earmark works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def is_known(revision: str) -> bool:
    """Tells whether this version of earmark knows the revision."""
    return revision in {
        script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()
    }


def revision_of(connection: sa.Connection) -> str | None:
    """Gives the revision the database is at, None if it has no schema yet."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Brings the schema up inside the caller's transaction; twice at once waits for the first."""
    _only_one(connection)
    command.upgrade(_config(connection), to)


def downgrade(connection: sa.Connection, to: str) -> None:
    """Takes the schema back inside the caller's transaction."""
    _only_one(connection)
    command.downgrade(_config(connection), to)


def _only_one(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
