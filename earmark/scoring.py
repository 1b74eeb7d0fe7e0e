"""T2: mentions without a score get one, and the rollups count them, in one transaction.

With the score of a mention goes what it finds of its brands' topics, see `earmark.aspects`, and
whether it is a copy of another, see `earmark.copies`.

Unfinished work is found from the rows alone, so a killed worker loses nothing: scoring again
gives the same.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark import aspects, copies
from earmark_core.clock import Clock
from earmark_core.model import Score
from earmark_core.rollup import Counted, count
from earmark_core.store import Store
from earmark_core.tables import Match, Mention
from earmark_core.tables.columns import table_of
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.reading import brand_of, text_of
from earmark_sentiment.scorer import Scorer

_READ = (
    "id", "title", "body", "rating", "lang_hint", "content_hash", "channel", "happened_at",
    "label", "human_label", "is_own", "twin_of", "model_id", "gone_at",
)  # fmt: skip


def score_pending(
    store: Store,
    scorers: BrandScorers,
    names: tuple[str, ...],
    clock: Clock,
    *,
    limit: int = 200,
) -> int:
    """Scores up to *limit* mentions, the oldest row first; gives how many it took.

    Each is scored with what was learned for its brand; see `reading.brand_of` for which brand
    that is where there are several.
    """
    query = select(*columns()).where(col(Mention.scored_at).is_(None))
    with store.read() as session:
        pending = session.execute(query.order_by(col(Mention.id)).limit(limit)).all()
        if not pending:
            return 0
        by_brand = scorer_of(session, scorers, pending)
        heard = aspects.listened(session, pending)
    scores = scored(pending, by_brand, names)
    finds = aspects.find(pending, scores, by_brand, heard, names)
    likes = copies.read(pending)
    with store.write() as session:
        copies.begin(store, session)
        kept = still_the_same(session, pending)
        pairs = [(row, score) for row, score in zip(pending, scores, strict=True) if row.id in kept]
        now = clock()
        write(session, pairs, now)
        rows = [row for row, _ in pairs]
        aspects.keep(session, rows, finds)
        copies.group(session, rows, likes, now)
        recount(store, session, pairs)
    return len(pending)


def columns() -> list[Any]:
    """Gives the columns of a mention that scoring reads."""
    return [getattr(Mention, name) for name in _READ]


def scorer_of(session: Session, scorers: BrandScorers, rows: Sequence[Any]) -> list[Scorer]:
    """Gives the scorer in force for each of these mentions."""
    active = scorers.active(session)
    if not active:
        return [scorers.shipped] * len(rows)
    brands = brand_of(session, [row.id for row in rows])
    return [active.get(brands.get(row.id) or 0, scorers.shipped) for row in rows]


def scored(rows: Sequence[Any], scorers: Sequence[Scorer], names: tuple[str, ...]) -> list[Score]:
    """Gives the scores of these mentions in their order, each by its scorer, in batches."""
    groups: dict[int, list[int]] = defaultdict(list)
    for place, scorer in enumerate(scorers):
        groups[id(scorer)].append(place)
    found: dict[int, Score] = {}
    for places in groups.values():
        texts = [text_of(rows[place], names) for place in places]
        found.update(zip(places, scorers[places[0]].score_batch(texts), strict=True))
    return [found[place] for place in range(len(rows))]


def still_the_same(session: Session, rows: Sequence[Any], *, scored: bool = False) -> set[int]:
    """Leaves out what was edited, corrected or scored by another since it was read.

    *scored* asks for mentions that have a score; without, for those that have none.
    """
    has_score = col(Mention.scored_at).is_not(None)
    query = (
        select(Mention.id, Mention.content_hash, Mention.human_label, Mention.label)
        .where(
            col(Mention.id).in_([row.id for row in rows]),
            has_score if scored else ~has_score,
        )
        .with_for_update()
    )
    now = {row.id: _state(row) for row in session.execute(query)}
    return {row.id for row in rows if now.get(row.id) == _state(row)}


def _state(row: Any) -> tuple[str, str | None, str | None]:
    return (row.content_hash, row.human_label, row.label)


def write(session: Session, pairs: Sequence[tuple[Any, Score]], at: datetime) -> None:
    """Keeps the scores of mentions as of this moment."""
    if not pairs:
        return
    table = table_of(Mention)
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
        "is_conflict": score.is_conflict,
        "sentences": list(score.sentences) if score.sentences else None,
    }


def recount(store: Store, session: Session, pairs: Sequence[tuple[Any, Score]]) -> None:
    """Counts scored mentions in the rollups of their brands; what was counted moves over."""
    brands: dict[int, set[int]] = defaultdict(set)
    counted: dict[int, set[int]] = defaultdict(set)
    ids = [row.id for row, _ in pairs]
    for match in session.execute(
        select(Match.mention_id, Match.brand_id, Match.is_counted).where(
            col(Match.mention_id).in_(ids), col(Match.is_relevant)
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
            model = score.model_id if score.label else ""
            add.append(Counted(brand, row.channel, row.happened_at, now, model))
            if brand in counted[row.id]:
                before = row.human_label or row.label
                model = row.model_id if row.label else ""
                take.append(Counted(brand, row.channel, row.happened_at, before, model))
    count(store, session, add=add, take=take)
    session.execute(
        sa.update(Match)
        .where(col(Match.mention_id).in_(ids), col(Match.is_relevant))
        .values(is_counted=True)
    )
