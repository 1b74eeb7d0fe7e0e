"""What leaves a transaction: values for pages, and reading many case rows in a few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import func
from sqlmodel import Session, col, select

from earmark_core.errors import UnknownCase
from earmark_core.model import Cue
from earmark_core.tables import Brand, Case, CaseMention, Mention, Person, Reply
from earmark_queue.copy_rows import Copies, copies_in

VIEWS = (
    "needs_reply",
    "mine",
    "unassigned",
    "urgent",
    "waiting",
    "snoozed",
    "approval",
    "resolved",
    "all",
)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of the inbox; `reply_state` is the newest reply's, None if there is none.

    `mentions` are what the customer said, `copies` what others said in nearly the same words.
    """

    id: int
    version: int
    brand_id: int
    brand: str
    channel: str
    name: str
    handle: str
    headline: str
    label: str | None
    status: str
    priority: str
    owner: str | None
    owner_id: int | None
    opened_at: datetime
    last_inbound_at: datetime
    due_at: datetime | None
    is_breached: bool
    mentions: int
    reply_state: str | None
    copies: int = 0


@dataclass(frozen=True, slots=True)
class InboxPage:
    """One page of cases; `next` asks for the page after it, None if there is none."""

    rows: tuple[CaseRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody a case can be given to."""

    id: int
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class SavedReplyRow:
    """A text to start a reply from."""

    id: int
    name: str
    body: str


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """One delivery: `who` is answered, `by` wrote it."""

    id: int
    case_id: int
    state: str
    body: str
    channel: str
    who: str
    by: str
    created_at: datetime
    updated_at: datetime
    attempts: int
    error: str
    error_hint: str
    remote_url: str


@dataclass(frozen=True, slots=True)
class AspectRow:
    """What a mention finds of a topic: `label` is the machine's, `human_label` a person's."""

    area: str
    topic: str
    label: str | None
    human_label: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a thread or a list: kind is mention, reply, note or event.

    `state` is a reply's delivery state. `compound` and `rating` are None where there is none.
    `is_conflict` says that stars and words contradict each other, `sentences` are the lowest,
    the mean and the last compound. `is_relevant` is False where a person said that it is not
    about the brand, `human_needs_answer` what a person said of that, None where nobody did.
    `probability` is the machine's for its own `label`, from 0 to 1. `copy_group_id` joins mentions
    with nearly the same text; `copies` of those stand behind this one where a list folds them.
    """

    kind: str
    id: int
    at: datetime
    who: str
    text: str
    title: str = ""
    url: str = ""
    label: str | None = None
    human_label: str | None = None
    score_status: str | None = None
    compound: float | None = None
    state: str | None = None
    error: str = ""
    error_hint: str = ""
    is_gone: bool = False
    revision: int = 1
    cues: tuple[Cue, ...] = ()
    rating: float | None = None
    is_conflict: bool = False
    sentences: tuple[float, float, float] | None = None
    aspects: tuple[AspectRow, ...] = ()
    lang: str = ""
    lang_confidence: float | None = None
    model_id: str = ""
    channel: str = ""
    is_relevant: bool = True
    human_needs_answer: bool | None = None
    probability: float | None = None
    copy_group_id: int | None = None
    copies: int = 0


@dataclass(frozen=True, slots=True)
class MentionPage:
    """One page of mentions, newest first; `next` as in `InboxPage`."""

    rows: tuple[Entry, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ContactView:
    """Who speaks in a case; `history` are other mentions of the same identity, newest first."""

    name: str
    handle: str
    channel: str
    url: str
    followers: int | None
    is_vip: bool
    history: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseView:
    """All that a person sees of one case.

    `why` says why it is here, `entries` run oldest first, `draft` is what this person was typing.
    `last_mention_id` and `last_revision` go back with a reply, so that it is known what was seen.
    """

    case: CaseRow
    why: tuple[str, ...]
    priority_reasons: tuple[str, ...]
    entries: tuple[Entry, ...]
    contact: ContactView
    last_mention_id: int | None
    last_revision: int
    thread_url: str
    draft: str
    source_name: str
    wake_at: datetime | None
    copies: Copies | None = None


def case_rows(session: Session, ids: Sequence[int]) -> tuple[CaseRow, ...]:
    """Gives the rows of these cases in this order, in three statements however many they are."""
    if not ids:
        return ()
    found = session.execute(
        sa.select(
            Case,
            col(Brand.name),
            col(Mention.author_name),
            col(Mention.author_handle),
            col(Person.name),
        )
        .join(Brand, col(Brand.id) == col(Case.brand_id))
        .outerjoin(Mention, col(Mention.id) == col(Case.last_mention_id))
        .outerjoin(Person, col(Person.id) == col(Case.owner_id))
        .where(col(Case.id).in_(ids))
        .execution_options(populate_existing=True)
    ).all()
    counts = dict(
        session.exec(
            select(CaseMention.case_id, func.count())
            .where(col(CaseMention.case_id).in_(ids))
            .group_by(col(CaseMention.case_id))
        ).all()
    )
    states = dict(
        session.exec(
            select(Reply.case_id, Reply.state)
            .where(col(Reply.case_id).in_(ids))
            .order_by(col(Reply.id))
        ).all()
    )
    rows = {
        case.id: _case_row(case, brand, (name, handle), owner, counts, states)
        for case, brand, name, handle, owner in found
    }
    return tuple(rows[case_id] for case_id in ids if case_id in rows)


def case_row(session: Session, case_id: int) -> CaseRow:
    """Gives one case's row.

    Raises:
        UnknownCase: there is none.
    """
    rows = case_rows(session, [case_id])
    if not rows:
        raise UnknownCase(subject=f"case {case_id}", hint="It may have been removed.")
    return rows[0]


def _case_row(
    case: Case,
    brand: str,
    who: tuple[str | None, str | None],
    owner: str | None,
    counts: dict[int, int],
    states: dict[int, str],
) -> CaseRow:
    case_id = int(case.id or 0)
    copies = copies_in(case)
    return CaseRow(
        id=case_id,
        version=case.version,
        brand_id=case.brand_id,
        brand=brand,
        channel=case.channel,
        name=who[0] or who[1] or "",
        handle=who[1] or "",
        headline=case.headline,
        label=case.label,
        status=case.status,
        priority=case.priority,
        owner=owner,
        owner_id=case.owner_id,
        opened_at=case.opened_at,
        last_inbound_at=case.last_inbound_at,
        due_at=case.due_at,
        is_breached=case.is_breached,
        mentions=max(counts.get(case_id, 0) - copies, min(1, counts.get(case_id, 0))),
        reply_state=states.get(case_id),
        copies=copies,
    )
