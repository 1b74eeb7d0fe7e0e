"""What goes out."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import document, moment

_IN_FLIGHT = text("state IN ('awaiting_approval', 'approved', 'scheduled', 'sending', 'unknown')")


class Reply(SQLModel, table=True):
    """One answer and its way out.

    `idempotency_key` is made once and never changes. `fence` counts claims: a worker writes only
    while the fence is its own. `approved_hash` binds the approval to text, account and target.
    `target_ref` is what the responder needs to find what is answered. `seen_mention_id` is the
    newest mention the author had seen; a mention that was removed is None in both. `looks` counts
    the searches for a reply whose fate is open. A case has at most one reply in flight.
    """

    __table_args__ = (
        Index("ix_reply_outbox", "state", "not_before"),
        Index("ix_reply_case", "case_id"),
        Index("ix_reply_mention", "mention_id"),
        Index("ix_reply_seen_mention", "seen_mention_id"),
        Index(
            "uq_reply_in_flight",
            "case_id",
            unique=True,
            sqlite_where=_IN_FLIGHT,
            postgresql_where=_IN_FLIGHT,
        ),
        Index(
            "ix_reply_lease",
            "lease_until",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id")
    source_id: int | None = Field(default=None, foreign_key="source.id")
    channel: str
    mention_id: int | None = Field(foreign_key="mention.id")
    seen_mention_id: int | None = Field(foreign_key="mention.id")
    seen_revision: int = 1
    target_ref: dict[str, Any] = document(dict)
    body: str
    state: str
    is_by_hand: bool = False
    idempotency_key: str = Field(unique=True)
    approved_hash: str = ""
    fence: int = 0
    lease_until: datetime | None = moment(nullable=True)
    not_before: datetime | None = moment(nullable=True)
    attempts: int = 0
    looks: int = 0
    error: str = ""
    error_hint: str = ""
    remote_id: str = ""
    remote_url: str = ""
    by: str
    by_person_id: int | None = Field(default=None, foreign_key="person.id")
    approved_by: str = ""
    created_at: datetime = moment()
    updated_at: datetime = moment()
    sent_at: datetime | None = moment(nullable=True)
