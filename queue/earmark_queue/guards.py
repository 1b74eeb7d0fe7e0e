"""What is checked before a person changes a case."""

from sqlmodel import Session, col, select

from earmark_core.access import may
from earmark_core.errors import CaseChanged, CaseClosed, CaseError
from earmark_core.model import ALIVE, Actor, Role
from earmark_core.tables import AuditEntry, Case, Person
from earmark_queue.casework import IS_ALIVE, hold
from earmark_queue.claims import taken

_SAID = {
    "append": "the customer wrote again",
    "copy": "somebody wrote the same",
    "wake": "it woke up",
    "edit": "a mention was edited",
    "reopen": "it was reopened",
    "replied": "it was answered",
    "claim": "somebody took it",
    "assign": "it was given to somebody",
    "release": "it was put back in line",
    "snooze": "it was snoozed",
    "resolve": "it was resolved",
    "dismiss": "it was dismissed",
    "target gone": "what was to be answered is gone",
}
# What a reply written before it may no longer fit; the rest changes nothing for its author.
_MATTERS_TO_A_REPLY = frozenset(_SAID) - {"release", "snooze", "copy"}


def current(session: Session, case_id: int, version: int) -> Case:
    """Gives the case, held, if it is still at *version*.

    Raises:
        CaseChanged: it is not; says what changed and by whom.
    """
    case = hold(session, case_id)
    if case.version != version:
        raise changed(case, changes_since(session, case, version))
    return case


def mine_to_change(session: Session, actor: Actor, case_id: int, version: int) -> Case:
    """Gives an alive case that the actor may change, held.

    Raises:
        CaseClosed: it is resolved or dismissed.
        CaseTaken: somebody else holds it and the actor is no manager.
        CaseChanged: it is not at *version* any more.
    """
    case = current(session, case_id, version)
    mind_owner(session, actor, case)
    return case


def mind_owner(session: Session, actor: Actor, case: Case) -> None:
    """Refuses a closed case, and one that somebody else holds unless the actor is a manager."""
    if case.status not in ALIVE:
        raise CaseClosed(
            f"This case is {case.status} already.",
            subject=f"case {case.id}",
            hint="Reopen it to work on it.",
        )
    is_mine = case.owner_id is None or case.owner_id == actor.person_id
    if not is_mine and not may(actor, Role.manager):
        raise taken(session, case)


def changes_since(session: Session, case: Case, version: int) -> list[AuditEntry]:
    """Gives what happened to a case since *version*: each version has exactly one entry."""
    return list(
        session.exec(
            select(AuditEntry)
            .where(AuditEntry.subject == "case", AuditEntry.subject_id == case.id)
            .order_by(col(AuditEntry.id))
            .offset(max(version, 0))
        ).all()
    )


def changed(case: Case, entries: list[AuditEntry]) -> CaseChanged:
    """Gives the error that names what changed."""
    said = [f"{_SAID.get(entry.action, entry.action)} ({entry.by})" for entry in entries[-3:]]
    return CaseChanged(
        f"The case changed since it was read: {', '.join(said) or 'it is at another version'}.",
        subject=f"case {case.id}",
        hint="Look again, then decide.",
    )


def nothing_new(session: Session, actor: Actor, case: Case, version: int) -> None:
    """Refuses if since *version* something happened that a reply would have to know of.

    What only moved the case in the queue is not in the way, nor what the actor did themselves,
    except an answer: a second one to the same words is mostly a second click.
    """
    entries = [
        entry
        for entry in changes_since(session, case, version)
        if entry.action in _MATTERS_TO_A_REPLY
        and (entry.action == "replied" or entry.by != actor.name)
    ]
    if entries:
        raise changed(case, entries)


def no_other_alive(session: Session, case: Case) -> None:
    """Refuses to take up a case whose contact and thread have another one by now."""
    same = select(Case.id).where(
        IS_ALIVE,
        Case.brand_id == case.brand_id,
        Case.channel == case.channel,
        Case.thread_key == case.thread_key,
        col(Case.contact_id).is_not_distinct_from(case.contact_id),
    )
    other = session.exec(same).first()
    if other is not None:
        raise CaseError(
            f"Case {other} is open for the same contact and thread.",
            subject=f"case {case.id}",
            hint=f"Work on case {other}.",
        )


def person_name(session: Session, person_id: int | None) -> str | None:
    """Gives the name of somebody who can hold a case; None for nobody.

    Raises:
        CaseError: there is no such active person, or their role only reads.
    """
    if person_id is None:
        return None
    person = session.get(Person, person_id)
    if person is None or not person.is_active or person.role == Role.viewer:
        raise CaseError(
            "This person cannot hold a case.",
            subject=f"person {person_id}",
            hint="Choose an active person who may answer.",
        )
    return person.name
