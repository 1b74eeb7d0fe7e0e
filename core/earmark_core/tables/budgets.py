"""What may still be asked, and when: one row for each host and for each quota."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import moment


class Budget(SQLModel, table=True):
    """How much of a host's or a platform's patience is used up.

    `key` names it: "host " and the host with what tells one account from another, or "quota " and
    the platform's own name for it. `used` counts in the unit of `cap` (None: none is known) until
    `renews_at`. Before `not_before` nothing is asked.
    """

    key: str = Field(primary_key=True)
    used: float = 0
    cap: float | None = None
    renews_at: datetime | None = moment(nullable=True)
    not_before: datetime | None = moment(nullable=True)
    reason: str = ""
    updated_at: datetime = moment()
