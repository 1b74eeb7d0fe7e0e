"""What people do with cases. Each action is one transaction with one audit entry."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from earmark_core import audit
from earmark_core.access import require
from earmark_core.clock import Clock, as_utc
from earmark_core.errors import CaseError
from earmark_core.model import ALIVE, Actor, CaseStatus, Label, Priority, Role
from earmark_core.store import Store
from earmark_core.tables import Case, Draft, Note
from earmark_core.text import clean
from earmark_queue import claims, corrections
from earmark_queue.casework import (
    by_actor,
    change,
    end_clock,
    hasten_clock,
    hold,
    key,
    start_clock,
    terms_of,
)
from earmark_queue.corrections import Change
from earmark_queue.delivery import in_flight
from earmark_queue.guards import current, mine_to_change, no_other_alive, person_name
from earmark_queue.intake import Intake
from earmark_queue.rows import CaseRow, case_row


class Cases:
    """Opens cases and changes them, for people and for the rules."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._intake = Intake(store, clock)

    def decide_pending(self, limit: int = 200) -> int:
        """Decides up to *limit* scored mentions, oldest first; gives how many that were.

        Asked by the engine alone, which is why it takes no actor.
        """
        return self._intake.decide_pending(limit)

    def claim(self, actor: Actor, case_id: int, version: int | None = None) -> CaseRow:
        """Gives the case to the actor; claiming one's own changes nothing.

        Raises:
            CaseTaken: somebody else holds it; says who and since when.
            CaseClosed: it is resolved or dismissed.
        """
        require(actor, Role.responder, "claim a case")
        with self._store.write() as session:
            claims.take(session, actor, case_id, version, self._clock())
            return case_row(session, case_id)

    def claim_next(self, actor: Actor, brand_id: int | None = None) -> CaseRow | None:
        """Gives the actor the free case that is first in line, None if none is free."""
        require(actor, Role.responder, "claim a case")
        with self._store.write() as session:
            case_id = claims.take_next(session, self._store, actor, brand_id, self._clock())
            return None if case_id is None else case_row(session, case_id)

    def assign(self, actor: Actor, case_id: int, person_id: int | None, version: int) -> CaseRow:
        """Gives a case to somebody, or to nobody.

        A responder gives away what is theirs or free; a manager everything.
        """
        require(actor, Role.responder, "assign a case")
        with self._store.write() as session:
            case = mine_to_change(session, actor, case_id, version)
            if case.owner_id == person_id:
                return case_row(session, case_id)
            if case.owner_id is None and person_id != actor.person_id:
                require(actor, Role.manager, "give a free case to somebody else")
            name = person_name(session, person_id)
            values: dict[str, Any] = {"owner_id": person_id}
            if person_id is not None and case.status == CaseStatus.new:
                values["status"] = CaseStatus.open
            action = "release" if person_id is None else "assign"
            self._change(session, case, values, actor, action, told={"owner": name})
            return case_row(session, case_id)

    def release(self, actor: Actor, case_id: int, version: int) -> CaseRow:
        """Puts a case back in line, so that anybody may claim it."""
        return self.assign(actor, case_id, None, version)

    def snooze(self, actor: Actor, case_id: int, until: datetime, version: int) -> CaseRow:
        """Lets a case sleep until a moment to come; the customer's next word wakes it sooner."""
        require(actor, Role.responder, "snooze a case")
        until = as_utc(until)
        if until <= self._clock():
            raise CaseError(
                "A case cannot sleep until a moment that is past.",
                subject=f"case {case_id}",
                hint="Choose a later time.",
            )
        with self._store.write() as session:
            case = mine_to_change(session, actor, case_id, version)
            values = {"status": CaseStatus.snoozed, "wake_at": until}
            self._change(session, case, values, actor, "snooze")
            return case_row(session, case_id)

    def resolve(self, actor: Actor, case_id: int, version: int, resolution: str = "") -> CaseRow:
        """Closes a case as seen through; a clock that was still running is cancelled."""
        require(actor, Role.responder, "resolve a case")
        return self._close(actor, case_id, version, CaseStatus.resolved, resolution)

    def dismiss(self, actor: Actor, case_id: int, version: int, reason: str) -> CaseRow:
        """Closes a case as not ours to answer (spam, not about us); *reason* is kept."""
        require(actor, Role.responder, "dismiss a case")
        return self._close(actor, case_id, version, CaseStatus.dismissed, reason)

    def reopen(self, actor: Actor, case_id: int, version: int) -> CaseRow:
        """Takes a closed case up again and starts a new response clock."""
        require(actor, Role.responder, "reopen a case")
        with self._store.write() as session:
            case = current(session, case_id, version)
            if case.status in ALIVE:
                raise CaseError("This case is open already.", subject=f"case {case_id}")
            no_other_alive(session, case)
            values = {
                "status": CaseStatus.open,
                "resolved_at": None,
                "resolution": "",
                "due_at": start_clock(
                    session,
                    case_id,
                    target="next_response",
                    at=self._clock(),
                    terms=terms_of(session, case.brand_id),
                    priority=Priority(case.priority),
                ),
            }
            self._change(session, case, values, actor, "reopen")
            return case_row(session, case_id)

    def set_priority(self, actor: Actor, case_id: int, priority: Priority, version: int) -> CaseRow:
        """Sets the priority by hand; from then on no rule changes it."""
        require(actor, Role.responder, "set a case's priority")
        with self._store.write() as session:
            case = mine_to_change(session, actor, case_id, version)
            now = self._clock()
            values: dict[str, Any] = {
                "priority": priority,
                "priority_rank": priority.rank,
                "priority_by_person": True,
                "priority_reasons": [f"Set by {actor.name}", *case.priority_reasons][:8],
            }
            if priority is Priority.urgent:
                terms = terms_of(session, case.brand_id)
                due = hasten_clock(session, case_id, now + terms.wait(priority))
                values |= {"due_at": due} if due else {}
            self._change(session, case, values, actor, "set priority")
            return case_row(session, case_id)

    def note(self, actor: Actor, case_id: int, body: str) -> int:
        """Adds words for colleagues, which never go out; gives the note's id."""
        require(actor, Role.responder, "write a note")
        words = clean(body).strip()
        if not words:
            raise CaseError("An empty note says nothing.", subject=f"case {case_id}")
        with self._store.write() as session:
            case = hold(session, case_id)
            now = self._clock()
            note = Note(case_id=case_id, by=actor.name, body=words, at=now)
            session.add(note)
            session.flush()
            audit.record(
                session,
                at=now,
                by=by_actor(actor),
                action="note",
                subject="note",
                subject_id=key(note),
                before={},
                after={"case_id": key(case)},
            )
            return key(note)

    def save_draft(self, actor: Actor, case_id: int, body: str) -> None:
        """Keeps what the actor is typing; an empty text forgets it."""
        require(actor, Role.responder, "write a reply")
        me = claims.as_person(actor)
        with self._store.write() as session:
            hold(session, case_id)
            row = session.exec(
                select(Draft).where(Draft.case_id == case_id, Draft.person_id == me)
            ).first()
            words = clean(body)
            if not words.strip():
                if row is not None:
                    session.delete(row)
                return
            row = row or Draft(case_id=case_id, person_id=me, body="", at=self._clock())
            row.body, row.at = words, self._clock()
            session.add(row)

    def correct(self, actor: Actor, mention_id: int, label: Label) -> Change:
        """Says what a mention's tone really is; counts, case and history follow at once."""
        require(actor, Role.responder, "correct a sentiment")
        with self._store.write() as session:
            return corrections.correct(
                self._store, session, actor, mention_id, label, self._clock()
            )

    def _close(
        self, actor: Actor, case_id: int, version: int, status: CaseStatus, resolution: str
    ) -> CaseRow:
        with self._store.write() as session:
            case = mine_to_change(session, actor, case_id, version)
            if status is CaseStatus.dismissed and in_flight(session, case_id) is not None:
                raise CaseError(
                    "A reply to this case is on its way.",
                    subject=f"case {case_id}",
                    hint="Cancel the reply first, or resolve the case.",
                )
            now = self._clock()
            values = {
                "status": status,
                "resolved_at": now,
                "wake_at": None,
                "resolution": clean(resolution),
                **end_clock(session, case_id, at=now, state="cancelled"),
            }
            action = "resolve" if status is CaseStatus.resolved else "dismiss"
            self._change(session, case, values, actor, action, reason=clean(resolution))
            return case_row(session, case_id)

    def _change(
        self,
        session: Session,
        case: Case,
        values: dict[str, Any],
        actor: Actor,
        action: str,
        *,
        reason: str = "",
        told: dict[str, Any] | None = None,
    ) -> None:
        at = self._clock()
        change(
            session,
            case,
            values,
            at=at,
            by=by_actor(actor),
            action=action,
            reason=reason,
            told=told,
        )
