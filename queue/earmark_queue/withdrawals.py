"""What becomes of a case when what was said is taken away at its source."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from earmark_core.model import ALIVE
from earmark_core.tables import CaseMention, Mention
from earmark_queue import delivery
from earmark_queue.casework import by_rule, change, hold, key
from earmark_queue.intents import headline_of

TAKEN_AWAY = "Taken away at its source"
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
        case.headline = _headline(session, case_id)
        session.add(case)
        if case.status in ALIVE:
            change(session, case, {}, at=at, by=_BY, action="target gone", reason=_REASON)
            delivery.withdraw(session, key(case), at=at, by=_BY, reason=_REASON.lower())


def _headline(session: Session, case_id: int) -> str:
    """Gives the first words of the newest mention that is still there."""
    newest = session.exec(
        select(Mention)
        .join(CaseMention, col(CaseMention.mention_id) == col(Mention.id))
        .where(CaseMention.case_id == case_id, col(Mention.gone_at).is_(None))
        .order_by(col(Mention.happened_at).desc(), col(Mention.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
    return headline_of(newest) if newest else TAKEN_AWAY
