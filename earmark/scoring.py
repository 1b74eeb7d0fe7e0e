"""T2: mentions without a score get one, and the rollups count them, in one transaction.

Unfinished work is found from the rows alone, so a killed worker loses nothing: scoring again
gives the same.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.clock import Clock
from earmark_core.model import Score, Text
from earmark_core.rollup import Counted, count
from earmark_core.store import Store
from earmark_core.tables import Match, Mention
from earmark_sentiment.scorer import Scorer

_READ = (
    "id", "title", "body", "rating", "lang_hint", "content_hash", "channel", "happened_at",
    "label", "human_label", "is_own", "twin_of",
)  # fmt: skip


def score_pending(
    store: Store, scorer: Scorer, names: tuple[str, ...], clock: Clock, *, limit: int = 200
) -> int:
    """Scores up to *limit* mentions, the oldest row first; gives how many it took."""
    columns = [getattr(Mention, name) for name in _READ]
    query = select(*columns).where(col(Mention.scored_at).is_(None))
    with store.read() as session:
        pending = session.execute(query.order_by(col(Mention.id)).limit(limit)).all()
    if not pending:
        return 0
    scores = scorer.score_batch([text_of(row, names) for row in pending])
    with store.write() as session:
        kept = _still_the_same(session, pending)
        pairs = [(row, score) for row, score in zip(pending, scores, strict=True) if row.id in kept]
        _write(session, pairs, clock)
        _count(store, session, pairs)
    return len(pending)


def text_of(row: Any, names: tuple[str, ...]) -> Text:
    """Gives what the scorer reads of a mention: title and body."""
    words = f"{row.title}\n{row.body}" if row.title else row.body
    return Text(words, lang=row.lang_hint, rating=row.rating, names=names)


def _still_the_same(session: Session, rows: Sequence[Any]) -> set[int]:
    """Leaves out what was edited, corrected or scored by another since it was read."""
    query = (
        select(Mention.id, Mention.content_hash, Mention.human_label)
        .where(
            col(Mention.id).in_([row.id for row in rows]),
            col(Mention.scored_at).is_(None),
        )
        .with_for_update()
    )
    now = {row.id: (row.content_hash, row.human_label) for row in session.execute(query)}
    return {row.id for row in rows if now.get(row.id) == (row.content_hash, row.human_label)}


def _write(session: Session, pairs: Sequence[tuple[Any, Score]], clock: Clock) -> None:
    if not pairs:
        return
    at = clock()
    table = Mention.__table__  # type: ignore[attr-defined]
    session.connection().execute(
        sa.update(table).where(table.c.id == sa.bindparam("row_id")),
        [_values(score) | {"row_id": row.id, "scored_at": at} for row, score in pairs],
    )


def _values(score: Score) -> dict[str, Any]:
    return {
        "score_status": str(score.status),
        "label": str(score.label) if score.label else None,
        "p_neg": score.p_neg,
        "p_neu": score.p_neu,
        "p_pos": score.p_pos,
        "compound": score.compound,
        "lang": score.lang,
        "lang_confidence": score.lang_confidence,
        "model_id": score.model_id,
        "cues": [{"kind": cue.kind, "words": cue.words} for cue in score.cues],
    }


def _count(store: Store, session: Session, pairs: Sequence[tuple[Any, Score]]) -> None:
    brands: dict[int, set[int]] = defaultdict(set)
    counted: dict[int, set[int]] = defaultdict(set)
    ids = [row.id for row, _ in pairs]
    for match in session.execute(
        select(Match.mention_id, Match.brand_id, Match.is_counted).where(
            col(Match.mention_id).in_(ids)
        )
    ):
        brands[match.mention_id].add(match.brand_id)
        if match.is_counted:
            counted[match.mention_id].add(match.brand_id)
    add: list[Counted] = []
    take: list[Counted] = []
    for row, score in pairs:
        if row.is_own or row.twin_of is not None:
            continue
        for brand in brands[row.id]:
            now = row.human_label or (str(score.label) if score.label else None)
            add.append(Counted(brand, row.channel, row.happened_at, now))
            if brand in counted[row.id]:
                before = row.human_label or row.label
                take.append(Counted(brand, row.channel, row.happened_at, before))
    count(store, session, add=add, take=take)
    session.execute(sa.update(Match).where(col(Match.mention_id).in_(ids)).values(is_counted=True))
