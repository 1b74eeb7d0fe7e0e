"""A post goes that stands for its twins: the next of them stands for the rest from then on.

The same post can be kept for longer by another source that found it, too. Its matches, cases,
replies and what people said of it are the post's, not the source's.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core import rollup
from earmark_core.rollup import Counted
from earmark_core.store import Store
from earmark_core.tables import (
    Aspect,
    Case,
    CaseMention,
    Correction,
    Match,
    Mention,
    NearKey,
    Reply,
)


def hand_over(store: Store, session: Session, going: Sequence[int]) -> None:
    """Gives what belongs to mentions that are about to go to their first twins that stay."""
    twins = session.exec(
        select(Mention)
        .where(col(Mention.twin_of).in_(going), col(Mention.id).not_in(going))
        .order_by(col(Mention.gone_at).is_not(None), col(Mention.id))
        .with_for_update()
    ).all()
    heirs: dict[int, Mention] = {}
    for twin in twins:
        heirs.setdefault(twin.twin_of or 0, twin)
    for first_id, heir in heirs.items():
        first = session.get_one(Mention, first_id)
        _count_there(store, session, first, heir)
        _move(session, first_id, heir)
        heir.human_label, heir.human_needs_answer = first.human_label, first.human_needs_answer
        heir.copy_group_id = first.copy_group_id
        heir.twin_of = None
        session.add(heir)
        session.flush()
        session.execute(
            sa.update(Mention)
            .where(col(Mention.twin_of) == first_id, col(Mention.id) != heir.id)
            .values(twin_of=heir.id)
        )


def _count_there(store: Store, session: Session, first: Mention, heir: Mention) -> None:
    """Counts the post where its twin stands: a figure and the rows behind it stay the same."""
    if first.is_own:
        return
    counted = select(Match.brand_id).where(Match.mention_id == first.id, col(Match.is_counted))
    brands = set(session.exec(counted))
    rollup.count(
        store,
        session,
        add=[_as_counted(brand, heir, first.human_label) for brand in brands],
        take=[_as_counted(brand, first, first.human_label) for brand in brands],
    )


def _as_counted(brand_id: int, mention: Mention, said: str | None) -> Counted:
    model = mention.model_id if mention.label else ""
    return Counted(brand_id, mention.channel, mention.happened_at, said or mention.label, model)


def _move(session: Session, first_id: int, heir: Mention) -> None:
    """Points everything that speaks of the first at the heir, which had nothing of its own."""
    to: Any = {"mention_id": heir.id}
    own: tuple[Any, ...] = (Match, Aspect, NearKey)
    for table in own:
        session.execute(sa.delete(table).where(col(table.mention_id) == heir.id))
    for table in (*own, Correction):
        session.execute(sa.update(table).where(col(table.mention_id) == first_id).values(**to))
    session.execute(
        sa.update(CaseMention)
        .where(col(CaseMention.mention_id) == first_id)
        .values(**to, revision=heir.revision)
    )
    for column in (Case.last_mention_id, Reply.mention_id, Reply.seen_mention_id):
        there: Any = col(column)
        update = sa.update(there.class_).where(there == first_id)
        session.execute(update.values({there.key: heir.id}))
