"""What is gone at its source is blanked here: text, author and raw payload; the counts stay.

The row itself stays, without a word in it, so that a later poll does not take the same item in
again and every figure still adds up. Cases lose its words too and say what happened.
"""

from collections.abc import Iterable, Sequence
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
_NAMED = (col(Mention.id), col(Mention.uri), col(Mention.twin_of))
_HAS_WORDS = col(Mention.gone_at).is_(None) | (col(Mention.body) != "") | (col(Mention.title) != "")


def withdraw(session: Session, source_id: int, external_ids: Iterable[str], now: datetime) -> int:
    """Blanks the mentions of a source that are gone; gives how many there were.

    What was said before an edit and the raw payload go with it, and so does the same post where
    other sources found it. One that is blank already, or was never stored, is passed over, so it
    may be called again.
    """
    names = [text.clean(each, limit=2000) for each in external_ids]
    if not names:
        return 0
    found = session.execute(
        sa.select(*_NAMED).where(
            col(Mention.source_id) == source_id, col(Mention.external_id).in_(names), _HAS_WORDS
        )
    ).all()
    if not found:
        return 0
    ids = sorted({row.id for row in found} | _same(session, found))
    for table in (RawPayload, MentionRevision):
        session.execute(sa.delete(table).where(col(table.mention_id).in_(ids)))
    session.execute(
        sa.update(Mention)
        .where(col(Mention.id).in_(ids))
        .values(**_BLANK, gone_at=sa.func.coalesce(col(Mention.gone_at), now))
    )
    session.execute(sa.update(Aspect).where(col(Aspect.mention_id).in_(ids)).values(words=""))
    withdrawals.tell(session, ids, now)
    return len(found)


def _same(session: Session, found: Sequence[Any]) -> set[int]:
    """Gives the other mentions of the same posts: of one name everywhere, or twins of one another.

    In a question for each index: asked as one, they would read every mention.
    """
    firsts = {row.twin_of or row.id for row in found}
    uris = {row.uri for row in found if row.uri}
    same: set[int] = set()
    for where in (
        sa.and_(col(Mention.uri).in_(uris), col(Mention.uri) != sa.literal_column("''")),
        col(Mention.id).in_(firsts),
        col(Mention.twin_of).in_(firsts),
    ):
        same |= {row.id for row in session.execute(sa.select(*_NAMED).where(where, _HAS_WORDS))}
    return same
