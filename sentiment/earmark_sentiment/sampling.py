"""A small share of what nobody was asked to look at, offered for labelling.

Corrections of queued mentions say how wrong the queue is, not how wrong the scores are. What is
drawn here is drawn by the mention's number alone, so nobody chooses it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.tables import CaseMention, Correction, Mention
from earmark_sentiment.reading import belongs

SHARE = 0.02
_PAGE = 1_000
_PAGES = 50


@dataclass(frozen=True, slots=True)
class Drawn:
    """A mention to be labelled, without what the machine says of it."""

    mention_id: int
    channel: str
    happened_at: datetime
    title: str
    body: str
    url: str
    rating: float | None


def is_drawn(mention_id: int, *, seed: int = 0, share: float = SHARE) -> bool:
    """Tells whether a mention is in the sample; the same for all time."""
    digest = hashlib.blake2b(f"{seed}:{mention_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def may_be_drawn() -> list[sa.ColumnElement[bool]]:
    """Gives the conditions of a mention that the queue passed by and nobody has labelled."""
    queued = sa.exists().where(col(CaseMention.mention_id) == col(Mention.id))
    labelled = sa.exists().where(
        col(Correction.mention_id) == col(Mention.id), col(Correction.kind) == "label"
    )
    return [
        col(Mention.label).is_not(None),
        col(Mention.decided_at).is_not(None),
        ~col(Mention.is_own),
        col(Mention.twin_of).is_(None),
        col(Mention.gone_at).is_(None),
        ~queued,
        ~labelled,
    ]


def draw(session: Session, brand_id: int, limit: int) -> tuple[Drawn, ...]:
    """Gives up to *limit* mentions of the sample that wait for a label, the newest first.

    Looks at the newest 50,000 mentions of the brand.
    """
    found: list[int] = []
    before: int | None = None
    for _ in range(_PAGES):
        query = select(Mention.id).where(belongs(brand_id), *may_be_drawn())
        if before is not None:
            query = query.where(col(Mention.id) < before)
        page = session.exec(query.order_by(col(Mention.id).desc()).limit(_PAGE)).all()
        found += [key for key in page if key is not None and is_drawn(key)]
        if len(found) >= limit or len(page) < _PAGE:
            break
        before = page[-1]
    rows = session.exec(
        select(Mention).where(col(Mention.id).in_(found[:limit])).order_by(col(Mention.id).desc())
    )
    return tuple(
        Drawn(
            mention_id=row.id or 0,
            channel=row.channel,
            happened_at=row.happened_at,
            title=row.title,
            body=row.body,
            url=row.url,
            rating=row.rating,
        )
        for row in rows
    )
