"""Topics of brands: which there are, what mentions find of them, and what a person says of that."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.errors import EarmarkError
from earmark_core.model import Label
from earmark_core.tables import Aspect, Match, Mention, Topic
from earmark_queue.rows import AspectRow

NOT_NAMED = "none"
"""A person's word for a topic that the mention does not speak of after all."""


def names_of(session: Session, brand_id: int) -> tuple[tuple[str, str], ...]:
    """Gives the topics of a brand that are looked for, as (area, topic), in alphabetical order."""
    rows = session.execute(
        select(Topic.area, Topic.name).where(Topic.brand_id == brand_id, col(Topic.is_enabled))
    )
    return tuple(sorted((area, name) for area, name in rows))


def aspects_of(
    session: Session, brand_id: int, mention_ids: Collection[int]
) -> Mapping[int, tuple[AspectRow, ...]]:
    """Gives what mentions find of the brand's topics, by mention, in one statement."""
    if not mention_ids:
        return {}
    rows = session.exec(
        select(Aspect)
        .where(Aspect.brand_id == brand_id, col(Aspect.mention_id).in_(mention_ids))
        .order_by(col(Aspect.area), col(Aspect.topic))
    )
    found: dict[int, list[AspectRow]] = defaultdict(list)
    for row in rows:
        found[row.mention_id].append(
            AspectRow(row.area, row.topic, row.label, row.human_label, row.words)
        )
    return {mention_id: tuple(aspects) for mention_id, aspects in found.items()}


def irrelevant_of(session: Session, brand_id: int, mention_ids: Collection[int]) -> set[int]:
    """Gives which of these mentions a person said are not about the brand, in one statement."""
    if not mention_ids:
        return set()
    query = select(Match.mention_id).where(
        Match.brand_id == brand_id,
        col(Match.mention_id).in_(mention_ids),
        ~col(Match.is_relevant),
    )
    return set(session.exec(query))


def names_topic(brand_id: int, topic: tuple[str, str]) -> list[Any]:
    """Gives the conditions that an aspect is of this topic, and nobody said that it is not."""
    return [
        col(Aspect.brand_id) == brand_id,
        col(Aspect.area) == topic[0],
        col(Aspect.topic) == topic[1],
        sa.func.coalesce(col(Aspect.human_label), "") != NOT_NAMED,
    ]


def known(session: Session, brand_id: int, area: str, topic: str) -> None:
    """Checks that the brand has this topic.

    Raises:
        EarmarkError: it has not.
    """
    query = select(Topic.id).where(
        Topic.brand_id == brand_id, Topic.area == area, Topic.name == topic
    )
    if session.exec(query).first() is None:
        raise EarmarkError(
            "The brand has no such topic.",
            subject=f"{area} > {topic}"[:200],
            hint="Choose one of the brand's.",
        )


def say(
    session: Session, mention: Mention, brand_id: int, topic: tuple[str, str], label: Label | None
) -> tuple[str, str] | None:
    """Keeps what a person says that a mention finds of a topic; None is nothing at all.

    Gives what the machine had said and what holds now, None where it held already.
    """
    word = str(label) if label else NOT_NAMED
    area, name = topic
    aspect = session.exec(
        select(Aspect).where(
            Aspect.mention_id == mention.id,
            Aspect.brand_id == brand_id,
            Aspect.area == area,
            Aspect.topic == name,
        )
    ).first()
    if aspect is None:
        aspect = Aspect(
            mention_id=mention.id or 0,
            brand_id=brand_id,
            area=area,
            topic=name,
            happened_at=mention.happened_at,
        )
    if aspect.human_label == word:
        return None
    machine = (aspect.label or "") if aspect.words else NOT_NAMED
    aspect.human_label = word
    session.add(aspect)
    return machine, word
