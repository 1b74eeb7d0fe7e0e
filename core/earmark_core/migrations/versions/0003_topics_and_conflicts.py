"""Topics and conflicts.

Revision: 0003
After: 0002
"""

import sqlalchemy as sa
from alembic import op

from earmark_core.tables.columns import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No batch here: on SQLite it would copy the largest table there is.
    op.add_column(
        "mention", sa.Column("is_conflict", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("mention", sa.Column("sentences", sa.JSON(), nullable=True))
    op.create_table(
        "topic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("brand_id", sa.Integer(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id"], ["brand.id"], name=op.f("fk_topic_brand_id_brand"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
        sa.UniqueConstraint("brand_id", "area", "name", name=op.f("uq_topic_brand_id_area_name")),
    )
    _make_aspect()


def _make_aspect() -> None:
    op.create_table(
        "aspect",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mention_id", sa.Integer(), nullable=False),
        sa.Column("brand_id", sa.Integer(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("p_neg", sa.Float(), nullable=True),
        sa.Column("human_label", sa.String(), nullable=True),
        sa.Column("happened_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mention_id"],
            ["mention.id"],
            name=op.f("fk_aspect_mention_id_mention"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["brand_id"], ["brand.id"], name=op.f("fk_aspect_brand_id_brand"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_aspect")),
        sa.UniqueConstraint(
            "mention_id",
            "brand_id",
            "area",
            "topic",
            name=op.f("uq_aspect_mention_id_brand_id_area_topic"),
        ),
    )
    op.create_index("ix_aspect_brand_happened", "aspect", ["brand_id", "happened_at"])


def downgrade() -> None:
    op.drop_table("aspect")
    op.drop_table("topic")
    op.drop_column("mention", "sentences")
    op.drop_column("mention", "is_conflict")
