"""Taking a case: one conditional statement, so that two people never hold the same one."""

from datetime import datetime
from typing import Any

from sqlalchemy import case as when
from sqlalchemy import update
from sqlmodel import Session, col, select

from earmark_core import audit
from earmark_core.errors import CaseChanged, CaseClosed, CaseError, CaseTaken
from earmark_core.model import ALIVE, Actor, CaseStatus, Priority
from earmark_core.store import Store
from earmark_core.tables import AuditEntry, Case, Person
from earmark_queue.casework import IS_ALIVE, IS_TODO, by_actor, hold, key

_OWNING = ("claim", "assign")


def as_person(actor: Actor) -> int:
    """Gives the person behind the actor: only a person can hold a case.

    Raises:
        CaseError: a rule of the product cannot.
    """
    if actor.person_id is None:
        raise CaseError(
            "Only a person can hold a case.", subject=actor.name, hint="Sign in as a person."
        )
    return actor.person_id


def take(session: Session, actor: Actor, case_id: int, version: int | None, now: datetime) -> None:
    """Gives the case to the actor; one that is theirs already is left as it is.

    Raises:
        CaseTaken: somebody else holds it; says who and since when.
        CaseClosed: there is nothing to do any more.
        CaseChanged: it is not at *version* any more.
    """
    me = as_person(actor)
    free = update(Case).where(col(Case.id) == case_id, col(Case.owner_id).is_(None), IS_ALIVE)
    if version is not None:
        free = free.where(col(Case.version) == version)
    if not _won(session, free, actor, me, now):
        _explain(session, case_id, me, version)


def take_next(
    session: Session, store: Store, actor: Actor, brand_id: int | None, now: datetime
) -> int | None:
    """Gives the actor the case that is first in line and its id; None if none is free."""
    me = as_person(actor)
    # Level by level: each is one seek in the index, whether or not the database has statistics.
    for priority in reversed(Priority):
        first = (
            select(Case.id)
            .where(IS_TODO, col(Case.owner_id).is_(None), Case.priority_rank == priority.rank)
            .order_by(col(Case.opened_at), col(Case.id))
            .limit(1)
        )
        if brand_id is not None:
            first = first.where(Case.brand_id == brand_id)
        free = update(Case).where(
            col(Case.id) == store.skip_locked(first).scalar_subquery(),
            col(Case.owner_id).is_(None),
            IS_TODO,
        )
        won = _won(session, free, actor, me, now)
        if won is not None:
            return won
    return None


def owner_since(session: Session, case: Case) -> tuple[str, datetime | None]:
    """Gives who holds a case and since when."""
    name = session.exec(select(Person.name).where(Person.id == case.owner_id)).first()
    since = session.exec(
        select(AuditEntry.at)
        .where(
            AuditEntry.subject == "case",
            AuditEntry.subject_id == case.id,
            col(AuditEntry.action).in_(_OWNING),
        )
        .order_by(col(AuditEntry.id).desc())
    ).first()
    return name or "somebody", since


def taken(session: Session, case: Case) -> CaseTaken:
    """Gives the error that tells who holds the case."""
    name, since = owner_since(session, case)
    words = f" since {since:%-d %b %H:%M} UTC" if since else ""
    return CaseTaken(
        f"{name} has had this case{words}.",
        subject=f"case {case.id}",
        hint=f"Ask {name} to hand it over, or a manager to reassign it.",
    )


def _won(session: Session, free: Any, actor: Actor, me: int, now: datetime) -> int | None:
    opened = when((col(Case.status) == CaseStatus.new, CaseStatus.open), else_=col(Case.status))
    row = session.execute(
        free.values(owner_id=me, status=opened, version=col(Case.version) + 1, updated_at=now)
        .returning(col(Case.id), col(Case.status))
        .execution_options(synchronize_session=False)
    ).first()
    if row is None:
        return None
    audit.record(
        session,
        at=now,
        by=by_actor(actor),
        action="claim",
        subject="case",
        subject_id=row[0],
        before={"owner_id": None},
        after={"owner_id": me, "owner": actor.name, "status": row[1]},
    )
    session.flush()
    return int(row[0])


def _explain(session: Session, case_id: int, me: int, version: int | None) -> None:
    case = hold(session, case_id)
    if case.owner_id == me and case.status in ALIVE:
        return
    if case.status not in ALIVE:
        raise CaseClosed(
            f"This case is {case.status} already.",
            subject=f"case {key(case)}",
            hint="Reopen it to work on it.",
        )
    if case.owner_id is not None:
        raise taken(session, case)
    raise CaseChanged(
        f"The case changed since it was read (it is at version {case.version}, not {version}).",
        subject=f"case {key(case)}",
        hint="Look again, then decide.",
    )
