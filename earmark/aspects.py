"""What scored mentions find of their brands' topics: looked for beside the score, kept with it.

Brands without topics cost one small statement a batch; a mention that names none costs no score.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.bulk import insert_new
from earmark_core.model import Score
from earmark_core.tables import Aspect, Match, Topic
from earmark_core.tables.columns import table_of
from earmark_sentiment.aspects import Found, judged, named
from earmark_sentiment.naming import Topics, topics
from earmark_sentiment.reading import text_of
from earmark_sentiment.scorer import Scorer

Key = tuple[int, str, str]
"""Whose topic it is, its area and its name."""
Finds = Mapping[int, Mapping[Key, Found]]
"""By mention what it finds of each topic."""
_TABLE = table_of(Aspect)


class Listened(NamedTuple):
    """The brands of mentions that have topics, and the topics of these brands."""

    brands: Mapping[int, Sequence[int]]
    topics: Mapping[int, Topics]


def listened(session: Session, rows: Sequence[Any]) -> Listened:
    """Reads which topics these mentions may name: those of the brands that they are about."""
    rules: dict[int, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)
    query = select(Topic.brand_id, Topic.area, Topic.name, Topic.words)
    for row in session.execute(query.where(col(Topic.is_enabled)).order_by(col(Topic.id))):
        rules[row.brand_id].append((row.area, row.name, tuple(row.words)))
    if not rules:
        return Listened({}, {})
    brands: dict[int, list[int]] = defaultdict(list)
    for mention_id, brand_id in session.execute(
        select(Match.mention_id, Match.brand_id)
        .where(
            col(Match.mention_id).in_([row.id for row in rows]),
            col(Match.brand_id).in_(rules),
            col(Match.is_relevant),
        )
        .distinct()
    ):
        brands[mention_id].append(brand_id)
    return Listened(brands, {brand_id: topics(tuple(found)) for brand_id, found in rules.items()})


def find(
    rows: Sequence[Any],
    scores: Sequence[Score],
    scorers: Sequence[Scorer],
    heard: Listened,
    names: tuple[str, ...],
) -> dict[int, dict[Key, Found]]:
    """Gives what mentions find of their brands' topics, by mention.

    Each is judged by the scorer that scored the mention, so that the two do not contradict each
    other for any reason but the words.
    """
    asked: dict[int, list[tuple[int, int, Any]]] = defaultdict(list)
    for place, row in enumerate(rows):
        for brand_id in heard.brands.get(row.id, ()):
            found = named(text_of(row, names).text, heard.topics[brand_id])
            if found:
                asked[id(scorers[place])].append((place, brand_id, found))
    finds: dict[int, dict[Key, Found]] = defaultdict(dict)
    for group in asked.values():
        scorer = scorers[group[0][0]]
        answers = judged([(found, scores[place]) for place, _, found in group], scorer, names)
        for (place, brand_id, _), aspects in zip(group, answers, strict=True):
            for one in aspects:
                finds[rows[place].id][brand_id, one.area, one.topic] = one
    return finds


def keep(session: Session, rows: Sequence[Any], finds: Finds) -> None:
    """Puts what was found in the place of what was; what a person said of a topic stays."""
    known = session.execute(
        sa.select(_TABLE).where(_TABLE.c.mention_id.in_([row.id for row in rows]))
    ).all()
    seen: set[tuple[int, Key]] = set()
    changed: list[dict[str, Any]] = []
    gone: list[int] = []
    for old in known:
        key = (old.brand_id, old.area, old.topic)
        seen.add((old.mention_id, key))
        found = finds.get(old.mention_id, {}).get(key)
        if found is None and old.human_label is None:
            gone.append(old.id)
            continue
        values = _values(found)
        if values != {"words": old.words, "label": old.label, "p_neg": old.p_neg}:
            changed.append({"row_id": old.id, **values})
    if gone:
        session.execute(sa.delete(_TABLE).where(_TABLE.c.id.in_(gone)))
    if changed:
        update = sa.update(_TABLE).where(_TABLE.c.id == sa.bindparam("row_id"))
        session.connection().execute(update, changed)
    insert_new(session, Aspect, [new for row in rows for new in _new(row, finds, seen)])


def _new(row: Any, finds: Finds, seen: set[tuple[int, Key]]) -> list[dict[str, Any]]:
    return [
        {
            "mention_id": row.id,
            "brand_id": key[0],
            "area": key[1],
            "topic": key[2],
            "happened_at": row.happened_at,
            **_values(found),
        }
        for key, found in finds.get(row.id, {}).items()
        if (row.id, key) not in seen
    ]


def _values(found: Found | None) -> dict[str, Any]:
    if found is None:
        return {"words": "", "label": None, "p_neg": None}
    label = str(found.label) if found.label else None
    return {"words": found.words, "label": label, "p_neg": found.p_neg}
