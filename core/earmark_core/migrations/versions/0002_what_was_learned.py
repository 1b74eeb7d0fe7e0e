"""What was learned.

Revision: 0002
After: 0001
"""

import sqlalchemy as sa
from alembic import op

from earmark_core.tables.columns import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ACTIVE = sa.text("state = 'active'")

_SQLITE_DAY = "strftime('%Y-%m-%d 00:00:00.000000', happened_at)"
_POSTGRESQL_DAY = "date_trunc('day', happened_at, 'UTC')"
_COUNT_MODELS = """
    INSERT INTO rollup_model (brand_id, day, model_id, n)
    SELECT brand_id, {day}, model_id, count(*)
    FROM mention JOIN (
        SELECT DISTINCT mention_id, brand_id FROM match WHERE is_counted
    ) AS counted ON counted.mention_id = mention.id
    WHERE label IS NOT NULL AND NOT is_own AND twin_of IS NULL
    GROUP BY 1, 2, 3
"""


def upgrade() -> None:
    _make_tables()
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="label"))
        batch_op.add_column(sa.Column("brand_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("is_sample", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_correction_brand_id_brand"),
            "brand",
            ["brand_id"],
            ["id"],
            ondelete="CASCADE",
        )
    op.add_column("mention", sa.Column("human_needs_answer", sa.Boolean(), nullable=True))
    # No batch here: on SQLite it would copy a table that may be large, and lose its unique index.
    op.add_column(
        "match", sa.Column("is_relevant", sa.Boolean(), nullable=False, server_default=sa.true())
    )


def _make_tables() -> None:
    op.create_table(
        "brand_model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("brand_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("last_correction_id", sa.Integer(), nullable=False),
        sa.Column("queue_from", sa.Float(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("activated_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
            name=op.f("fk_brand_model_brand_id_brand"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand_model")),
        sa.UniqueConstraint("brand_id", "version", name=op.f("uq_brand_model_brand_id_version")),
    )
    op.create_index(
        "uq_brand_model_active",
        "brand_model",
        ["brand_id"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_table(
        "lexicon_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("brand_id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("lexicon", sa.Float(), nullable=True),
        sa.Column("before", sa.Float(), nullable=True),
        sa.Column("after", sa.Float(), nullable=True),
        sa.Column("effect", sa.JSON(), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
            name=op.f("fk_lexicon_change_brand_id_brand"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["undoes"],
            ["lexicon_change.id"],
            name=op.f("fk_lexicon_change_undoes_lexicon_change"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lexicon_change")),
    )
    op.create_index("ix_lexicon_change_brand_id", "lexicon_change", ["brand_id"])
    op.create_table(
        "score_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("brand_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("from_model", sa.String(), nullable=False),
        sa.Column("to_model", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("diff", sa.JSON(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
            name=op.f("fk_score_change_brand_id_brand"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_change")),
    )
    op.create_index("ix_score_change_brand_at", "score_change", ["brand_id", "at"])
    op.create_table(
        "rollup_model",
        sa.Column("brand_id", sa.Integer(), nullable=False),
        sa.Column("day", UtcDateTime(), nullable=False),
        sa.Column("model_id", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
            name=op.f("fk_rollup_model_brand_id_brand"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("brand_id", "day", "model_id", name=op.f("pk_rollup_model")),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(_COUNT_MODELS.format(day=_SQLITE_DAY if is_sqlite else _POSTGRESQL_DAY))


def downgrade() -> None:
    op.drop_column("match", "is_relevant")
    op.drop_column("mention", "human_needs_answer")
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_correction_brand_id_brand"), type_="foreignkey")
        batch_op.drop_column("is_sample")
        batch_op.drop_column("brand_id")
        batch_op.drop_column("kind")
    op.drop_table("rollup_model")
    op.drop_table("score_change")
    op.drop_table("lexicon_change")
    op.drop_table("brand_model")
