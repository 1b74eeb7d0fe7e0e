"""Mentions with nearly the same text become one group: part of T2, beside the score.

The first of a text stores keys by which the next is found (`earmark_core.likeness`); with the
second a group is made. Who was compared with is always the one that holds the keys, so a group
is what is like its first, and does not creep from text to text.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.bulk import insert_new
from earmark_core.likeness import ALIKE_FROM, Likeness, alike, likeness, likenesses
from earmark_core.store import Store
from earmark_core.tables import CopyGroup, Mention, NearKey

WINDOW = timedelta(days=14)
"""How long a text is waited for again: as long as a resolved case is reopened by default. What is
said again later is said anew; and the keys of all that was heard in it are kept."""
CROWDED = 8
"""So many texts may stand under one key; the next is not found by it."""
CHECKED = 10
"""So many texts are compared with a new one, those with most keys in common first."""
FORGOTTEN = 500
_WHAT = "group copies"


@dataclass
class _First:
    """A text that others are compared with; `like` is made of its words once it is asked for."""

    id: int
    happened_at: datetime
    text: tuple[str, str] = ("", "")
    known: Likeness | None = None
    group: int | None = None

    @property
    def like(self) -> Likeness:
        if self.known is None:
            self.known = likeness(*self.text)
        return self.known


@dataclass
class _Found:
    """What is known of the texts that were heard before, and what this batch adds to them."""

    holders: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    firsts: dict[int, _First] = field(default_factory=dict)
    joined: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    keys: list[dict[str, int]] = field(default_factory=list)
    grown: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))


def read(rows: Sequence[Any]) -> dict[int, Likeness]:
    """Gives by id those of the mentions that may be copies: not ours, not gone, and no twins."""
    asked = [row for row in rows if not row.is_own and row.twin_of is None and row.gone_at is None]
    found = likenesses([(row.title, row.body) for row in asked])
    return {row.id: like for row, like in zip(asked, found, strict=True)}


def begin(store: Store, session: Session) -> None:
    """Keeps other processes from grouping meanwhile: each would make a group of its own."""
    store.alone(session, _WHAT)


def group(session: Session, rows: Sequence[Any], likes: dict[int, Likeness], now: datetime) -> None:
    """Puts mentions into the groups of their texts, an edited one anew.

    `begin` comes first, in the same transaction.
    """
    _leave(session, [row.id for row in rows])
    new = [row for row in sorted(rows, key=lambda row: row.id) if likes.get(row.id, _NO).keys]
    if not new:
        return
    found = _look(session, {key for row in new for key in likes[row.id].keys}, now)
    for row in new:
        me = _First(row.id, row.happened_at, known=likes[row.id])
        first = _nearest(found, me.like)
        if first is None:
            _stand(found, me)
        else:
            _join(session, found, first, me)
    _keep(session, found)


_NO = Likeness((), is_cut=False)


def _look(session: Session, keys: set[int], now: datetime) -> _Found:
    """Reads who stands under the keys; a group that is still growing is not too old."""
    found = _Found()
    rows = session.execute(
        sa.select(
            col(NearKey.key),
            col(Mention.id),
            col(Mention.happened_at),
            col(Mention.title),
            col(Mention.body),
            col(Mention.gone_at),
            col(Mention.copy_group_id),
        )
        .join(Mention, col(Mention.id) == col(NearKey.mention_id))
        .outerjoin(CopyGroup, col(CopyGroup.id) == col(Mention.copy_group_id))
        .where(col(NearKey.key).in_(keys), _is_recent(now))
        .order_by(col(Mention.id))
    ).all()
    gone: dict[int, _First] = {}
    for row in rows:
        found.holders[row.key].append(row.id)
        if row.id in found.firsts:
            continue
        text = (row.title, row.body)
        first = _First(row.id, row.happened_at, text, group=row.copy_group_id)
        found.firsts[row.id] = first
        if row.gone_at is not None and row.copy_group_id is not None:
            gone[row.copy_group_id] = first
    for group_id, first in gone.items():  # its words went with it: a copy of it has them still
        heir = _heir(session, group_id)
        if heir is not None:
            first.text = (heir.title, heir.body)
    return found


def _is_recent(now: datetime) -> Any:
    since = now - WINDOW
    return (col(Mention.seen_at) >= since) | (col(CopyGroup.last_at) >= since)


def _heir(session: Session, group_id: int) -> Any:
    return session.execute(
        sa.select(col(Mention.id), col(Mention.title), col(Mention.body))
        .where(col(Mention.copy_group_id) == group_id, col(Mention.gone_at).is_(None))
        .order_by(col(Mention.id))
        .limit(1)
    ).first()


def _nearest(found: _Found, like: Likeness) -> _First | None:
    """Gives the text that this one is most like, the older of equals; None if it is no copy."""
    shared = Counter(who for key in like.keys for who in found.holders.get(key, ()))
    few = sorted(shared, key=lambda who: (-shared[who], who))[:CHECKED]
    scored = [(alike(found.firsts[who].like, like), -who) for who in few]
    best, who = max(scored, default=(0.0, 0))
    return found.firsts[-who] if best >= ALIKE_FROM else None


def _stand(found: _Found, me: _First) -> None:
    """Lets the next copy find this text."""
    found.firsts[me.id] = me
    for key in me.like.keys:
        if len(found.holders[key]) < CROWDED:
            found.holders[key].append(me.id)
            found.keys.append({"key": key, "mention_id": me.id})


def _join(session: Session, found: _Found, first: _First, me: _First) -> None:
    if first.group is None:
        made = CopyGroup(n=1, first_at=first.happened_at, last_at=first.happened_at)
        session.add(made)
        session.flush()
        first.group = int(made.id or 0)
        found.joined[first.group].append(first.id)
    found.joined[first.group].append(me.id)
    found.grown[first.group].append(me.happened_at)


def _keep(session: Session, found: _Found) -> None:
    insert_new(session, NearKey, found.keys)
    first_at, last_at = col(CopyGroup.first_at), col(CopyGroup.last_at)
    for group_id, moments in sorted(found.grown.items()):
        early, late = min(moments), max(moments)
        session.execute(
            sa.update(CopyGroup)
            .where(col(CopyGroup.id) == group_id)
            .values(
                n=col(CopyGroup.n) + len(moments),
                first_at=sa.case((first_at > early, early), else_=first_at),
                last_at=sa.case((last_at < late, late), else_=last_at),
            )
            .execution_options(synchronize_session=False)
        )
    for group_id, ids in found.joined.items():
        _set_group(session, ids, group_id)


def _set_group(session: Session, ids: Iterable[int], group_id: int | None) -> None:
    session.execute(
        sa.update(Mention)
        .where(col(Mention.id).in_(ids))
        .values(copy_group_id=group_id)
        .execution_options(synchronize_session=False)
    )


def _leave(session: Session, ids: Sequence[int]) -> None:
    """Takes mentions out of their groups and from under their keys, before they are seen anew."""
    grouped = session.execute(
        sa.select(col(Mention.id), col(Mention.copy_group_id)).where(
            col(Mention.id).in_(ids), col(Mention.copy_group_id).is_not(None)
        )
    ).all()
    held = defaultdict(list)
    for key, who in session.execute(
        sa.select(col(NearKey.key), col(NearKey.mention_id)).where(col(NearKey.mention_id).in_(ids))
    ):
        held[who].append(key)
    if held:
        session.execute(sa.delete(NearKey).where(col(NearKey.mention_id).in_(list(held))))
    if not grouped:
        return
    _set_group(session, [row.id for row in grouped], None)
    for group_id, leaving in Counter(row.copy_group_id for row in grouped).items():
        keys = [key for row in grouped if row.copy_group_id == group_id for key in held[row.id]]
        _shrink(session, group_id, leaving, keys)


def _shrink(session: Session, group_id: int, leaving: int, keys: Sequence[int]) -> None:
    """Counts a group down; who is left takes over the keys, and one alone is no group."""
    heir = _heir(session, group_id)
    if heir is not None:
        rows = [{"key": key, "mention_id": heir.id} for key in dict.fromkeys(keys)]
        insert_new(session, NearKey, rows)
    n = session.execute(
        sa.update(CopyGroup)
        .where(col(CopyGroup.id) == group_id)
        .values(n=col(CopyGroup.n) - leaving)
        .returning(col(CopyGroup.n))
        .execution_options(synchronize_session=False)
    ).scalar_one()
    if n <= 1:
        session.execute(sa.delete(CopyGroup).where(col(CopyGroup.id) == group_id))


def forget(store: Store, now: datetime) -> int:
    """Deletes the keys of texts that nobody said again for `WINDOW`; gives how many texts.

    Goes through the oldest first, some hundred in one transaction, and ends at the first that
    are all too young. Groups of which nothing is left go, too.
    """
    with store.write() as session:
        session.execute(_drop_empty(now))
    forgotten, after = 0, 0
    while True:
        with store.write() as session:
            batch = session.execute(_oldest(after, now)).all()
            old = [row.mention_id for row in batch if not row.recent]
            session.execute(sa.delete(NearKey).where(col(NearKey.mention_id).in_(old)))
        forgotten += len(old)
        if len(batch) < FORGOTTEN or all(row.young for row in batch):
            return forgotten
        after = batch[-1].mention_id


def _drop_empty(now: datetime) -> Any:
    left = sa.exists().where(col(Mention.copy_group_id) == CopyGroup.id)
    return (
        sa.delete(CopyGroup)
        .where(col(CopyGroup.last_at) < now - WINDOW, ~left)
        .execution_options(synchronize_session=False)
    )


def _oldest(after: int, now: datetime) -> Any:
    who = (
        select(NearKey.mention_id)
        .where(col(NearKey.mention_id) > after)
        .distinct()
        .order_by(col(NearKey.mention_id))
        .limit(FORGOTTEN)
        .subquery()
    )
    return (
        sa.select(
            who.c.mention_id,
            (col(Mention.seen_at) >= now - WINDOW).label("young"),
            sa.func.coalesce(_is_recent(now), sa.false()).label("recent"),
        )
        .join(Mention, col(Mention.id) == who.c.mention_id)
        .outerjoin(CopyGroup, col(CopyGroup.id) == col(Mention.copy_group_id))
        .order_by(who.c.mention_id)
    )
