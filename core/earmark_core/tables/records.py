"""What was done, and what is to be done: the audit trail, jobs and installation facts."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import document, moment


class AuditEntry(SQLModel, table=True):
    """One change of state: who or which rule, what, from what to what. Append-only."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject", "subject_id", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = moment()
    by: str
    action: str
    subject: str
    subject_id: int
    before: dict[str, Any] = document(dict)
    after: dict[str, Any] = document(dict)
    reason: str = ""


class Job(SQLModel, table=True):
    """Something a page asks of the worker: `state` is waiting, running, done, failed, cancelled.

    `key` keeps two equal requests from standing in line at once.
    """

    __table_args__ = (
        Index(
            "uq_job_live_key",
            "key",
            unique=True,
            sqlite_where=text("state IN ('waiting', 'running')"),
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
        Index("ix_job_state", "state", "id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    key: str
    payload: dict[str, Any] = document(dict)
    state: str
    done: int = 0
    total: int = 0
    note: str = ""
    wants_cancel: bool = False
    by: str
    created_at: datetime = moment()
    started_at: datetime | None = moment(nullable=True)
    ended_at: datetime | None = moment(nullable=True)
    lease_until: datetime | None = moment(nullable=True)


class Heartbeat(SQLModel, table=True):
    """A process that is alive, and when it last said so."""

    name: str = Field(primary_key=True)
    pid: int
    at: datetime = moment()
    note: str = ""
