"""The outbox's rows: claims, leases, fences and outcomes. Everything here is one transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, literal_column, or_, update
from sqlmodel import Session, col, select

from earmark_core import audit
from earmark_core.model import CaseStatus, Delivery
from earmark_core.store import Store
from earmark_core.tables import Case, Mention, MentionRevision, Reply, Source
from earmark_queue.casework import answered, by_rule, change, hold, key
from earmark_queue.delivery import bond, hold_reply, move
from earmark_queue.sending import Claimed, Outcome

OUTBOX = by_rule("outbox")


@dataclass(frozen=True, slots=True)
class Ending:
    """An outcome with when it was known and what follows."""

    outcome: Outcome
    at: datetime
    not_before: datetime | None
    attempts: int
    looks: int


@dataclass(frozen=True, slots=True)
class TargetAsSeen:
    """The target as its author saw it, and why the reply must not go out if so."""

    texts: tuple[str, ...]
    refusal: Outcome | None


def _is(state: Delivery) -> str:
    return f"'{state}'"


def lose_expired(store: Store, now: datetime, look_at: datetime, limit: int) -> int:
    """Makes `unknown` of what was being sent when its worker died; gives how many."""
    expired = (
        select(Reply.id)
        .where(
            col(Reply.state) == literal_column(_is(Delivery.sending)),
            col(Reply.lease_until) < now,
        )
        .order_by(col(Reply.id))
        .limit(limit)
    )
    with store.write() as session:
        ids = session.exec(store.skip_locked(expired)).all()
        for reply_id in ids:
            reply = hold_reply(session, reply_id)
            values = {
                "fence": reply.fence + 1,
                "lease_until": None,
                "not_before": look_at,
                "looks": 0,
            }
            reason = "earmark stopped while it was being sent"
            hint = "It is looked for before anything is sent again."
            move(
                session, reply, Delivery.unknown,
                at=now, by=by_rule("lease"), reason=reason, hint=hint, values=values,
            )  # fmt: skip
        return len(ids)


def claim(store: Store, now: datetime, lease: timedelta) -> Claimed | None:
    """Takes the next reply that is due; the claim is on disk before this returns."""
    for state in (Delivery.approved, Delivery.unknown, Delivery.sent):
        claimed = _claim_one(store, state, now, lease)
        if claimed is not None:
            return claimed
    return None


def _claim_one(store: Store, state: Delivery, now: datetime, lease: timedelta) -> Claimed | None:
    due = _due(state, now)
    first = select(Reply.id).where(*due).order_by(col(Reply.not_before), col(Reply.id)).limit(1)
    with store.read() as session:
        if session.exec(first).first() is None:
            return None  # the common case, without a write
    sends = state is Delivery.approved
    statement = (
        update(Reply)
        .where(col(Reply.id) == store.skip_locked(first).scalar_subquery(), *due)
        .values(
            state=Delivery.sending if sends else state,
            fence=col(Reply.fence) + 1,
            attempts=col(Reply.attempts) + (1 if sends else 0),
            lease_until=now + lease,
            # Should this worker die in a look, another looks when the lease is over.
            not_before=now + lease,
            updated_at=now,
        )
        .returning(Reply)
        .execution_options(synchronize_session=False)
    )
    with store.write(durable=True) as session:
        reply = session.execute(statement).scalars().first()
        if reply is None:
            return None
        if sends:
            audit.record(
                session, at=now, by=OUTBOX, action="reply sending", subject="reply",
                subject_id=key(reply), before={"state": state},
                after={"state": Delivery.sending, "case_id": reply.case_id},
            )  # fmt: skip
        return _claimed(reply)


def _due(state: Delivery, now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    is_due = col(Reply.not_before) <= now
    if state is Delivery.approved:
        is_due = or_(is_due, col(Reply.not_before).is_(None))
    return col(Reply.state) == literal_column(_is(state)), is_due


def _claimed(reply: Reply) -> Claimed:
    return Claimed(
        id=key(reply),
        case_id=reply.case_id,
        source_id=reply.source_id,
        mention_id=reply.mention_id,
        seen_mention_id=reply.seen_mention_id,
        seen_revision=reply.seen_revision,
        state=Delivery(reply.state),
        body=reply.body,
        target_ref=dict(reply.target_ref),
        key=reply.idempotency_key,
        created_at=reply.created_at,
        approved_hash=reply.approved_hash,
        fence=reply.fence,
        attempts=reply.attempts,
        looks=reply.looks,
        by=reply.by,
    )


def read_target(store: Store, claimed: Claimed) -> TargetAsSeen:
    """Reads what is to be answered, and whether anything changed since the approval."""
    with store.read() as session:
        mention = session.get(Mention, claimed.mention_id) if claimed.mention_id else None
        case = session.get_one(Case, claimed.case_id)
        reason, texts = "", ("", "", "")
        if mention is None:  # a reply on its way holds what it answers, so this is not to happen
            reason = "what it answers was removed"
        elif claimed.approved_hash != bond(claimed.body, claimed.source_id, claimed.target_ref):
            reason = "the reply was changed after its approval"
        elif mention.revision != claimed.seen_revision:
            reason = "the mention was edited"
        elif case.last_mention_id != claimed.seen_mention_id:
            reason = "the customer wrote again"
        if mention is not None:
            texts = (mention.body, f"{mention.title}\n{mention.body}", mention.title)
    if not reason:
        return TargetAsSeen(texts, None)
    return TargetAsSeen(
        texts, Outcome(Delivery.draft, reason, "Read what changed, then send again.")
    )


def postpone(
    store: Store, claimed: Claimed, now: datetime, until: datetime, reason: str, looks: int
) -> None:
    """Leaves a reply in its state and looks again later, if the fence is still ours."""
    with store.write() as session:
        session.execute(
            update(Reply)
            .where(col(Reply.id) == claimed.id, col(Reply.fence) == claimed.fence)
            .values(not_before=until, lease_until=None, error=reason, looks=looks, updated_at=now)
            .execution_options(synchronize_session=False)
        )


def end(store: Store, claimed: Claimed, ending: Ending) -> bool:
    """Writes an outcome with all that follows from it; False if the fence is not ours any more."""
    outcome = ending.outcome
    with store.write(durable=True) as session:
        case = hold(session, claimed.case_id)
        reply = hold_reply(session, claimed.id)
        if reply.fence != claimed.fence or reply.state != claimed.state:
            return False
        values: dict[str, Any] = {
            "lease_until": None,
            "not_before": ending.not_before,
            "attempts": ending.attempts,
            "looks": ending.looks,
        }
        if outcome.sent is not None:
            values |= {
                "remote_id": outcome.sent.remote_id,
                "remote_url": outcome.sent.url,
                "sent_at": ending.at,
            }
        if outcome.state is Delivery.draft:
            values |= {"approved_hash": "", "approved_by": "", "not_before": None}
        move(
            session, reply, outcome.state,
            at=ending.at, by=OUTBOX, reason=outcome.reason, hint=outcome.hint, values=values,
        )  # fmt: skip
        if outcome.state is Delivery.sent:
            answered(session, case, at=ending.at, by=reply.by, reply_id=claimed.id)
        _tell_target(session, case, claimed, outcome, ending.at)
        if outcome.is_ill:
            _blame(session, claimed, outcome)
        return True


def _blame(session: Session, claimed: Claimed, outcome: Outcome) -> None:
    source = session.get(Source, claimed.source_id) if claimed.source_id is not None else None
    if source is not None:
        source.needs_person = True
        source.error = outcome.reason
        source.error_hint = outcome.hint
        session.add(source)


def _tell_target(
    session: Session, case: Case, claimed: Claimed, outcome: Outcome, now: datetime
) -> None:
    if not outcome.gone and outcome.new_text is None:
        return
    mention = session.exec(
        select(Mention)
        .where(Mention.id == claimed.mention_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if outcome.gone:
        mention.gone_at = mention.gone_at or now
        session.add(mention)
        _needs_person(session, case, outcome, now)
        return
    if mention.revision != claimed.seen_revision:
        return  # a poll was quicker
    session.add(
        MentionRevision(
            mention_id=key(mention),
            revision=mention.revision,
            title=mention.title,
            body=mention.body,
            rating=mention.rating,
            replaced_at=now,
        )
    )
    mention.body = outcome.new_text or ""
    mention.revision += 1
    mention.edited_at = now
    mention.scored_at = None
    mention.decided_at = None
    session.add(mention)


def _needs_person(session: Session, case: Case, outcome: Outcome, now: datetime) -> None:
    asleep = case.status in {CaseStatus.waiting, CaseStatus.snoozed}
    values = {
        "status": CaseStatus.open if asleep else case.status,
        "wake_at": None,
        "reasons": [*case.reasons, {"text": outcome.reason, "mention_id": None}],
    }
    change(session, case, values, at=now, by=OUTBOX, action="target gone", reason=outcome.reason)
