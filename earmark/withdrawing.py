"""What is gone at its source is blanked here: text, author and raw payload; the counts stay.

The row itself stays, without a word in it, so that a later poll does not take the same item in
again and every figure still adds up. Cases lose its words too and say what happened.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from earmark_core import text
from earmark_core.tables import Aspect, Mention, MentionRevision, RawPayload
from earmark_queue import withdrawals

_BLANK: dict[str, Any] = {
    "title": "",
    "body": "",
    "url": "",
    "author_name": "",
    "author_handle": "",
    "author_url": "",
    "author_followers": None,
    "identity": "",
    "reply_ref": {},
    "uri": "",
    "metrics": {},
    "cues": [],
    "sentences": None,
}


def withdraw(session: Session, source_id: int, external_ids: Iterable[str], now: datetime) -> int:
    """Blanks the mentions of a source that are gone; gives how many there were.

    What was said before an edit and the raw payload go with it. One that is blank already, or
    was never stored, is passed over, so it may be called again.
    """
    names = [text.clean(each, limit=2000) for each in external_ids]
    if not names:
        return 0
    found = session.execute(
        sa.select(col(Mention.id)).where(
            col(Mention.source_id) == source_id,
            col(Mention.external_id).in_(names),
            col(Mention.gone_at).is_(None) | (col(Mention.body) != "") | (col(Mention.title) != ""),
        )
    )
    ids = [row[0] for row in found]
    if not ids:
        return 0
    for table in (RawPayload, MentionRevision):
        session.execute(sa.delete(table).where(col(table.mention_id).in_(ids)))
    session.execute(
        sa.update(Mention)
        .where(col(Mention.id).in_(ids))
        .values(**_BLANK, gone_at=sa.func.coalesce(col(Mention.gone_at), now))
    )
    session.execute(sa.update(Aspect).where(col(Aspect.mention_id).in_(ids)).values(words=""))
    withdrawals.tell(session, ids, now)
    return len(ids)
