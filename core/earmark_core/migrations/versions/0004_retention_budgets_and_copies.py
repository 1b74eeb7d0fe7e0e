"""Retention, budgets and copies.

Revision: 0004
After: 0003
"""

import sqlalchemy as sa
from alembic import op

from earmark_core.tables.columns import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No batch here: on SQLite it would copy the largest table there is.
    for name in ("retention_days", "raw_days"):
        op.add_column("source", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("source", sa.Column("moved_to", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "source", sa.Column("moved_polls", sa.Integer(), nullable=False, server_default="0")
    )
    _make_budget()
    _make_traces()
    _make_copies()
    _let_mentions_go()


def _make_budget() -> None:
    op.create_table(
        "budget",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("used", sa.Float(), nullable=False),
        sa.Column("cap", sa.Float(), nullable=True),
        sa.Column("renews_at", UtcDateTime(), nullable=True),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_budget")),
    )


def _make_traces() -> None:
    for name, more in (
        ("tombstone", [sa.Column("reason", sa.String(), nullable=False)]),
        ("hook_delivery", []),
    ):
        op.create_table(
            name,
            sa.Column("digest", sa.String(), nullable=False),
            sa.Column("source_id", sa.Integer(), nullable=False),
            *more,
            sa.Column("at", UtcDateTime(), nullable=False),
            sa.ForeignKeyConstraint(
                ["source_id"],
                ["source.id"],
                name=op.f(f"fk_{name}_source_id_source"),
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint("digest", name=op.f(f"pk_{name}")),
        )
        op.create_index(f"ix_{name}_source_id", name, ["source_id"])
        op.create_index(f"ix_{name}_at", name, ["at"])


def _let_mentions_go() -> None:
    """Lets a mention be removed under its replies, and quickly: each removal looks for them."""
    op.create_table(
        "installation_key",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_key")),
    )
    # Copied on SQLite, which takes little: there is one row for each answer that was written.
    with op.batch_alter_table("reply", reflect_kwargs={"resolve_fks": False}) as reply:
        for name in ("mention_id", "seen_mention_id"):
            reply.alter_column(name, existing_type=sa.Integer(), nullable=True)
    op.create_index("ix_reply_mention", "reply", ["mention_id"])
    op.create_index("ix_reply_seen_mention", "reply", ["seen_mention_id"])
    op.create_index("ix_case_last_mention", "case", ["last_mention_id"])


def _make_copies() -> None:
    op.create_table(
        "copy_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy_group")),
    )
    # As text: Alembic adds a column with a foreign key on SQLite only by copying the table.
    op.execute(
        "ALTER TABLE mention ADD COLUMN copy_group_id INTEGER "
        "CONSTRAINT fk_mention_copy_group_id_copy_group "
        "REFERENCES copy_group (id) ON DELETE SET NULL"
    )
    for column, name in (
        ("twin_of", "ix_mention_twin_of"),
        ("copy_group_id", "ix_mention_copy_group"),
    ):
        some = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "mention", [column], sqlite_where=some, postgresql_where=some)
    op.create_table(
        "near_key",
        sa.Column("key", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("mention_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mention_id"],
            ["mention.id"],
            name=op.f("fk_near_key_mention_id_mention"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", "mention_id", name=op.f("pk_near_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_near_key_mention_id", "near_key", ["mention_id"])


def downgrade() -> None:
    op.drop_index("ix_case_last_mention", "case")
    op.drop_index("ix_reply_seen_mention", "reply")
    op.drop_index("ix_reply_mention", "reply")
    # The older schema has no place for an answer to what was removed.
    op.execute("DELETE FROM reply WHERE mention_id IS NULL OR seen_mention_id IS NULL")
    with op.batch_alter_table("reply", reflect_kwargs={"resolve_fks": False}) as reply:
        for name in ("mention_id", "seen_mention_id"):
            reply.alter_column(name, existing_type=sa.Integer(), nullable=False)
    op.drop_table("installation_key")
    op.drop_table("near_key")
    for name in ("ix_mention_copy_group", "ix_mention_twin_of"):
        op.drop_index(name, "mention")
    op.drop_column("mention", "copy_group_id")
    for name in ("copy_group", "hook_delivery", "tombstone", "budget"):
        op.drop_table(name)
    for name in ("moved_polls", "moved_to", "raw_days", "retention_days"):
        op.drop_column("source", name)
