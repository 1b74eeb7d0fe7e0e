"""Changing a case: one lock, one new version, one audit entry. Everything that does goes here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import literal_column
from sqlmodel import Session, col, select

from earmark_core import audit
from earmark_core.errors import UnknownCase
from earmark_core.model import ALIVE, Actor, CaseStatus, Priority
from earmark_core.tables import BrandModel, Case, Policy, SlaClock
from earmark_queue.priority import Terms, without_words


def literals(values: tuple[str, ...]) -> list[Any]:
    """Gives our own words as SQL literals: a bound parameter hides a partial index."""
    return [literal_column(f"'{value}'") for value in values]


IS_ALIVE = col(Case.status).in_(literals(tuple(ALIVE)))
IS_TODO = col(Case.status).in_(literals((CaseStatus.new, CaseStatus.open)))


def by_rule(name: str) -> str:
    """Gives what the audit trail calls a rule."""
    return f"rule:{name}"


def by_actor(actor: Actor) -> str:
    """Gives what the audit trail calls a person."""
    return actor.name


def hold(session: Session, case_id: int) -> Case:
    """Gives the case, held until the transaction ends.

    Raises:
        UnknownCase: there is none.
    """
    # populate_existing: what this session read before it held the row may be old.
    found = session.exec(
        select(Case)
        .where(Case.id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise UnknownCase(subject=f"case {case_id}", hint="It may have been removed.")
    return found


def key(row: Any) -> int:
    """Gives the id of a row that is stored."""
    return int(row.id)


def change(
    session: Session,
    case: Case,
    values: Mapping[str, Any],
    *,
    at: datetime,
    by: str,
    action: str,
    reason: str = "",
    told: Mapping[str, Any] | None = None,
) -> None:
    """Sets *values* on a held case, counts its version and writes the one audit entry.

    *told* goes into the entry only: what a reader of the history wants to know beside the values.
    """
    before = {name: getattr(case, name) for name in values}
    for name, value in values.items():
        setattr(case, name, value)
    case.version += 1
    case.updated_at = at
    session.add(case)
    audit.record(
        session,
        at=at,
        by=by,
        action=action,
        subject="case",
        subject_id=key(case),
        before=_without_quotes(before),
        after={**_without_quotes(values), **(told or {})},
        reason=reason,
    )
    session.flush()


def _without_quotes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out of the audit trail, which nobody may change later, what a customer said."""
    kept = dict(values)
    if "priority_reasons" in kept:
        kept["priority_reasons"] = [without_words(each) for each in kept["priority_reasons"]]
    if "reasons" in kept:
        kept["reasons"] = [
            {**each, "text": without_words(each["text"])} for each in kept["reasons"]
        ]
    return kept


def terms_of(session: Session, brand_id: int) -> Terms:
    """Gives the brand's terms; those of the house if it has no policy.

    Where the policy leaves it open, from which probability on a mention is queued is what was
    learned for the brand.
    """
    learned = session.exec(
        select(BrandModel.queue_from).where(
            BrandModel.brand_id == brand_id, BrandModel.state == "active"
        )
    ).first()
    policy = session.exec(select(Policy).where(Policy.brand_id == brand_id)).first()
    if policy is None:
        return Terms(queue_negative_from=learned or 0.0)
    return Terms(
        queue_negative_from=policy.queue_negative_from or learned or 0.0,
        queue_rating_to=policy.queue_rating_to,
        first_response_minutes=policy.first_response_minutes,
        urgent_response_minutes=policy.urgent_response_minutes,
        reopen_days=policy.reopen_days,
        many_followers=policy.many_followers,
    )


def clock_of(session: Session, case_id: int) -> SlaClock | None:
    """Gives the clock that waits for an answer, late or not; None if nobody waits."""
    return session.exec(
        select(SlaClock).where(SlaClock.case_id == case_id, col(SlaClock.ended_at).is_(None))
    ).first()


def start_clock(
    session: Session, case_id: int, *, target: str, at: datetime, terms: Terms, priority: Priority
) -> datetime:
    """Starts a clock and gives when its answer is due; one that runs already is left alone.

    Several words in a row wait for one answer, which is due by the earliest of them.
    """
    running = clock_of(session, case_id)
    if running is not None:
        return running.due_at
    due = at + terms.wait(priority)
    session.add(
        SlaClock(case_id=case_id, target=target, state="running", started_at=at, due_at=due)
    )
    session.flush()
    return due


def end_clock(session: Session, case_id: int, *, at: datetime, state: str) -> dict[str, Any]:
    """Ends the clock as *state* (met or cancelled) and gives what the case then says of it.

    A clock that ran past its due time is breached, however it ends.
    """
    running = clock_of(session, case_id)
    if running is not None:
        running.state = "breached" if running.due_at < at else state
        running.ended_at = at
        session.add(running)
        session.flush()
    return {"due_at": None, "is_breached": False}


def hasten_clock(session: Session, case_id: int, due: datetime) -> datetime | None:
    """Brings the clock's due time forward to *due* if that is sooner; gives what holds."""
    running = clock_of(session, case_id)
    if running is None:
        return None
    if running.state == "running" and due < running.due_at:
        running.due_at = due
        session.add(running)
        session.flush()
    return running.due_at


def answered(session: Session, case: Case, *, at: datetime, by: str, reply_id: int) -> None:
    """Tells a held case that a person's answer is out: its clock ends, it waits for the customer.

    A case that sleeps or is closed stays so; its clock ends all the same.
    """
    values: dict[str, Any] = end_clock(session, key(case), at=at, state="met")
    if case.first_replied_at is None:
        values["first_replied_at"] = at
    if case.status in {CaseStatus.new, CaseStatus.open}:
        values["status"] = CaseStatus.waiting
    change(session, case, values, at=at, by=by, action="replied", told={"reply_id": reply_id})
