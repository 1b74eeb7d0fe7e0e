"""Work: contacts, cases, their clocks and notes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import document, moment

_ALIVE = text("status IN ('new', 'open', 'waiting', 'snoozed')")
_TODO = text("status IN ('new', 'open')")
_FREE = text("status IN ('new', 'open') AND owner_id IS NULL")
_CLOSED = text("resolved_at IS NOT NULL")


class Contact(SQLModel, table=True):
    """A person who spoke of a brand; has one or more identities."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    is_vip: bool = False
    created_at: datetime = moment()


class Identity(SQLModel, table=True):
    """One name of a contact at a channel; `key` equals `mention.identity`."""

    id: int | None = Field(default=None, primary_key=True)
    contact_id: int = Field(foreign_key="contact.id", index=True)
    key: str = Field(unique=True)
    channel: str
    handle: str = ""
    url: str = ""
    followers: int | None = None


class Case(SQLModel, table=True):
    """The unit of work: what one contact said in one thread, until it is seen through.

    `version` counts every change and is what an action compares before it sets.
    `priority_reasons` are words for a person, the strongest first. `due_at` is the running
    clock's, empty when none runs. `last_inbound_at` is the customer's newest word.
    """

    __tablename__ = "case"
    __table_args__ = (
        Index(
            "uq_case_alive",
            "brand_id",
            "channel",
            text("coalesce(contact_id, 0)"),
            "thread_key",
            unique=True,
            sqlite_where=_ALIVE,
            postgresql_where=_ALIVE,
        ),
        Index("ix_case_queue", "status", text("priority_rank DESC"), "opened_at", "id"),
        Index("ix_case_brand", "brand_id", "status", "id"),
        Index(
            "ix_case_todo_brand",
            "brand_id",
            text("priority_rank DESC"),
            "opened_at",
            "id",
            "channel",
            "label",
            sqlite_where=_TODO,
            postgresql_where=_TODO,
        ),
        Index(
            "ix_case_free",
            text("priority_rank DESC"),
            "opened_at",
            "id",
            sqlite_where=_FREE,
            postgresql_where=_FREE,
        ),
        Index(
            "ix_case_closed",
            text("resolved_at DESC"),
            text("id DESC"),
            sqlite_where=_CLOSED,
            postgresql_where=_CLOSED,
        ),
        Index(
            "ix_case_closed_brand",
            "brand_id",
            text("resolved_at DESC"),
            text("id DESC"),
            sqlite_where=_CLOSED,
            postgresql_where=_CLOSED,
        ),
        Index("ix_case_thread", "thread_key"),
        Index(
            "ix_case_todo",
            text("priority_rank DESC"),
            "opened_at",
            "id",
            "channel",
            "label",
            sqlite_where=_TODO,
            postgresql_where=_TODO,
        ),
        Index(
            "ix_case_due",
            "due_at",
            "id",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index(
            "ix_case_wake",
            "wake_at",
            "id",
            sqlite_where=text("wake_at IS NOT NULL"),
            postgresql_where=text("wake_at IS NOT NULL"),
        ),
        Index(
            "ix_case_owner",
            "owner_id",
            text("priority_rank DESC"),
            "opened_at",
            "id",
            sqlite_where=_ALIVE,
            postgresql_where=_ALIVE,
        ),
        Index("ix_case_contact", "contact_id", "id"),
        Index("ix_case_last_mention", "last_mention_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    brand_id: int = Field(foreign_key="brand.id")
    contact_id: int | None = Field(default=None, foreign_key="contact.id")
    channel: str
    thread_key: str
    status: str
    priority: str
    priority_rank: int
    priority_reasons: list[str] = document(list)
    priority_by_person: bool = False
    reasons: list[dict[str, Any]] = document(list)
    headline: str = ""
    label: str | None = None
    owner_id: int | None = Field(default=None, foreign_key="person.id")
    version: int = 1
    opened_at: datetime = moment()
    updated_at: datetime = moment()
    last_inbound_at: datetime = moment()
    last_mention_id: int | None = Field(default=None, foreign_key="mention.id")
    first_replied_at: datetime | None = moment(nullable=True)
    resolved_at: datetime | None = moment(nullable=True)
    wake_at: datetime | None = moment(nullable=True)
    due_at: datetime | None = moment(nullable=True)
    is_breached: bool = False
    resolution: str = ""


class CaseMention(SQLModel, table=True):
    """A mention that belongs to a case; `revision` is the newest wording the case knows."""

    __tablename__ = "case_mention"
    case_id: int = Field(primary_key=True, foreign_key="case.id", ondelete="CASCADE")
    mention_id: int = Field(
        primary_key=True, foreign_key="mention.id", ondelete="CASCADE", index=True
    )
    revision: int = 1


class SlaClock(SQLModel, table=True):
    """One promise of an answer: when it started, when it is due, how it ended.

    `target` is first_response or next_response; `state` is running, met, breached or cancelled.
    A clock breached and then answered stays breached.
    """

    __tablename__ = "sla_clock"
    __table_args__ = (
        Index(
            "ix_sla_clock_running",
            "due_at",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_sla_clock_case", "case_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id", ondelete="CASCADE")
    target: str
    state: str
    started_at: datetime = moment()
    due_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)


class Note(SQLModel, table=True):
    """Words between colleagues; never goes out."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id", ondelete="CASCADE", index=True)
    by: str
    body: str
    at: datetime = moment()


class Draft(SQLModel, table=True):
    """What a person was typing at a case; saved so that no word is lost with the browser."""

    __table_args__ = (UniqueConstraint("case_id", "person_id"),)
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id", ondelete="CASCADE")
    person_id: int = Field(foreign_key="person.id")
    body: str
    at: datetime = moment()
