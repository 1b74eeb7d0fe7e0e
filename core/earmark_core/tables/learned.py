"""What was learned from corrections: models of a brand, words changed by consent, and when."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import document, moment

_ACTIVE = text("state = 'active'")


class BrandModel(SQLModel, table=True):
    """One version of what a brand's scores are made with, on top of the shipped weights.

    `state` is proposed, active or retired; at most one of a brand is active, and with none the
    shipped weights hold. `kind` is shipped, calibrated or stacked. `name` is made from the
    weights, so equal weights have equal names and give equal scores. `base` is the model id of
    the scorer that it stands on. `last_correction_id` is the newest correction it knew.
    `queue_from` is the probability of negative from which on a mention is queued while it is
    active, None where too few corrections tell.
    """

    __tablename__ = "brand_model"
    __table_args__ = (
        UniqueConstraint("brand_id", "version"),
        Index(
            "uq_brand_model_active",
            "brand_id",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    brand_id: int = Field(foreign_key="brand.id", ondelete="CASCADE")
    version: int
    name: str = ""
    kind: str
    base: str
    weights: dict[str, Any] = document(dict)
    figures: dict[str, Any] = document(dict)
    n: int = 0
    seed: int = 0
    last_correction_id: int = 0
    queue_from: float | None = None
    state: str
    by: str
    created_at: datetime = moment()
    activated_at: datetime | None = moment(nullable=True)


class LexiconChange(SQLModel, table=True):
    """A word that weighs something else for a brand; append-only.

    `before` and `after` are what the brand's model says of the word, None where it says nothing
    and the lexicon holds. `undoes` is the change that this one takes back. `effect` is what was
    measured before somebody consented.
    """

    __tablename__ = "lexicon_change"
    id: int | None = Field(default=None, primary_key=True)
    brand_id: int = Field(foreign_key="brand.id", ondelete="CASCADE", index=True)
    word: str
    lexicon: float | None = None
    before: float | None = None
    after: float | None = None
    effect: dict[str, Any] = document(dict)
    undoes: int | None = Field(default=None, foreign_key="lexicon_change.id", ondelete="CASCADE")
    by: str
    at: datetime = moment()


class ScoreChange(SQLModel, table=True):
    """From here on a brand's scores are another model's: the marker on its trends.

    `kind` is model (what comes is scored by the new one) or rescore (what was there, too).
    `n` mentions were scored again, of which `changed` got another label; `diff` counts them as
    `"negative -> neutral": 12`.
    """

    __tablename__ = "score_change"
    __table_args__ = (Index("ix_score_change_brand_at", "brand_id", "at"),)
    id: int | None = Field(default=None, primary_key=True)
    brand_id: int = Field(foreign_key="brand.id", ondelete="CASCADE")
    at: datetime = moment()
    kind: str
    from_model: str
    to_model: str
    n: int = 0
    changed: int = 0
    diff: dict[str, Any] = document(dict)
    job_id: int | None = None
    by: str
