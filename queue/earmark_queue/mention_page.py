"""The mentions behind a figure, a page at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from earmark_core.tables import Match, Mention
from earmark_core.tables.columns import UtcDateTime
from earmark_queue import paging
from earmark_queue.case_view import mention_entry
from earmark_queue.rows import MentionPage

FEW = 1_000


def read(session: Session, brand_id: int, conditions: Sequence[Any], limit: int) -> MentionPage:
    """Gives one page of a brand's mentions, newest first, and the key of the next."""
    found = session.exec(
        select(Mention)
        .where(~col(Mention.is_own), col(Mention.twin_of).is_(None))
        .where(_belongs(session, brand_id), *conditions)
        .order_by(sa.text("mention.happened_at DESC"), sa.text("mention.id DESC"))
        .limit(limit + 1)
    ).all()
    entries = tuple(mention_entry(mention) for mention in found[:limit])
    if len(found) <= limit:
        return MentionPage(entries, None)
    last = found[limit - 1]
    return MentionPage(entries, paging.encode([last.happened_at, last.id]))


def _belongs(session: Session, brand_id: int) -> Any:
    """Gives the condition that a mention is the brand's.

    A quiet brand's mentions are named one by one: newest first, the database would read all of
    everybody's until it met them.
    """
    mine = (col(Match.brand_id) == brand_id, col(Match.is_relevant))
    match = select(Match.mention_id).where(*mine).limit(FEW + 1)
    few = session.exec(match).all()
    if len(few) <= FEW:
        return col(Mention.id).in_(set(few))
    return sa.exists().where(col(Match.mention_id) == col(Mention.id), *mine)


def narrowed(
    start: datetime | None,
    end: datetime | None,
    label: str | None,
    channel: str | None,
    after: str | None,
) -> list[Any]:
    """Gives the conditions of a page of mentions; *after* is the key of the page before."""
    found: list[Any] = []
    happened = col(Mention.happened_at)
    if start is not None:
        found.append(happened >= start)
    if end is not None:
        found.append(happened < end)
    if channel:
        found.append(col(Mention.channel) == channel)
    if label:
        holds = func.coalesce(col(Mention.human_label), col(Mention.label))
        found.append(holds.is_(None) if label == "unscored" else holds == label)
    if after:
        at, last_id = paging.decode(after, (datetime, int))
        place = sa.tuple_(sa.literal(at, UtcDateTime()), sa.literal(last_id))
        found.append(sa.tuple_(happened, col(Mention.id)) < place)
    return found
