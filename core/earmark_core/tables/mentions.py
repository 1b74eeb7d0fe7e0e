"""What was said: mentions as stored, their matches, revisions, raw payloads and corrections."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import UtcDateTime, document, moment


class Mention(SQLModel, table=True):
    """One item as stored, cleaned, with its score once it has one.

    `published_at` is the source's claim, `seen_at` is ours, `happened_at` is the claim where it
    is believable and else `seen_at`. `identity` names the author across mentions of a channel.
    `scored_at` and `decided_at` are empty until that step is done, which is how unfinished work
    is found again. `label` is the machine's, `human_label` a person's; the second holds.
    `human_needs_answer` is what a person said, None where nobody did. `is_conflict` says that
    stars and words contradict each other; `sentences` are the lowest, the mean and the last
    compound of a text of several sentences. `copy_group_id` joins those with nearly the same text.
    """

    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        Index("ix_mention_happened", text("happened_at DESC"), text("id DESC")),
        Index("ix_mention_identity", "identity", "happened_at"),
        Index("ix_mention_thread", "channel", "thread_key", "happened_at"),
        Index(
            "ix_mention_uri",
            "uri",
            sqlite_where=text("uri <> ''"),
            postgresql_where=text("uri <> ''"),
        ),
        Index(
            "ix_mention_twin_of",
            "twin_of",
            sqlite_where=text("twin_of IS NOT NULL"),
            postgresql_where=text("twin_of IS NOT NULL"),
        ),
        Index(
            "ix_mention_copy_group",
            "copy_group_id",
            sqlite_where=text("copy_group_id IS NOT NULL"),
            postgresql_where=text("copy_group_id IS NOT NULL"),
        ),
        Index(
            "ix_mention_unscored",
            "id",
            sqlite_where=text("scored_at IS NULL"),
            postgresql_where=text("scored_at IS NULL"),
        ),
        Index(
            "ix_mention_undecided",
            "id",
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id", ondelete="CASCADE")
    external_id: str
    channel: str
    kind: str = "post"
    uri: str = ""
    url: str = ""
    title: str = ""
    body: str = ""
    identity: str = ""
    author_name: str = ""
    author_handle: str = ""
    author_url: str = ""
    author_followers: int | None = None
    lang_hint: str = ""
    rating: float | None = None
    metrics: dict[str, int] = document(dict)
    reply_ref: dict[str, Any] = document(dict)
    thread_key: str = ""
    parent_id: str = ""
    published_at: datetime | None = moment(nullable=True)
    edited_at: datetime | None = moment(nullable=True)
    seen_at: datetime = moment()
    happened_at: datetime = moment()
    content_hash: str
    revision: int = 1
    is_history: bool = False
    is_own: bool = False
    twin_of: int | None = Field(default=None, foreign_key="mention.id", ondelete="SET NULL")
    copy_group_id: int | None = Field(
        default=None, foreign_key="copy_group.id", ondelete="SET NULL"
    )
    gone_at: datetime | None = moment(nullable=True)
    score_status: str | None = None
    label: str | None = None
    human_label: str | None = None
    human_needs_answer: bool | None = None
    p_neg: float | None = None
    p_neu: float | None = None
    p_pos: float | None = None
    compound: float | None = None
    is_conflict: bool = False
    sentences: list[float] | None = Field(default=None, sa_type=JSON)
    lang: str = ""
    lang_confidence: float | None = None
    model_id: str = ""
    cues: list[dict[str, str]] = document(list)
    scored_at: datetime | None = moment(nullable=True)
    decided_at: datetime | None = moment(nullable=True)


class RawPayload(SQLModel, table=True):
    """The item as it came, kept apart so that it can be purged apart."""

    __tablename__ = "raw_payload"
    mention_id: int = Field(primary_key=True, foreign_key="mention.id", ondelete="CASCADE")
    body: str


class MentionRevision(SQLModel, table=True):
    """What a mention said before its author edited it."""

    __tablename__ = "mention_revision"
    __table_args__ = (UniqueConstraint("mention_id", "revision"),)
    id: int | None = Field(default=None, primary_key=True)
    mention_id: int = Field(foreign_key="mention.id", ondelete="CASCADE")
    revision: int
    title: str
    body: str
    rating: float | None = None
    replaced_at: datetime = moment()


class Match(SQLModel, table=True):
    """Why a mention belongs to a brand: the monitor and its clause, or the source that takes all.

    `is_counted` tells whether the mention stands in the brand's rollup already. A person who says
    that the mention is not about the brand takes `is_relevant` away: then no figure counts it.
    """

    __table_args__ = (
        Index(
            "uq_match_mention_brand_monitor",
            "mention_id",
            "brand_id",
            text("coalesce(monitor_id, 0)"),
            unique=True,
        ),
        Index("ix_match_brand_mention", "brand_id", "mention_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    mention_id: int = Field(foreign_key="mention.id", ondelete="CASCADE")
    brand_id: int = Field(foreign_key="brand.id", ondelete="CASCADE")
    monitor_id: int | None = Field(default=None, foreign_key="monitor.id", ondelete="CASCADE")
    clause: str = ""
    is_counted: bool = False
    is_relevant: bool = True


class Correction(SQLModel, table=True):
    """What a person says of a mention; append-only, the newest of its kind holds.

    `kind` says of what: label (negative, neutral, positive), relevance (relevant, irrelevant: to
    the brand of `brand_id`), needs_answer (yes, no) or aspect ("Product > Battery: negative", of
    the brand of `brand_id`). `machine_label` is what the product had said. `is_sample` marks a
    label from the blind sample of mentions that nobody was asked to look at.
    """

    id: int | None = Field(default=None, primary_key=True)
    mention_id: int = Field(foreign_key="mention.id", ondelete="CASCADE", index=True)
    kind: str = "label"
    brand_id: int | None = Field(default=None, foreign_key="brand.id", ondelete="CASCADE")
    machine_label: str | None = None
    label: str
    is_sample: bool = False
    model_id: str = ""
    by: str
    at: datetime = moment()


class RollupHour(SQLModel, table=True):
    """Mentions of a brand on a channel in one hour by label; what trends are drawn from."""

    __tablename__ = "rollup_hour"
    brand_id: int = Field(primary_key=True, foreign_key="brand.id", ondelete="CASCADE")
    channel: str = Field(primary_key=True)
    hour: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    n: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    unscored: int = 0


class RollupModel(SQLModel, table=True):
    """Mentions of a brand in one day (UTC) by the model that labelled them.

    Tells whether figures of a period come from one model.
    """

    __tablename__ = "rollup_model"
    brand_id: int = Field(primary_key=True, foreign_key="brand.id", ondelete="CASCADE")
    day: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    model_id: str = Field(primary_key=True)
    n: int = 0
