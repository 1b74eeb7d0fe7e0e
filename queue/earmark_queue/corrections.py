"""A person's word on a mention's tone: outranks the machine's, and every count follows it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from earmark_core import audit, rollup
from earmark_core.errors import EarmarkError
from earmark_core.model import Actor, Label
from earmark_core.store import Store
from earmark_core.tables import Case, CaseMention, Correction, Match, Mention
from earmark_queue.casework import by_actor
from earmark_queue.situation import label_of
from earmark_sentiment.sampling import is_drawn


@dataclass(frozen=True, slots=True)
class Change:
    """What a label was and is; `old` None was unscored."""

    old: Label | None
    new: Label


def correct(
    store: Store,
    session: Session,
    actor: Actor,
    mention_id: int,
    label: Label,
    now: datetime,
    *,
    is_sample: bool = False,
) -> Change:
    """Sets a mention's label by hand, with its counts, its case's label and the history.

    *is_sample* tells that nobody chose the mention: it was drawn for the blind sample.
    """
    mention = _mention(session, mention_id)
    old = label_of(mention)
    if mention.human_label == label:
        return Change(old, label)
    session.add(
        Correction(
            mention_id=mention_id,
            machine_label=mention.label,
            label=label,
            is_sample=is_sample and is_drawn(mention_id),
            model_id=mention.model_id,
            by=actor.name,
            at=now,
        )
    )
    mention.human_label = label
    session.add(mention)
    _count(store, session, mention, old, label)
    _tell_cases(session, mention_id, label, now)
    audit.record(
        session,
        at=now,
        by=by_actor(actor),
        action="correct",
        subject="mention",
        subject_id=mention_id,
        before={"label": old},
        after={"label": label},
    )
    return Change(old, label)


def _mention(session: Session, mention_id: int) -> Mention:
    mention = session.exec(
        select(Mention).where(Mention.id == mention_id).with_for_update()
    ).first()
    if mention is None or mention.scored_at is None:
        raise EarmarkError(
            "There is no such mention, or it has not been scored yet.",
            subject=f"mention {mention_id}",
            hint="Try again in a moment.",
        )
    return mention


def _count(store: Store, session: Session, mention: Mention, old: Label | None, new: Label) -> None:
    if mention.is_own or mention.twin_of is not None or old == new:
        return
    brands = session.exec(
        select(Match.brand_id)
        .where(Match.mention_id == mention.id, col(Match.is_counted))
        .distinct()
    ).all()
    session.flush()

    def counted(label: Label | None) -> list[rollup.Counted]:
        return [
            rollup.Counted(brand, mention.channel, mention.happened_at, label) for brand in brands
        ]

    rollup.count(store, session, add=counted(new), take=counted(old))


def _tell_cases(session: Session, mention_id: int, label: Label, now: datetime) -> None:
    cases = session.exec(
        select(Case)
        .join(CaseMention, col(CaseMention.case_id) == col(Case.id))
        .where(CaseMention.mention_id == mention_id, Case.last_mention_id == mention_id)
        .with_for_update(of=Case)
    ).all()
    for case in cases:
        case.label = label
        case.updated_at = now
        session.add(case)
