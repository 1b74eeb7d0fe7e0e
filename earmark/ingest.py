"""T1: one page of items becomes mentions, matches and a moved cursor, in one transaction.

Import and poll take the same way. An item is stored once per source; the same post found by a
second source becomes a twin of the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark.cleaning import RAW_LIMIT, Place, prepare
from earmark.matching import Watch
from earmark_core import text
from earmark_core.errors import StoreError
from earmark_core.model import BadItem, WindowState
from earmark_core.store import Store
from earmark_core.tables import (
    Match,
    Mention,
    MentionRevision,
    PollWindow,
    Quarantine,
    RawPayload,
    Source,
)
from earmark_listeners.contract import Batch
from earmark_listeners.polling import Kept
from earmark_listeners.schedule import Due

_OLD = ("id", "external_id", "content_hash", "revision", "title", "body", "rating")


class LeaseLost(StoreError):
    """Somebody else claimed the source meanwhile; nothing of this page was kept."""


def place_of(due: Due, state: WindowState = WindowState.complete) -> Place:
    """Gives the place of a claimed source; what its first poll or a backfill finds is history."""
    return Place(
        source_id=due.source_id,
        brand_id=due.brand_id,
        channel=due.channel,
        include=due.include,
        exclude=due.exclude,
        takes_all=due.takes_all,
        is_history=due.is_first or state is WindowState.backfilled,
    )


def keep_page(store: Store, due: Due, batch: Batch, watch: Watch, now: datetime) -> Kept:
    """Stores one page with its cursor and its window; all of it or nothing.

    Raises:
        LeaseLost: the source was claimed by somebody else since; the page was not stored.
    """
    place = place_of(due, batch.state)
    rows = prepare(batch.items, place, now)
    found = watch.matches(place, rows)
    with store.write() as session:
        kept = store_rows(store, session, place, rows, found, now)
        _quarantine(session, place, batch.bad_items, now)
        _move_cursor(session, due, batch, now, had_news=kept.new > 0)
        _grow_window(session, due, kept, len(batch.bad_items), now)
    return Kept(items=kept.items, new=kept.new, bad=len(batch.bad_items))


def store_rows(
    store: Store,
    session: Session,
    place: Place,
    rows: Sequence[dict[str, Any]],
    found: Sequence[Sequence[Mapping[str, Any]]],
    now: datetime,
) -> Kept:
    """Stores what is new, revises what changed, leaves the rest untouched.

    *found* holds the matches of each row, in the order of *rows*.
    """
    known = _known(session, place, rows)
    fresh = [i for i, row in enumerate(rows) if row["external_id"] not in known]
    changed = [
        i
        for i, row in enumerate(rows)
        if row["external_id"] in known
        and known[row["external_id"]].content_hash != row["content_hash"]
    ]
    ids = _insert(store, session, place, [rows[i] for i in fresh], now)
    _revise(session, [(known[rows[i]["external_id"]], rows[i]) for i in changed], now)
    touched = {i: ids[rows[i]["external_id"]] for i in fresh if rows[i]["external_id"] in ids}
    touched |= {i: known[rows[i]["external_id"]].id for i in changed}
    _match(store, session, {mention: found[i] for i, mention in touched.items()})
    return Kept(items=len(rows), new=len(touched))


def _known(session: Session, place: Place, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    columns: list[Any] = [getattr(Mention, name) for name in _OLD]
    query = sa.select(*columns).where(
        col(Mention.source_id) == place.source_id,
        col(Mention.external_id).in_([row["external_id"] for row in rows]),
    )
    return {row.external_id: row for row in session.execute(query)}


def _insert(
    store: Store, session: Session, place: Place, rows: Sequence[dict[str, Any]], now: datetime
) -> dict[str, int]:
    if not rows:
        return {}
    twins = _twins(session, place, rows)
    values = [
        {key: value for key, value in row.items() if key != "raw"}
        | {"twin_of": twins.get(row["uri"]), "decided_at": now if row["uri"] in twins else None}
        for row in rows
    ]
    statement = (
        store.insert(Mention)
        .on_conflict_do_nothing(index_elements=["source_id", "external_id"])
        .returning(sa.column("id"), sa.column("external_id"))
    )
    ids = {row.external_id: row.id for row in session.execute(statement, values)}
    raw = [
        {"mention_id": ids[row["external_id"]], "body": row["raw"]}
        for row in rows
        if row["raw"] and row["external_id"] in ids
    ]
    if raw:
        session.execute(sa.insert(RawPayload), raw)
    return ids


def _twins(session: Session, place: Place, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Finds, by the name a post has everywhere, the first mention of it from another source."""
    uris = {row["uri"] for row in rows if row["uri"]}
    if not uris:
        return {}
    query = select(Mention.uri, sa.func.min(Mention.id)).where(
        col(Mention.uri).in_(uris),
        col(Mention.uri) != "",
        col(Mention.source_id) != place.source_id,
        col(Mention.twin_of).is_(None),
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(col(Mention.uri)))}


