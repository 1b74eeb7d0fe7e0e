"""Applying what `decide` decided: opens cases, adds to them, wakes, reopens and raises them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from earmark_core import audit
from earmark_core.model import CaseStatus, Priority
from earmark_core.store import Store
from earmark_core.tables import Case, CaseMention, Mention
from earmark_queue import contacts, copied, delivery
from earmark_queue.casework import (
    by_rule,
    change,
    hasten_clock,
    hold,
    key,
    start_clock,
    terms_of,
)
from earmark_queue.decide import (
    AppendToCase,
    EditCase,
    Ignore,
    Intent,
    OpenCase,
    RaiseCase,
    ReopenCase,
    WakeCase,
)
from earmark_queue.priority import Terms, without_words
from earmark_queue.situation import Claim, label_of, thread_of

HEADLINE = 140
KEPT_REASONS = 12


def apply(
    store: Store,
    session: Session,
    mention: Mention,
    claim: Claim,
    intents: tuple[Intent, ...],
    now: datetime,
) -> bool:
    """Applies the intents; False if another process opened the case in between."""
    for intent in intents:
        if isinstance(intent, Ignore):
            continue
        if isinstance(intent, OpenCase):
            if not _open(store, session, mention, claim, intent, now):
                return False
            continue
        case = hold(session, intent.case_id)
        if isinstance(intent, AppendToCase):
            _append(store, session, case, mention, intent, now)
        elif isinstance(intent, WakeCase):
            _wake(session, case, intent, now)
        elif isinstance(intent, ReopenCase):
            _reopen(session, case, mention, intent, now)
        elif isinstance(intent, EditCase):
            _edit(session, case, mention, intent, now)
        else:
            _raise(session, case, intent, now)
    return True


def _open(
    store: Store, session: Session, mention: Mention, claim: Claim, intent: OpenCase, now: datetime
) -> bool:
    terms = terms_of(session, claim.brand_id)
    case_id = _insert(store, session, mention, claim, intent, terms, now)
    if case_id is None:
        return False
    _join(store, session, case_id, mention)
    start_clock(
        session,
        case_id,
        target="first_response",
        at=mention.seen_at,
        terms=terms,
        priority=intent.priority,
    )
    audit.record(
        session,
        at=now,
        by=by_rule("new mention"),
        action="open",
        subject="case",
        subject_id=case_id,
        before={},
        after={
            "status": CaseStatus.new,
            "priority": intent.priority,
            "mention_id": mention.id,
        },
        reason=_in_short(intent.reasons),
    )
    return True


def _insert(
    store: Store,
    session: Session,
    mention: Mention,
    claim: Claim,
    intent: OpenCase,
    terms: Terms,
    now: datetime,
) -> int | None:
    row = Case(
        brand_id=claim.brand_id,
        contact_id=contacts.contact_for(session, store, mention, now),
        channel=mention.channel,
        thread_key=thread_of(mention),
        status=CaseStatus.new,
        priority=intent.priority,
        priority_rank=intent.priority.rank,
        priority_reasons=list(intent.priority_reasons),
        reasons=_told(intent.reasons, mention),
        headline=headline_of(mention),
        label=label_of(mention),
        opened_at=now,
        updated_at=now,
        last_inbound_at=mention.happened_at,
        last_mention_id=mention.id,
        due_at=mention.seen_at + terms.wait(intent.priority),
    )
    added = session.execute(
        store.insert(Case)
        .values(**row.model_dump(exclude={"id"}))
        .on_conflict_do_nothing()
        .returning(Case.id)
    ).first()
    return None if added is None else int(added[0])


def _append(
    store: Store,
    session: Session,
    case: Case,
    mention: Mention,
    intent: AppendToCase,
    now: datetime,
) -> None:
    if not _join(store, session, key(case), mention):
        return
    values: dict[str, Any] = {}
    # A copy is somebody else's: whose case it is, and whom to answer, stays with the first.
    if mention.happened_at >= case.last_inbound_at and not intent.copies:
        values |= {
            "last_mention_id": mention.id,
            "last_inbound_at": mention.happened_at,
            "label": label_of(mention),
        }
    if intent.reasons:
        values["reasons"] = _more_reasons(case.reasons, intent, mention)
    if intent.starts_clock:
        values["due_at"] = _next_clock(session, case, mention)
    change(
        session,
        case,
        values,
        at=now,
        by=by_rule("new mention"),
        action="copy" if intent.copies else "append",
        reason=_in_short(intent.reasons),
        told={"mention_id": mention.id},
    )


def _more_reasons(
    known: Sequence[dict[str, Any]], intent: AppendToCase, mention: Mention
) -> list[dict[str, Any]]:
    """Adds to the reasons: the first stays, of the others the newest, of copies the one line."""
    copies = [reason for reason in known if reason.get("copies")]
    others = [reason for reason in known if not reason.get("copies")]
    told = _told(intent.reasons, mention)
    if intent.copies:
        copies = [told[0] | {"copies": intent.copies}]
    else:
        others += told
    return others[:1] + copies + others[1:][-KEPT_REASONS:]


def _join(store: Store, session: Session, case_id: int, mention: Mention) -> bool:
    added = session.execute(
        store.insert(CaseMention)
        .values(case_id=case_id, mention_id=mention.id, revision=mention.revision)
        .on_conflict_do_nothing()
        .returning(CaseMention.case_id)
    ).first()
    return added is not None


def headline_of(mention: Mention) -> str:
    """Gives the first words of a mention on one line."""
    line = " ".join((mention.title or mention.body).split())
    return line if len(line) <= HEADLINE else line[: HEADLINE - 1].rstrip() + "…"


def _in_short(reasons: tuple[str, ...]) -> str:
    """Gives the reasons as the audit trail keeps them: without the words of who gave them."""
    return "; ".join(without_words(reason) for reason in reasons)


def _told(reasons: tuple[str, ...], mention: Mention) -> list[dict[str, Any]]:
    return [{"text": reason, "mention_id": mention.id} for reason in reasons]


def _next_clock(session: Session, case: Case, mention: Mention) -> datetime:
    target = "first_response" if case.first_replied_at is None else "next_response"
    return start_clock(
        session,
        key(case),
        target=target,
        at=mention.seen_at,
        terms=terms_of(session, case.brand_id),
        priority=Priority(case.priority),
    )


def _wake(session: Session, case: Case, intent: WakeCase, now: datetime) -> None:
    values = {"status": CaseStatus.open, "wake_at": None}
    change(session, case, values, at=now, by=by_rule("answer"), action="wake", reason=intent.reason)


def _reopen(
    session: Session, case: Case, mention: Mention, intent: ReopenCase, now: datetime
) -> None:
    values = {
        "status": CaseStatus.open,
        "resolved_at": None,
        "resolution": "",
        "due_at": _next_clock(session, case, mention),
    }
    reason = _in_short(intent.reasons)
    change(session, case, values, at=now, by=by_rule("answer"), action="reopen", reason=reason)


def _edit(session: Session, case: Case, mention: Mention, intent: EditCase, now: datetime) -> None:
    session.execute(
        update(CaseMention)
        .where(col(CaseMention.case_id) == case.id, col(CaseMention.mention_id) == mention.id)
        .values(revision=intent.revision)
    )
    label = label_of(mention) if case.last_mention_id == mention.id else case.label
    change(
        session,
        case,
        {"label": label},
        at=now,
        by=by_rule("edited mention"),
        action="edit",
        reason="The mention was edited",
        told={"mention_id": mention.id, "revision": intent.revision},
    )
    there = delivery.in_flight(session, key(case))
    if (
        there is not None
        and there.mention_id != mention.id
        and copied.holds(session, case, mention)
    ):
        return  # what is on its way answers somebody else, who said the same
    delivery.withdraw(
        session,
        key(case),
        at=now,
        by=by_rule("edited mention"),
        reason="the mention was edited",
    )


def _raise(session: Session, case: Case, intent: RaiseCase, now: datetime) -> None:
    values: dict[str, Any] = {
        "priority": intent.priority,
        "priority_rank": intent.priority.rank,
        "priority_reasons": list(intent.priority_reasons),
    }
    terms = terms_of(session, case.brand_id)
    due = hasten_clock(session, key(case), now + terms.wait(intent.priority))
    if due is not None:
        values["due_at"] = due
    reason = _in_short(intent.priority_reasons)
    action = "raise" if intent.priority.rank > case.priority_rank else "weigh"
    change(session, case, values, at=now, by=by_rule("new mention"), action=action, reason=reason)
