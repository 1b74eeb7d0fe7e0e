"""Sources, the ledger of their windows, and what could not be read."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import document, moment


class Source(SQLModel, table=True):
    """One configured place that is polled; its schedule is data in this row.

    `lease_until` is set while a poll runs. `not_before` is a wait the source asked for and
    survives a restart. `interval_seconds` is what a person wished, `pace_seconds` what the last
    polls made of it (0 before the first). `takes_all` means each item belongs to the brand
    without a monitor (its own notifications, its own reviews). `retention_days` and `raw_days` are
    how long mentions and raw payloads are kept, counted from when they were seen; None is the
    installation's. `moved_to` is where the source has sent us for good `moved_polls` times.
    """

    __table_args__ = (
        UniqueConstraint("brand_id", "name"),
        Index(
            "ix_source_due",
            "next_poll_at",
            sqlite_where=text("is_enabled = 1"),
            postgresql_where=text("is_enabled"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    brand_id: int = Field(foreign_key="brand.id", index=True)
    channel: str
    name: str
    options: dict[str, Any] = document(dict)
    include: str = ""
    exclude: str = ""
    takes_all: bool = False
    is_enabled: bool = True
    is_demo: bool = False
    interval_seconds: int = 300
    pace_seconds: int = 0
    min_interval_seconds: int = 60
    max_interval_seconds: int = 21_600
    retention_days: int | None = None
    raw_days: int | None = None
    moved_to: str = ""
    moved_polls: int = 0
    cursor: str | None = None
    next_poll_at: datetime = moment()
    not_before: datetime | None = moment(nullable=True)
    lease_until: datetime | None = moment(nullable=True)
    lease_token: str = ""
    first_polled_at: datetime | None = moment(nullable=True)
    last_polled_at: datetime | None = moment(nullable=True)
    last_success_at: datetime | None = moment(nullable=True)
    last_item_at: datetime | None = moment(nullable=True)
    error_streak: int = 0
    error: str = ""
    error_hint: str = ""
    needs_person: bool = False
    created_at: datetime = moment()


class PollWindow(SQLModel, table=True):
    """One poll of a source in the coverage ledger: from when to when, and how much was heard."""

    __tablename__ = "poll_window"
    __table_args__ = (Index("ix_poll_window_source_ended", "source_id", "ended_at"),)
    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id", ondelete="CASCADE")
    state: str
    covers_from: datetime | None = moment(nullable=True)
    started_at: datetime = moment()
    ended_at: datetime = moment()
    pages: int = 0
    items: int = 0
    new_items: int = 0
    bad_items: int = 0
    note: str = ""


class Quarantine(SQLModel, table=True):
    """One item that could not be read, with its reason and raw text."""

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id", ondelete="CASCADE", index=True)
    reason: str
    raw: str
    seen_at: datetime = moment()
