"""T1: one page of items becomes mentions, matches and a moved cursor, in one transaction.

Import and poll take the same way. An item is stored once per source; the same post found by a
second source becomes a twin of the first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from earmark.cleaning import Place, prepare
from earmark.matching import Asked, Watch, refused
from earmark.quarantine import keep_bad_items
from earmark.revising import give_links, revise
from earmark.withdrawing import withdraw
from earmark_core.bulk import among, insert_new
from earmark_core.errors import StoreError
from earmark_core.model import WindowState
from earmark_core.store import Store
from earmark_core.tables import (
    Match,
    Mention,
    PollWindow,
    RawPayload,
    Source,
)
from earmark_core.tables.columns import table_of
from earmark_core.tombstones import buried
from earmark_listeners.contract import Batch
from earmark_listeners.polling import Kept
from earmark_listeners.schedule import Due

_OLD = ("id", "external_id", "content_hash", "revision", "title", "body", "rating", "twin_of",
        "gone_at", "url")  # fmt: skip
_MENTION = table_of(Mention).c
_WINDOW = table_of(PollWindow)
_GROW = (
    sa.update(_WINDOW)
    .where(_WINDOW.c.id == sa.bindparam("window"))
    .values(
        items=_WINDOW.c["items"] + sa.bindparam("heard"),
        new_items=_WINDOW.c.new_items + sa.bindparam("new"),
        bad_items=_WINDOW.c.bad_items + sa.bindparam("bad"),
        pages=_WINDOW.c.pages + 1,
        ended_at=sa.bindparam("now"),
    )
)


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
        name=due.name,
    )


def keep_page(store: Store, due: Due, batch: Batch, watch: Watch, now: datetime) -> Kept:
    """Stores one page with its cursor and its window; all of it or nothing.

    Raises:
        LeaseLost: the source was claimed by somebody else since; the page was not stored.
    """
    place = place_of(due, batch.state)
    rows = prepare(batch.items, place, now)
    # All beforehand where all is new: while a page is written, everybody else waits.
    found = watch.matches(place, rows) if due.is_first else Asked(watch, place, rows)
    with store.write() as session:
        kept = store_rows(store, session, place, rows, found, now)
        keep_bad_items(session, place, batch.bad_items, now)
        withdraw(session, place.source_id, batch.gone, now)
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

    What was removed here before is heard and not stored again. *found* holds the matches of each
    row, in the order of *rows*.
    """
    if not rows:
        return Kept()
    known = _known(session, place, rows)
    fresh = [i for i, row in enumerate(rows) if row["external_id"] not in known]
    if fresh:
        names = [rows[i]["external_id"] for i in fresh]
        removed = buried(store, session, place.source_id, names)
        fresh = [i for i in fresh if rows[i]["external_id"] not in removed]
    changed = [
        i
        for i, row in enumerate(rows)
        if row["external_id"] in known
        and known[row["external_id"]].gone_at is None  # a late copy brings nothing back
        and known[row["external_id"]].content_hash != row["content_hash"]
    ]
    ids, twins = _insert(session, place, [rows[i] for i in fresh], now)
    revise(session, [(known[rows[i]["external_id"]], rows[i]) for i in changed], now)
    pairs = [(known[name], row) for row in rows if (name := row["external_id"]) in known]
    give_links(session, pairs)
    touched = {i: ids[rows[i]["external_id"]] for i in fresh if rows[i]["external_id"] in ids}
    touched |= {i: known[rows[i]["external_id"]].id for i in changed}
    first_of = {ids[row["external_id"]]: twins[row["uri"]]
                for row in rows if row["uri"] in twins and row["external_id"] in ids}  # fmt: skip
    first_of |= {old.id: old.twin_of for old in known.values() if old.twin_of is not None}
    revised = {touched[i] for i in changed}
    _match(store, session, {key: found[i] for i, key in touched.items()}, first_of, revised)
    return Kept(items=len(rows), new=len(touched))


