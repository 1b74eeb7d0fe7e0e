"""What learning and scoring read of mentions: their words, brands, and what people said of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.model import Label, Text
from earmark_core.tables import Brand, Correction, Match, Mention, Source
from earmark_core.tables.columns import table_of

MOST = 5_000
"""How many corrections, and how many other mentions, are looked at; the newest."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of a mention's tone, and what the machine had said before.

    `machine` and `model_id` are those of the first correction: later labels of the machine may
    have been learned from it. `id` is the newest correction's.
    """

    id: int
    mention_id: int
    text: Text
    label: Label
    machine: Label | None
    model_id: str
    is_sample: bool


def names_of(session: Session) -> tuple[str, ...]:
    """Gives the names of all brands, the longest first; they say nothing of the tone."""
    brands = session.exec(select(Brand)).all()
    names = {name for brand in brands for name in (brand.name, *brand.names)}
    return tuple(sorted(names, key=lambda name: (-len(name), name)))


def text_of(row: Any, names: tuple[str, ...]) -> Text:
    """Gives what the scorer reads of a mention: title and body."""
    words = f"{row.title}\n{row.body}" if row.title else row.body
    return Text(words, lang=row.lang_hint, rating=row.rating, names=names)


def belongs(brand_id: int) -> sa.ColumnElement[bool]:
    """Gives the condition that a mention is the brand's, and nobody said that it is not."""
    return sa.exists().where(
        col(Match.mention_id) == col(Mention.id),
        col(Match.brand_id) == brand_id,
        col(Match.is_relevant),
    )


def said_of(session: Session, brand_id: int) -> list[Said]:
    """Gives what people said of the tone of a brand's mentions, the newest word of each.

    The oldest first; at most the newest `MOST`.
    """
    names = names_of(session)
    rows = session.execute(_newest_words(brand_id)).all()
    return [
        Said(
            id=row.id,
            mention_id=row.mention_id,
            text=text_of(row, names),
            label=Label(row.label),
            machine=Label(row.machine_label) if row.machine_label else None,
            model_id=row.model_id,
            is_sample=bool(row.sampled),
        )
        for row in reversed(rows)
    ]


def _newest_words(brand_id: int) -> sa.Select[Any]:
    table = table_of(Correction)
    spoken = (
        sa.select(
            table.c.mention_id,
            sa.func.max(table.c.id).label("newest"),
            sa.func.min(table.c.id).label("first"),
            sa.func.max(sa.case((table.c.is_sample, 1), else_=0)).label("sampled"),
        )
        .where(table.c.kind == "label")
        .group_by(table.c.mention_id)
        .subquery()
    )
    first, newest = table.alias("first_word"), table.alias("newest_word")
    mention = table_of(Mention)
    return (
        sa.select(
            newest.c.id,
            spoken.c.mention_id,
            spoken.c.sampled,
            newest.c.label,
            first.c.machine_label,
            first.c.model_id,
            mention.c.title,
            mention.c.body,
            mention.c.lang_hint,
            mention.c.rating,
        )
        .select_from(newest)
        .join(spoken, spoken.c.newest == newest.c.id)
        .join(first, first.c.id == spoken.c.first)
        .join(mention, mention.c.id == spoken.c.mention_id)
        .where(belongs(brand_id))
        .order_by(newest.c.id.desc())
        .limit(MOST)
    )


def others_of(session: Session, brand_id: int) -> list[Text]:
    """Gives the words of a brand's newest scored mentions that nobody corrected."""
    query = (
        select(Mention.title, Mention.body, Mention.lang_hint, Mention.rating)
        .where(
            belongs(brand_id),
            col(Mention.label).is_not(None),
            col(Mention.human_label).is_(None),
            ~col(Mention.is_own),
        )
        .order_by(col(Mention.id).desc())
        .limit(MOST)
    )
    names = names_of(session)
    return [text_of(row, names) for row in session.execute(query)]


def brand_of(session: Session, mention_ids: Collection[int]) -> Mapping[int, int | None]:
    """Gives the brand by whose model each mention is scored, None for the shipped weights.

    A mention of several brands has one score: by the brand of the source that found it if it is
    that brand's, else by the brand with the lowest number.
    """
    brands: dict[int, set[int]] = defaultdict(set)
    matches = select(Match.mention_id, Match.brand_id).where(
        col(Match.mention_id).in_(mention_ids), col(Match.is_relevant)
    )
    for mention_id, brand_id in session.execute(matches):
        brands[mention_id].add(brand_id)
    homes = (
        select(Mention.id, Source.brand_id)
        .join(Source, col(Source.id) == col(Mention.source_id))
        .where(col(Mention.id).in_(mention_ids))
    )
    found: dict[int, int | None] = {}
    for mention_id, home in session.execute(homes):
        mine = brands[mention_id]
        found[mention_id] = home if home in mine else min(mine, default=None)
    return found
