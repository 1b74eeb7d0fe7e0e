"""The mentions behind a figure, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from earmark_core.model import ScoreStatus
from earmark_core.tables import Aspect, Correction, Match, Mention
from earmark_core.tables.columns import UtcDateTime
from earmark_queue import paging
from earmark_queue.case_view import mention_entries
from earmark_queue.rows import MentionPage
from earmark_queue.topics import names_topic

FEW = 1_000
PENDING = "pending"
"""The status of a mention that has not been looked at yet."""
_NEWEST = (sa.text("mention.happened_at DESC"), sa.text("mention.id DESC"))
_status = func.coalesce(col(Mention.score_status), sa.literal_column(f"'{PENDING}'"))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of a brand's mentions; see `Views.mentions`."""

    brand_id: int
    start: datetime | None = None
    end: datetime | None = None
    label: str | None = None
    channel: str | None = None
    status: str | None = None
    topic: tuple[str, str] | None = None
    is_relevant: bool = True
    conflict: bool = False
    search: str = ""
    after: str | None = None


def read(session: Session, asked: Asked, limit: int) -> MentionPage:
    """Gives one page of a brand's mentions, newest first, and the key of the next."""
    conditions = [*_counted(), _belongs(session, asked), *_narrowed(asked)]
    if asked.topic is not None:
        conditions.append(_names(session, asked, asked.topic))
    pick = select(Mention).where(*conditions).order_by(*_NEWEST)
    candidates = None
    if asked.search:
        candidates = _candidates(conditions)
        has_words = col(Mention.title).icontains(asked.search, autoescape=True) | col(
            Mention.body
        ).icontains(asked.search, autoescape=True)
        pick = select(Mention).where(col(Mention.id).in_(sa.select(candidates.c.id)), has_words)
        pick = pick.order_by(*_NEWEST)
    found = session.exec(pick.limit(limit + 1)).all()
    entries = tuple(mention_entries(session, asked.brand_id, found[:limit]))
    if len(found) > limit:
        last = found[limit - 1]
        return MentionPage(entries, paging.encode([last.happened_at, last.id]))
    return MentionPage(entries, None if candidates is None else _behind(session, candidates))


def counts(session: Session, brand_id: int, start: datetime, end: datetime) -> dict[str, int]:
    """Gives how many of a brand's mentions of a period have which status."""
    asked = Asked(brand_id, start, end)
    query = (
        sa.select(_status, func.count())
        .where(*_counted(), _belongs(session, asked), *_narrowed(asked))
        .group_by(_status)
    )
    return {status: int(n) for status, n in session.execute(query)}


def _counted() -> list[Any]:
    return [~col(Mention.is_own), col(Mention.twin_of).is_(None)]


def _candidates(conditions: Sequence[Any]) -> sa.Subquery:
    """Gives the next mentions, up to as many as a search looks at."""
    return (
        sa.select(col(Mention.id), col(Mention.happened_at))
        .where(*conditions)
        .order_by(*_NEWEST)
        .limit(paging.SEARCHED)
        .subquery()
    )


def _behind(session: Session, candidates: sa.Subquery) -> str | None:
    """Gives the key of what a search has not looked at yet."""
    last = session.execute(
        sa.select(candidates)
        .order_by(candidates.c.happened_at.desc(), candidates.c.id.desc())
        .offset(paging.SEARCHED - 1)
        .limit(1)
    ).first()
    return None if last is None else paging.encode([last.happened_at, last.id])


def _belongs(session: Session, asked: Asked) -> Any:
    """Gives the condition that a mention is the brand's, or was until a person said it is not."""
    is_relevant = col(Match.is_relevant)
    mine = (
        col(Match.brand_id) == asked.brand_id,
        is_relevant if asked.is_relevant else ~is_relevant,
    )
    few = select(Match.mention_id).where(*mine)
    if not asked.is_relevant:  # a person said so of each of them, and people say little
        few = few.where(
            col(Match.mention_id).in_(
                select(Correction.mention_id).where(
                    Correction.kind == "relevance", Correction.brand_id == asked.brand_id
                )
            )
        )
    return _one_of(session, few, sa.exists().where(col(Match.mention_id) == Mention.id, *mine))


def _names(session: Session, asked: Asked, topic: tuple[str, str]) -> Any:
    """Gives the condition that a mention names a topic."""
    named = names_topic(asked.brand_id, topic)
    few = select(Aspect.mention_id).where(*named)
    if asked.start is not None:
        few = few.where(col(Aspect.happened_at) >= asked.start)
    if asked.end is not None:
        few = few.where(col(Aspect.happened_at) < asked.end)
    return _one_of(session, few, sa.exists().where(col(Aspect.mention_id) == Mention.id, *named))


def _one_of(session: Session, few: Any, exists: Any) -> Any:
    """Gives the condition that a mention is among those of a query.

    Few are named one by one: newest first, the database would read all of everybody's until it
    met them.
    """
    found = session.exec(few.limit(FEW + 1)).all()
    return col(Mention.id).in_(set(found)) if len(found) <= FEW else exists


def _narrowed(asked: Asked) -> list[Any]:
    """Gives the conditions on the mention alone; `after` is the key of the page before."""
    found: list[Any] = []
    happened = col(Mention.happened_at)
    if asked.start is not None:
        found.append(happened >= asked.start)
    if asked.end is not None:
        found.append(happened < asked.end)
    if asked.channel:
        found.append(col(Mention.channel) == asked.channel)
    if asked.label:
        holds = func.coalesce(col(Mention.human_label), col(Mention.label))
        found.append(holds.is_(None) if asked.label == "unscored" else holds == asked.label)
    if asked.status:
        is_all = asked.status == "unscored"
        found.append(_status != ScoreStatus.scored if is_all else _status == asked.status)
    if asked.conflict:
        found.append(col(Mention.is_conflict))
    if asked.after:
        at, last_id = paging.decode(asked.after, (datetime, int))
        place = sa.tuple_(sa.literal(at, UtcDateTime()), sa.literal(last_id))
        found.append(sa.tuple_(happened, col(Mention.id)) < place)
    return found
