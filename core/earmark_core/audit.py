"""The audit trail: who or which rule changed what, from what to what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from earmark_core.tables import AuditEntry


def record(
    session: Session,
    *,
    at: datetime,
    by: str,
    action: str,
    subject: str,
    subject_id: int,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str = "",
) -> None:
    """Adds one entry to the caller's transaction: it stands or falls with the change it tells of.

    *by* is a person's name or `rule:` and the rule's. Moments in *before* and *after* are kept
    as ISO text.
    """
    session.add(
        AuditEntry(
            at=at,
            by=by,
            action=action,
            subject=subject,
            subject_id=subject_id,
            before=_plain(before),
            after=_plain(after),
            reason=reason,
        )
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in values.items()
    }
