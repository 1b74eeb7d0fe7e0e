"""Mentions that are looked at again at their source: what was edited or taken away meanwhile.

A poll tells only what is new, and few platforms tell of edits and deletions by themselves. So what
is being worked on, and what came lately, is read again bit by bit, with the responder's own look at
its target: at most ten looks a source in five minutes, one after the other. A source that cannot
answer is left alone until the next round; a channel that bills what is read is never looked at.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from earmark.cleaning import Place, prepare
from earmark.ingest import store_rows
from earmark.matching import load_watch
from earmark.withdrawing import withdraw
from earmark_core.clock import Clock
from earmark_core.errors import ConfigError, EarmarkError, ReplyError
from earmark_core.model import ALIVE, Author, Item
from earmark_core.store import Store
from earmark_core.tables import Case, CaseMention, Mention, Source
from earmark_core.tables.columns import table_of
from earmark_listeners.contract import Gone, Responder, Target

log = logging.getLogger(__name__)

RECENT = timedelta(hours=48)
A_ROUND = 10
"""How many mentions of a source are looked at in one round."""
EVERY_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What a round came to: looked at, gone, edited, and sources that could not answer."""

    looked: int = 0
    gone: int = 0
    edited: int = 0
    failed: int = 0


class Rechecking:
    """Looks at mentions again, round after round; where it is stands in memory only.

    A worker that starts anew begins at the newest again, which costs a look too many at most.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        responder_for: Callable[[int], Responder | None],
        may_look: Callable[[str], bool],
    ) -> None:
        """Takes who answers for a source, and which channels may be looked at."""
        self._store = store
        self._clock = clock
        self._responder_for = responder_for
        self._may_look = may_look
        self._before: dict[int, int] = {}

    async def round(self) -> Rechecked:
        """Looks at up to ten mentions a source, the newest first; the next round goes on there."""
        with self._store.read() as session:
            asked = sa.select(col(Source.id), col(Source.channel)).where(
                col(Source.id).in_(_with_something(self._clock() - RECENT)),
                col(Source.is_enabled),
                ~col(Source.needs_person),
            )
            found = session.execute(asked.order_by(col(Source.id)))
            sources = [row.id for row in found if self._may_look(row.channel)]
        total = Rechecked()
        for source_id in sources:
            with self._store.read() as session:
                before = self._before.pop(source_id, None)
                rows = _after(session, source_id, before, self._clock() - RECENT)
            if len(rows) == A_ROUND:
                self._before[source_id] = rows[-1].id
            if rows:
                total = await self._of(source_id, rows, total)
        return total

    async def _of(self, source_id: int, rows: Sequence[Any], total: Rechecked) -> Rechecked:
        try:
            responder = self._responder_for(source_id)
        except ConfigError:
            responder = None  # shown on the Sources page
        if responder is None:
            return total
        for row in rows:
            try:
                target = await responder.target(row.reply_ref)
            except ReplyError:  # it is there, and only takes no answer
                total = replace(total, looked=total.looked + 1)
                continue
            except EarmarkError as error:
                log.info("not looked at again", extra={"source": source_id, "reason": str(error)})
                return replace(total, failed=total.failed + 1)
            total = self._keep(row, target, replace(total, looked=total.looked + 1))
        return total

    def _keep(self, row: Any, target: Target | Gone, total: Rechecked) -> Rechecked:
        now = self._clock()
        if isinstance(target, Gone):
            with self._store.write() as session:
                taken = withdraw(session, row.source_id, [row.external_id], now)
            return replace(total, gone=total.gone + taken)
        if not _was_edited(row, target) or not self._revise(row, target, now):
            return total
        return replace(total, edited=total.edited + 1)

    def _revise(self, row: Any, target: Target, now: datetime) -> bool:
        """Stores the new wording the way a poll would; False if a poll was quicker."""
        watch = load_watch(self._store)
        with self._store.write() as session:
            source = session.get(Source, row.source_id)
            if source is None:
                return False
            place = Place(
                row.source_id, source.brand_id, row.channel, source.include, source.exclude,
                takes_all=source.takes_all, name=source.name,
            )  # fmt: skip
            rows = prepare([_as_item(row, target)], place, now)
            matches = watch.matches(place, rows)
            return bool(store_rows(self._store, session, place, rows, matches, now).new)


def _among(since: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Gives what makes a mention one to look at: it came since then, or it is worked on."""
    worked_on = (
        sa.select(col(CaseMention.mention_id))
        .join(Case, col(Case.id) == col(CaseMention.case_id))
        .where(col(Case.status).in_([str(status) for status in ALIVE]))
    )
    return col(Mention.happened_at) > since, col(Mention.id).in_(worked_on)


def _with_something(since: datetime) -> sa.CompoundSelect[Any]:
    """Asks for the sources that have any such mention: of many thousands, mostly few."""
    return sa.union(*(sa.select(col(Mention.source_id)).where(among) for among in _among(since)))


def _after(session: Session, source_id: int, before: int | None, since: datetime) -> Sequence[Any]:
    """Reads what came since then or is worked on, can be asked for and is still there.

    Two questions, each with an index of its own: asked as one, both would read every mention.
    """
    asked = [
        col(Mention.source_id) == source_id,
        col(Mention.gone_at).is_(None),
        ~col(Mention.is_own),
        sa.cast(col(Mention.reply_ref), sa.Text) != "{}",
    ]
    if before is not None:
        asked.append(col(Mention.id) < before)
    wanted = sa.select(table_of(Mention))
    found: dict[int, Any] = {}
    for among in _among(since):
        newest = wanted.where(among, *asked).order_by(col(Mention.id).desc()).limit(A_ROUND)
        found |= {row.id: row for row in session.execute(newest)}
    return [found[key] for key in sorted(found, reverse=True)[:A_ROUND]]


def _was_edited(row: Any, target: Target) -> bool:
    """Tells whether the source says that it was edited since; other words alone are no proof.

    What is read again may be worded a little differently (a link written out) without an edit.
    """
    if target.edited_at is None or target.text in (None, row.body):
        return False
    known: datetime = row.edited_at or row.published_at or row.seen_at
    return target.edited_at > known


def _as_item(row: Any, target: Target) -> Item:
    author = Author(
        row.identity.partition(":")[2],
        row.author_handle,
        row.author_name,
        row.author_url,
        row.author_followers,
    )
    return Item(
        row.external_id,
        text=target.text or "",
        author=author if row.identity else None,
        lang=row.lang_hint,
        edited_at=target.edited_at,
        thread_id=row.thread_key,
        reply_ref=row.reply_ref,
        kind=row.kind,
        title=row.title,
        url=row.url,
        uri=row.uri,
        rating=row.rating,
        published_at=row.published_at,
        parent_id=row.parent_id,
        metrics=row.metrics,
    )