@lru_cache(maxsize=2)
def _queries(dialect: str) -> tuple[Any, Any, Any]:
    """Gives what is asked of a page: the mentions known by name, their ids, the first of a uri.

    Built once: with a page of names in each, building them would cost more than running them.
    """
    named = sa.and_(
        _MENTION.source_id == sa.bindparam("source"), among(_MENTION.external_id, "names", dialect)
    )
    first_of = sa.select(_MENTION.uri, sa.func.min(_MENTION.id)).where(
        among(_MENTION.uri, "names", dialect),
        _MENTION.uri != sa.literal_column("''"),  # or the partial index is not seen to fit
        _MENTION.source_id != sa.bindparam("source"),
        _MENTION.twin_of.is_(None),
    )
    return (
        sa.select(*(_MENTION[name] for name in _OLD)).where(named),
        sa.select(_MENTION.external_id, _MENTION.id).where(named),
        first_of.group_by(_MENTION.uri),
    )


def _known(session: Session, place: Place, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    connection = session.connection()
    query, _, _ = _queries(connection.dialect.name)
    asked = {"source": place.source_id, "names": [row["external_id"] for row in rows]}
    return {row.external_id: row for row in connection.execute(query, asked)}


def _insert(
    session: Session, place: Place, rows: Sequence[dict[str, Any]], now: datetime
) -> tuple[dict[str, int], dict[str, int]]:
    """Gives the new mentions' ids by external id, and whose twins they are by `uri`."""
    if not rows:
        return {}, {}
    twins = _twins(session, place, rows)
    for row in rows:
        row["twin_of"] = twins.get(row["uri"])
        row["decided_at"] = now if row["uri"] in twins else None
    insert_new(session, Mention, rows, without=("raw",))
    ids = _ids(session, place, rows)
    raw = [
        {"mention_id": ids[row["external_id"]], "body": row["raw"]}
        for row in rows
        if row["raw"] and row["external_id"] in ids
    ]
    insert_new(session, RawPayload, raw)
    return ids, twins


def _ids(session: Session, place: Place, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    connection = session.connection()
    _, query, _ = _queries(connection.dialect.name)
    asked = {"source": place.source_id, "names": [row["external_id"] for row in rows]}
    return {row[0]: row[1] for row in connection.execute(query, asked)}


def _twins(session: Session, place: Place, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Finds, by the name a post has everywhere, the first mention of it from another source."""
    uris = list({row["uri"] for row in rows if row["uri"]})
    if not uris:
        return {}
    connection = session.connection()
    _, _, query = _queries(connection.dialect.name)
    asked = {"source": place.source_id, "names": uris}
    return {row[0]: row[1] for row in connection.execute(query, asked)}


def _match(
    store: Store,
    session: Session,
    found: Mapping[int, Sequence[Mapping[str, Any]]],
    first_of: Mapping[int, int],
    old: set[int],
) -> None:
    """Writes the matches; those of a twin go to the mention that stands for both.

    *old* are mentions that were there before: where a person said that one is not about a brand,
    another monitor of that brand does not make it so.
    """
    barred = refused(session, {first_of.get(m, m) for m in found} & (old | {*first_of.values()}))
    own: list[dict[str, Any]] = []
    shared: list[dict[str, Any]] = []
    for mention, matches in found.items():
        stands = first_of.get(mention, mention)
        for match in matches:
            is_relevant = (stands, match["brand_id"]) not in barred
            row = {"mention_id": stands, "is_counted": False, "is_relevant": is_relevant, **match}
            (own if stands == mention else shared).append(row)
    insert_new(session, Match, own)
    if not shared:
        return
    added = session.execute(
        store.insert(Match)
        .on_conflict_do_nothing()
        .returning(sa.column("mention_id"), sa.column("is_relevant")),
        shared,
    )
    again = {row.mention_id for row in added if row.is_relevant}
    if again:  # the first finder's mention has become somebody's: counted and decided anew
        session.execute(
            sa.update(Mention)
            .where(col(Mention.id).in_(again))
            .values(scored_at=None, decided_at=None)
        )


def _move_cursor(
    session: Session, due: Due, batch: Batch, now: datetime, *, had_news: bool
) -> None:
    values: dict[str, Any] = {"last_item_at": now} if had_news else {}
    if batch.cursor is not None:
        values["cursor"] = str(batch.cursor)
    source = table_of(Source)
    held = session.connection().execute(
        sa.update(source)
        .where(source.c.id == due.source_id, source.c.lease_token == due.token)
        .values(**values, lease_token=due.token)
    )
    if held.rowcount != 1:
        raise LeaseLost(subject=due.name)


def _grow_window(session: Session, due: Due, kept: Kept, bad: int, now: datetime) -> None:
    heard = {"heard": kept.items, "new": kept.new, "bad": bad}
    session.connection().execute(_GROW, {"window": due.window_id, "now": now, **heard})
