"""Removing mentions with all that hangs on them, in the caller's transaction.

What stays is a tombstone, which keeps the item from coming back, and the figures, which counted it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark.handing_over import hand_over
from earmark_core import tombstones
from earmark_core.model import ALIVE
from earmark_core.store import Store
from earmark_core.tables import Case, Contact, Identity, Mention
from earmark_queue import withdrawals

TOO_OLD = "age"


def remove(
    store: Store, session: Session, mention_ids: Sequence[int], now: datetime
) -> Counter[Any]:
    """Removes those that nobody needs any more; gives how many went and stayed of each source.

    The keys are a source's number and "mentions" or "held".
    """
    free = withdrawals.hold_all(session, mention_ids)
    rows = session.execute(
        sa.select(
            col(Mention.id), col(Mention.source_id), col(Mention.external_id),
            col(Mention.identity),
        ).where(col(Mention.id).in_(mention_ids))
    ).all()  # fmt: skip
    counts = Counter((row.source_id, "mentions" if row.id in free else "held") for row in rows)
    going = [row for row in rows if row.id in free]
    if not going:
        return counts
    ids = [row.id for row in going]
    items = [(row.source_id, row.external_id) for row in going]
    tombstones.bury(store, session, items, reason=TOO_OLD, now=now)
    hand_over(store, session, ids)
    withdrawals.forget(session, ids)
    # What hangs on a mention goes with it: matches, revisions, raw payload, aspects, corrections.
    session.execute(sa.delete(Mention).where(col(Mention.id).in_(ids)))
    _forget_people(store, session, {row.identity for row in going if row.identity})
    return counts


def _forget_people(store: Store, session: Session, keys: set[str]) -> None:
    """Removes who is named nowhere any more; of whom a closed case speaks, only the id stays.

    So who writes again is known as who was here before, and until then nothing tells who that was.
    """
    still = set(session.exec(select(Mention.identity).where(col(Mention.identity).in_(keys))))
    named = session.execute(
        sa.select(col(Identity.id), col(Identity.contact_id)).where(
            col(Identity.key).in_(keys - still)
        )
    ).all()
    asked = select(Contact.id).where(col(Contact.id).in_({contact for _, contact in named}))
    # Who is being given a case at this moment is left alone.
    free: set[int] = {row[0] for row in session.execute(store.skip_locked(asked))}
    cases = select(Case.contact_id, Case.status).where(col(Case.contact_id).in_(free))
    of_cases = list(session.exec(cases))
    free -= {contact for contact, status in of_cases if status in ALIVE}
    closed = free & {contact for contact, _ in of_cases}
    heard = select(Identity.contact_id).join(Mention, col(Mention.identity) == col(Identity.key))
    heard = heard.where(col(Identity.contact_id).in_(free)).distinct()
    silent = free - {row[0] for row in session.execute(heard)}
    one = {contact: {key for key, of in named if of == contact} for contact in free}
    wiped = set[int]().union(*(one[contact] for contact in closed))
    lonely = set[int]().union(*(one[contact] for contact in free - closed))
    blank = sa.update(Identity).where(col(Identity.id).in_(wiped))
    session.execute(blank.values(handle="", url="", followers=None))
    nameless = sa.update(Contact).where(col(Contact.id).in_(silent & closed))
    session.execute(nameless.values(name=""))
    gone = silent - closed
    ends = col(Identity.id).in_(lonely) | col(Identity.contact_id).in_(gone)
    session.execute(sa.delete(Identity).where(ends))
    session.execute(sa.delete(Contact).where(col(Contact.id).in_(gone)))
