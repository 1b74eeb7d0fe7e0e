"""The mentions behind a figure, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from earmark_core.model import ScoreStatus
from earmark_core.tables import Aspect, Correction, Match, Mention
from earmark_core.tables.columns import UtcDateTime
from earmark_queue import paging
from earmark_queue.case_view import mention_entries
from earmark_queue.rows import Entry, MentionPage
from earmark_queue.topics import names_topic

FEW = 1_000
PENDING = "pending"
"""The status of a mention that has not been looked at yet."""
_NEWEST = (sa.text("mention.happened_at DESC"), sa.text("mention.id DESC"))
_OTHER = aliased(Mention)


def _status_of(one: Any) -> Any:
    return func.coalesce(col(one.score_status), sa.literal_column(f"'{PENDING}'"))


_status = _status_of(Mention)


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
    fold: bool = False
    copies_of: int | None = None


def read(session: Session, asked: Asked, limit: int) -> MentionPage:
    """Gives one page of a brand's mentions, newest first, and the key of the next."""
    conditions = [*_wanted(session, asked, Mention), *_beyond(asked)]
    is_folded = asked.fold and not asked.search
    if is_folded:
        conditions.append(_is_first(session, asked))
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
    if is_folded:
        entries = _with_copies(session, asked, entries)
    if len(found) > limit:
        last = found[limit - 1]
        return MentionPage(entries, paging.encode([last.happened_at, last.id]))
    return MentionPage(entries, None if candidates is None else _behind(session, candidates))


def counts(session: Session, brand_id: int, start: datetime, end: datetime) -> dict[str, int]:
    """Gives how many of a brand's mentions of a period have which status."""
    asked = Asked(brand_id, start, end)
    query = (
        sa.select(_status, func.count()).where(*_wanted(session, asked, Mention)).group_by(_status)
    )
    return {status: int(n) for status, n in session.execute(query)}


def _wanted(session: Session, asked: Asked, one: Any) -> list[Any]:
    """Gives the conditions that *one*, the table or an alias of it, is asked for, on any page."""
    conditions = [~col(one.is_own), col(one.twin_of).is_(None), _belongs(session, asked, one)]
    if asked.topic is not None:
        conditions.append(_names(session, asked, asked.topic, one))
    return [*conditions, *_narrowed(asked, one)]


def _is_first(session: Session, asked: Asked) -> Any:
    """Gives the condition that no copy of a mention that is asked for, too, is older."""
    place = sa.tuple_(col(Mention.happened_at), col(Mention.id))
    older = sa.exists().where(
        col(_OTHER.copy_group_id) == Mention.copy_group_id,
        sa.tuple_(col(_OTHER.happened_at), col(_OTHER.id)) < place,
        *_wanted(session, asked, _OTHER),
    )
    return col(Mention.copy_group_id).is_(None) | ~older


def _with_copies(session: Session, asked: Asked, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Says of each how many copies of it are asked for, too."""
    groups = {one.copy_group_id for one in entries} - {None}
    if not groups:
        return entries
    group = col(Mention.copy_group_id)
    query = (
        sa.select(group, func.count())
        .where(group.in_(groups), *_wanted(session, asked, Mention))
        .group_by(group)
    )
    counted: dict[int | None, int] = {row[0]: int(row[1]) for row in session.execute(query)}
    return tuple(
        replace(one, copies=max(counted.get(one.copy_group_id, 1) - 1, 0)) for one in entries
    )


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


def _belongs(session: Session, asked: Asked, one: Any) -> Any:
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
    there = sa.exists().where(col(Match.mention_id) == one.id, *mine)
    return _one_of(session, one, few, there)


def _names(session: Session, asked: Asked, topic: tuple[str, str], one: Any) -> Any:
    """Gives the condition that a mention names a topic."""
    named = names_topic(asked.brand_id, topic)
    few = select(Aspect.mention_id).where(*named)
    if asked.start is not None:
        few = few.where(col(Aspect.happened_at) >= asked.start)
    if asked.end is not None:
        few = few.where(col(Aspect.happened_at) < asked.end)
    there = sa.exists().where(col(Aspect.mention_id) == one.id, *named)
    return _one_of(session, one, few, there)


def _one_of(session: Session, one: Any, few: Any, exists: Any) -> Any:
    """Gives the condition that a mention is among those of a query.

    Few are named one by one: newest first, the database would read all of everybody's until it
    met them.
    """
    found = session.exec(few.limit(FEW + 1)).all()
    return col(one.id).in_(set(found)) if len(found) <= FEW else exists


def _narrowed(asked: Asked, one: Any) -> list[Any]:
    """Gives the conditions on the mention alone."""
    found: list[Any] = []
    happened, status = col(one.happened_at), _status_of(one)
    if asked.start is not None:
        found.append(happened >= asked.start)
    if asked.end is not None:
        found.append(happened < asked.end)
    if asked.channel:
        found.append(col(one.channel) == asked.channel)
    if asked.label:
        holds = func.coalesce(col(one.human_label), col(one.label))
        found.append(holds.is_(None) if asked.label == "unscored" else holds == asked.label)
    if asked.status:
        is_all = asked.status == "unscored"
        found.append(status != ScoreStatus.scored if is_all else status == asked.status)
    if asked.conflict:
        found.append(col(one.is_conflict))
    if asked.copies_of is not None:
        found.append(col(one.copy_group_id) == asked.copies_of)
    return found


def _beyond(asked: Asked) -> list[Any]:
    """Gives the condition that a mention stands behind the page before."""
    if not asked.after:
        return []
    at, last_id = paging.decode(asked.after, (datetime, int))
    place = sa.tuple_(sa.literal(at, UtcDateTime()), sa.literal(last_id))
    return [sa.tuple_(col(Mention.happened_at), col(Mention.id)) < place]
