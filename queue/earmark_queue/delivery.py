"""Moving a reply from state to state: the legal steps, each with its audit entry."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from earmark_core import audit
from earmark_core.errors import ReplyError
from earmark_core.model import Delivery
from earmark_core.tables import Reply
from earmark_core.text import fingerprint
from earmark_queue.casework import key, literals

IN_FLIGHT = (
    Delivery.awaiting_approval,
    Delivery.approved,
    Delivery.scheduled,
    Delivery.sending,
    Delivery.unknown,
)
NOT_YET_SENT = (Delivery.awaiting_approval, Delivery.approved, Delivery.scheduled)
STEPS: Mapping[Delivery, tuple[Delivery, ...]] = {
    Delivery.draft: (Delivery.awaiting_approval, Delivery.approved, Delivery.cancelled),
    Delivery.awaiting_approval: (Delivery.approved, Delivery.draft, Delivery.cancelled),
    Delivery.approved: (Delivery.sending, Delivery.draft, Delivery.cancelled),
    Delivery.scheduled: (Delivery.approved, Delivery.draft, Delivery.cancelled),
    Delivery.sending: (
        Delivery.sent,
        Delivery.approved,
        Delivery.draft,
        Delivery.failed,
        Delivery.unknown,
        Delivery.needs_human,
        Delivery.cancelled,
    ),
    Delivery.unknown: (Delivery.sent, Delivery.approved, Delivery.needs_human),
    Delivery.sent: (Delivery.confirmed, Delivery.needs_human),
    Delivery.failed: (Delivery.approved, Delivery.confirmed, Delivery.cancelled),
    Delivery.needs_human: (Delivery.approved, Delivery.confirmed, Delivery.cancelled),
    Delivery.confirmed: (),
    Delivery.cancelled: (),
}


def bond(body: str, source_id: int | None, target: Mapping[str, Any]) -> str:
    """Gives what an approval is bound to: this text, from this account, to this target."""
    parts = [f"{name}={target[name]}" for name in sorted(target)]
    return fingerprint(body, str(source_id), *parts)


def hold_reply(session: Session, reply_id: int) -> Reply:
    """Gives the reply, held until the transaction ends."""
    found = session.exec(
        select(Reply)
        .where(Reply.id == reply_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise ReplyError("There is no such reply.", subject=f"reply {reply_id}")
    return found


def in_flight(session: Session, case_id: int) -> Reply | None:
    """Gives the reply of the case that is on its way, None if there is none."""
    return session.exec(
        select(Reply)
        .where(Reply.case_id == case_id, col(Reply.state).in_(literals(tuple(IN_FLIGHT))))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def tell_created(session: Session, reply: Reply, *, at: datetime, by: str) -> None:
    """Writes the audit entry of a reply that is new."""
    audit.record(
        session,
        at=at,
        by=by,
        action="reply written",
        subject="reply",
        subject_id=key(reply),
        before={},
        after={"state": reply.state, "case_id": reply.case_id},
    )


def move(
    session: Session,
    reply: Reply,
    state: Delivery,
    *,
    at: datetime,
    by: str,
    reason: str = "",
    hint: str = "",
    values: Mapping[str, Any] | None = None,
) -> None:
    """Takes a held reply to *state*; *reason* and *hint* are what a person reads beside it.

    Raises:
        ReplyError: that step is not a legal one.
    """
    was = Delivery(reply.state)
    if state not in STEPS[was]:
        raise ReplyError(
            f"A reply that is {was.replace('_', ' ')} cannot become {state.replace('_', ' ')}.",
            subject=f"reply {reply.id}",
        )
    reply.state = state
    reply.updated_at = at
    reply.error = reason
    reply.error_hint = hint
    for name, value in (values or {}).items():
        setattr(reply, name, value)
    session.add(reply)
    audit.record(
        session,
        at=at,
        by=by,
        action=f"reply {state.replace('_', ' ')}",
        subject="reply",
        subject_id=key(reply),
        before={"state": was},
        after={"state": state, "case_id": reply.case_id},
        reason=reason,
    )
    session.flush()


def withdraw(session: Session, case_id: int, *, at: datetime, by: str, reason: str) -> None:
    """Takes the approval from what has not been sent yet: back to a person as a draft."""
    reply = in_flight(session, case_id)
    if reply is not None and Delivery(reply.state) in NOT_YET_SENT:
        move(
            session,
            reply,
            Delivery.draft,
            at=at,
            by=by,
            reason=reason,
            hint="Read what changed, then send again.",
            values={"approved_hash": "", "approved_by": "", "not_before": None},
        )
