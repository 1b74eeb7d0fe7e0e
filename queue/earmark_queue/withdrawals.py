"""What becomes of a case when what was said is taken away: at its source, or because of its age."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.model import ALIVE, Delivery
from earmark_core.tables import Case, CaseMention, Mention, Reply
from earmark_queue import delivery
from earmark_queue.casework import IS_ALIVE, by_rule, change, hold, key, literals
from earmark_queue.intents import headline_of
from earmark_queue.priority import without_words

TAKEN_AWAY = "Taken away at its source"
REMOVED = "Removed because of its age"
_OVER = (Delivery.draft, Delivery.confirmed, Delivery.cancelled)
_IS_ON_ITS_WAY = col(Reply.state).not_in(literals(_OVER))
_BY = by_rule("gone mention")
_REASON = "A mention was taken away at its source"


def tell(session: Session, mention_ids: Sequence[int], at: datetime) -> None:
    """Takes blanked mentions out of the headlines of their cases, and tells who works on them.

    A case that is alive says so in its history, and a reply that has not been sent goes back to
    its author: what it answers is not there any more. Whether the case is over is for a person.
    """
    cases = session.exec(
        select(CaseMention.case_id)
        .where(col(CaseMention.mention_id).in_(mention_ids))
        .distinct()
        .order_by(col(CaseMention.case_id))
    ).all()
    for case_id in cases:
        case = hold(session, case_id)
        # Not by `change`: the history keeps what was before, and these words must not be kept.
        case.headline = _headline(session, case_id, TAKEN_AWAY)
        _unquote(case, mention_ids)
        session.add(case)
        if case.status in ALIVE:
            change(session, case, {}, at=at, by=_BY, action="target gone", reason=_REASON)
            delivery.withdraw(session, key(case), at=at, by=_BY, reason=_REASON.lower())


def is_held() -> sa.ColumnElement[bool]:
    """Gives the condition that a mention is still needed, or was not read and decided yet.

    A reply that failed, or whose fate is open, needs what it answers until a person settles it.
    """
    alive = (
        sa.select(col(CaseMention.case_id))
        .join(Case, col(Case.id) == col(CaseMention.case_id))
        .where(col(CaseMention.mention_id) == col(Mention.id), IS_ALIVE)
    )
    answered = sa.select(col(Reply.id)).where(_IS_ON_ITS_WAY)
    return sa.or_(
        col(Mention.scored_at).is_(None),
        col(Mention.decided_at).is_(None),
        alive.exists(),
        answered.where(col(Reply.mention_id) == col(Mention.id)).exists(),
        answered.where(col(Reply.seen_mention_id) == col(Mention.id)).exists(),
    )


def hold_all(session: Session, mention_ids: Sequence[int]) -> set[int]:
    """Holds mentions and their cases to the end; gives which of them nobody needs any more.

    None of the cases can come alive meanwhile. In two questions, for what the first waits for is
    not seen by it.
    """
    asked = select(Mention.id).where(col(Mention.id).in_(mention_ids)).order_by(col(Mention.id))
    session.execute(asked.with_for_update())
    cases = select(CaseMention.case_id).where(col(CaseMention.mention_id).in_(mention_ids))
    for case_id in sorted(set(session.exec(cases))):
        hold(session, case_id)
    return {row[0] for row in session.execute(asked.where(~is_held()))}


def forget(session: Session, mention_ids: Sequence[int]) -> None:
    """Takes mentions that are about to be removed out of their cases and replies.

    What was done and answered stays, with nothing in it of what the mentions said.
    """
    for answered in ("mention_id", "seen_mention_id"):
        session.execute(
            sa.update(Reply)
            .where(getattr(Reply, answered).in_(mention_ids))
            .values({answered: None, "target_ref": {}})
        )
    link = col(CaseMention.mention_id).in_(mention_ids)
    linked = set(session.exec(select(CaseMention.case_id).where(link)))
    linked |= {
        key(case)
        for case in session.exec(select(Case).where(col(Case.last_mention_id).in_(mention_ids)))
    }
    session.execute(sa.delete(CaseMention).where(link))
    for case_id in sorted(linked):
        case = hold(session, case_id)
        case.headline = _headline(session, case_id, REMOVED)
        newest = _newest(session, case_id)
        if case.last_mention_id in mention_ids:
            case.last_mention_id = key(newest) if newest else None
        _unquote(case, mention_ids)
        case.version += 1
        session.add(case)
    session.flush()


def _unquote(case: Case, mention_ids: Sequence[int]) -> None:
    """Takes quoted words out of the reasons of a case; what they were reasons for stays."""
    case.reasons = [
        {**told, "text": without_words(told["text"])}
        if told.get("mention_id") in mention_ids
        else told
        for told in case.reasons
    ]
    case.priority_reasons = [without_words(reason) for reason in case.priority_reasons]


def _headline(session: Session, case_id: int, otherwise: str) -> str:
    """Gives the first words of the newest mention that is still there."""
    newest = _newest(session, case_id)
    return headline_of(newest) if newest else otherwise


def _newest(session: Session, case_id: int) -> Mention | None:
    return session.exec(
        select(Mention)
        .join(CaseMention, col(CaseMention.mention_id) == col(Mention.id))
        .where(CaseMention.case_id == case_id, col(Mention.gone_at).is_(None))
        .order_by(col(Mention.happened_at).desc(), col(Mention.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
