"""What mentions speak of: a brand's topics in two levels, and what a mention finds of each."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import document, moment


class Topic(SQLModel, table=True):
    """One topic of a brand: `area` is the first level, `name` the second ("Product", "Battery").

    `words` are words or phrases that name it, `*` at the end of one standing for any ending.
    """

    __table_args__ = (UniqueConstraint("brand_id", "area", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    brand_id: int = Field(foreign_key="brand.id", ondelete="CASCADE")
    area: str
    name: str
    words: list[str] = document(list)
    is_enabled: bool = True
    created_at: datetime = moment()


class Aspect(SQLModel, table=True):
    """What one mention finds of one topic of a brand, by the sentences that name it.

    `label` is the machine's, None where the mention is not scored. `human_label` is a person's:
    a tone, or "none" where the mention does not speak of the topic after all; empty `words` with
    a `human_label` is a topic that only a person saw. `happened_at` is the mention's.
    """

    __table_args__ = (
        UniqueConstraint("mention_id", "brand_id", "area", "topic"),
        Index("ix_aspect_brand_happened", "brand_id", "happened_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    mention_id: int = Field(foreign_key="mention.id", ondelete="CASCADE")
    brand_id: int = Field(foreign_key="brand.id", ondelete="CASCADE")
    area: str
    topic: str
    words: str = ""
    label: str | None = None
    p_neg: float | None = None
    human_label: str | None = None
    happened_at: datetime = moment()