def _revise(session: Session, changes: Sequence[tuple[Any, dict[str, Any]]], now: datetime) -> None:
    """Keeps what a mention said before, and has the new words scored and decided again."""
    for old, row in changes:
        session.add(
            MentionRevision(
                mention_id=old.id,
                revision=old.revision,
                title=old.title,
                body=old.body,
                rating=old.rating,
                replaced_at=now,
            )
        )
        session.execute(
            sa.update(Mention)
            .where(col(Mention.id) == old.id)
            .values(
                title=row["title"],
                body=row["body"],
                rating=row["rating"],
                content_hash=row["content_hash"],
                edited_at=row["edited_at"] or now,
                metrics=row["metrics"],
                reply_ref=row["reply_ref"],
                revision=old.revision + 1,
                scored_at=None,
                decided_at=sa.case((col(Mention.twin_of).is_(None), None), else_=now),
            )
        )
        session.execute(
            sa.update(RawPayload)
            .where(col(RawPayload.mention_id) == old.id)
            .values(body=row["raw"])
        )


def _match(
    store: Store, session: Session, found: Mapping[int, Sequence[Mapping[str, Any]]]
) -> None:
    """Writes the matches; those of a twin go to the mention that stands for both."""
    if not found:
        return
    query = select(Mention.id, Mention.twin_of).where(
        col(Mention.id).in_(list(found)), col(Mention.twin_of).is_not(None)
    )
    first_of = {row.id: row.twin_of for row in session.execute(query)}
    values = [
        {"mention_id": first_of.get(mention, mention), "is_counted": False, **match}
        for mention, matches in found.items()
        for match in matches
    ]
    if not values:
        return
    added = session.execute(
        store.insert(Match).on_conflict_do_nothing().returning(sa.column("mention_id")), values
    )
    again = {row.mention_id for row in added} & set(first_of.values())
    if again:  # the first finder's mention has become somebody's: counted and decided anew
        session.execute(
            sa.update(Mention)
            .where(col(Mention.id).in_(again))
            .values(scored_at=None, decided_at=None)
        )


def _quarantine(
    session: Session, place: Place, bad_items: Iterable[BadItem], now: datetime
) -> None:
    for bad in bad_items:
        session.add(
            Quarantine(
                source_id=place.source_id,
                reason=text.clean(bad.reason, limit=500),
                raw=text.clean(bad.raw, limit=RAW_LIMIT),
                seen_at=now,
            )
        )


def _move_cursor(
    session: Session, due: Due, batch: Batch, now: datetime, *, had_news: bool
) -> None:
    values: dict[str, Any] = {"last_item_at": now} if had_news else {}
    if batch.cursor is not None:
        values["cursor"] = str(batch.cursor)
    held = session.execute(
        sa.update(Source)
        .where(col(Source.id) == due.source_id, col(Source.lease_token) == due.token)
        .values(**values, lease_token=due.token)
    )
    if held.rowcount != 1:  # type: ignore[attr-defined]
        raise LeaseLost(subject=due.name)


def _grow_window(session: Session, due: Due, kept: Kept, bad: int, now: datetime) -> None:
    window = session.get(PollWindow, due.window_id)
    if window is not None:
        window.pages += 1
        window.items += kept.items
        window.new_items += kept.new
        window.bad_items += bad
        window.ended_at = now
