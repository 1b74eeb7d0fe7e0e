"""Read models for pages: paged, counted to a cap, never one statement a row."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, func, select

from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.errors import EarmarkError
from earmark_core.model import Actor, CaseStatus, Delivery, Role
from earmark_core.store import Store
from earmark_core.tables import AuditEntry, Case, Mention, Note, Person, Reply, SavedReply
from earmark_queue import case_view, mention_page, paging
from earmark_queue.casework import IS_ALIVE, IS_TODO, literals
from earmark_queue.rows import (
    VIEWS,
    CaseRow,
    CaseView,
    ContactView,
    Entry,
    InboxPage,
    MentionPage,
    PersonRow,
    ReplyRow,
    SavedReplyRow,
    case_rows,
)

__all__ = [
    "COUNT_CAP",
    "VIEWS",
    "CaseRow",
    "CaseView",
    "ContactView",
    "Entry",
    "InboxPage",
    "MentionPage",
    "PersonRow",
    "ReplyRow",
    "SavedReplyRow",
    "Views",
]

COUNT_CAP = 1_000
LONGEST_PAGE = 200
UNSETTLED = literals(
    tuple(state for state in Delivery if state not in {Delivery.confirmed, Delivery.cancelled})
)
_ORDERS = {
    "snoozed": paging.BY_WAKING,
    "resolved": paging.BY_CLOSING,
    "all": paging.NEWEST,
}


class Views:
    """Reads the queue for pages; changes nothing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def inbox(
        self,
        actor: Actor,
        view: str = "needs_reply",
        *,
        brand_id: int | None = None,
        channel: str | None = None,
        label: str | None = None,
        search: str = "",
        after: str | None = None,
        limit: int = 50,
    ) -> InboxPage:
        """Gives one page of a view: the most urgent first, the oldest of equals before.

        *label* `unscored` asks for cases without a label. *search* looks in headline, name and
        handle of the next 1,000 cases; its page may be short and still have a next one.
        """
        require(actor, Role.viewer, "read the inbox")
        conditions = _conditions(view, actor, brand_id)
        if channel:
            conditions.append(col(Case.channel) == channel)
        if label:
            wanted = col(Case.label)
            conditions.append(wanted.is_(None) if label == "unscored" else wanted == label)
        with self._store.read() as session:
            ids, following = paging.page(
                session,
                conditions,
                _ORDERS.get(view, paging.RANKED),
                after=after,
                limit=max(1, min(limit, LONGEST_PAGE)),
                search=search.strip(),
            )
            return InboxPage(case_rows(session, ids), following)

    def counts(self, actor: Actor, brand_id: int | None = None) -> dict[str, int]:
        """Gives how many cases each view holds, counted up to 1,000."""
        require(actor, Role.viewer, "read the inbox")
        limited = {
            view: sa.select(sa.literal(1).label("one"))
            .select_from(Case)
            .where(*_conditions(view, actor, brand_id), *_COUNTED_BY.get(view, ()))
            .limit(COUNT_CAP)
            .subquery(f"in_{view}")
            for view in VIEWS
        }
        counted = [
            sa.select(func.count()).select_from(rows).scalar_subquery().label(view)
            for view, rows in limited.items()
        ]
        with self._store.read() as session:
            row = session.execute(sa.select(*counted)).one()
        return {view: int(getattr(row, view)) for view in VIEWS}

    def case(self, actor: Actor, case_id: int) -> CaseView:
        """Gives all that a person sees of one case.

        Raises:
            UnknownCase: there is none.
        """
        require(actor, Role.viewer, "read a case")
        with self._store.read() as session:
            return case_view.read(session, actor, case_id)

    def people(self, actor: Actor) -> tuple[PersonRow, ...]:
        """Gives who works here, by name."""
        require(actor, Role.viewer, "see who works here")
        with self._store.read() as session:
            rows = session.exec(
                select(Person.id, Person.name, Person.role)
                .where(col(Person.is_active))
                .order_by(col(Person.name))
            ).all()
        return tuple(PersonRow(int(row[0] or 0), row[1], row[2]) for row in rows)

    def saved_replies(self, actor: Actor, brand_id: int) -> tuple[SavedReplyRow, ...]:
        """Gives the brand's saved replies, by name."""
        require(actor, Role.viewer, "read saved replies")
        with self._store.read() as session:
            rows = session.exec(
                select(SavedReply.id, SavedReply.name, SavedReply.body)
                .where(SavedReply.brand_id == brand_id)
                .order_by(col(SavedReply.name))
            ).all()
        return tuple(SavedReplyRow(int(row[0] or 0), row[1], row[2]) for row in rows)

    def outbox(self, actor: Actor, limit: int = 100) -> tuple[ReplyRow, ...]:
        """Gives deliveries: all that are not settled, newest first, then the latest settled."""
        require(actor, Role.viewer, "read the outbox")
        rows: list[ReplyRow] = []
        with self._store.read() as session:
            # Settled is "not unsettled": nearly all are, so that the newest are found by walking
            # back from the end, and SQLite is not led to read them all by their state.
            for which in (col(Reply.state).in_(UNSETTLED), col(Reply.state).not_in(UNSETTLED)):
                found = session.execute(
                    sa.select(Reply, col(Mention.author_name), col(Mention.author_handle))
                    .outerjoin(Mention, col(Mention.id) == col(Reply.mention_id))
                    .where(which)
                    .order_by(col(Reply.id).desc())
                    .limit(limit)
                ).all()
                rows.extend(_reply_row(reply, name or handle) for reply, name, handle in found)
        return tuple(rows[: limit * 2])

    def mentions(
        self,
        actor: Actor,
        brand_id: int,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        label: str | None = None,
        channel: str | None = None,
        status: str | None = None,
        topic: tuple[str, str] | None = None,
        is_relevant: bool | None = None,
        conflict: bool = False,
        search: str = "",
        after: str | None = None,
        limit: int = 50,
        fold: bool = False,
        copies_of: int | None = None,
    ) -> MentionPage:
        """Gives the mentions behind a figure, newest first: from *start* up to before *end*.

        They are those that the rollups count: neither our own nor twins, nor what a person said is
        not about the brand, which alone *is_relevant* False gives. *label* `unscored` asks for
        those without one, *status* `unscored` for those that are not scored for any cause,
        `pending` for those not looked at yet. *topic* is (area, topic); *conflict* asks for those
        whose stars and words contradict each other. *search* looks in title and text as in `inbox`.
        *fold* gives of copies only the oldest that is asked for, with how many stand behind it; not
        while searching. *copies_of* is the group of which all are wanted.
        """
        require(actor, Role.viewer, "read mentions")
        asked = mention_page.Asked(
            brand_id, start, end, label, channel, status, topic,
            is_relevant=is_relevant is not False, conflict=conflict,
            search=search.strip(), after=after, fold=fold, copies_of=copies_of,
        )  # fmt: skip
        with self._store.read() as session:
            return mention_page.read(session, asked, max(1, min(limit, LONGEST_PAGE)))

    def scored_counts(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> dict[str, int]:
        """Gives how many mentions of a period have which status; `pending` is not looked at yet.

        They are those that `mentions` gives; a status that none has is left out.
        """
        require(actor, Role.viewer, "read mentions")
        with self._store.read() as session:
            return mention_page.counts(session, brand_id, start, end)

    def change_counter(self, actor: Actor) -> str:
        """Gives a word that is another one as soon as a case, reply or note changed."""
        require(actor, Role.viewer, "read the inbox")
        newest = [sa.select(func.max(col(table.id))).scalar_subquery() for table in _COUNTED]
        with self._store.read() as session:
            row = session.execute(sa.select(*newest)).one()
        return "-".join(str(value or 0) for value in row)


_COUNTED = (AuditEntry, Note)
# Says nothing new, but lets a count be read from an index by brand and status.
_COUNTED_BY = {
    "snoozed": (col(Case.status) == literals((CaseStatus.snoozed,))[0],),
    "resolved": (col(Case.status).in_(literals((CaseStatus.resolved, CaseStatus.dismissed))),),
}


def _conditions(view: str, actor: Actor, brand_id: int | None) -> list[Any]:
    waits = sa.select(col(Reply.case_id)).where(
        col(Reply.state) == literals((Delivery.awaiting_approval,))[0]
    )
    owner = col(Case.owner_id)
    mine = sa.false() if actor.person_id is None else owner == actor.person_id
    conditions: dict[str, list[Any]] = {
        "needs_reply": [IS_TODO],
        "mine": [IS_ALIVE, mine],
        "unassigned": [IS_TODO, owner.is_(None)],
        "urgent": [IS_TODO, col(Case.priority_rank) == 3],
        "waiting": [col(Case.status) == literals(("waiting",))[0]],
        # These two columns are set in exactly these states; the status beside them would only
        # lead the planner to another index.
        "snoozed": [col(Case.wake_at).is_not(None)],
        "approval": [col(Case.id).in_(waits)],
        "resolved": [col(Case.resolved_at).is_not(None)],
        "all": [],
    }
    if view not in conditions:
        raise EarmarkError(
            "There is no such view.", subject=view, hint=f"Choose one of {', '.join(VIEWS)}."
        )
    if brand_id is None:
        return conditions[view]
    brand = col(Case.brand_id)
    # One person's cases and those to approve are few: the brand's index would read far more.
    is_brand = brand + 0 == brand_id if view in {"mine", "approval"} else brand == brand_id
    return [*conditions[view], is_brand]


def _reply_row(reply: Reply, who: str | None) -> ReplyRow:
    return ReplyRow(
        id=int(reply.id or 0),
        case_id=reply.case_id,
        state=reply.state,
        body=reply.body,
        channel=reply.channel,
        who=who or "",
        by=reply.by,
        created_at=reply.created_at,
        updated_at=reply.updated_at,
        attempts=reply.attempts,
        error=reply.error,
        error_hint=reply.error_hint,
        remote_url=reply.remote_url,
    )
