"""What mentions of a period find of a brand's topics, counted by topic and label."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from earmark_core.model import Label
from earmark_core.tables import Aspect, Match, Mention
from earmark_sentiment.tally import Tally

NOT_NAMED = "none"
"""What a person says of a topic that the mention does not speak of after all."""


@dataclass(frozen=True, slots=True)
class TopicTrend:
    """One topic in a period: how many mentions name it, by what they find of it.

    A mention of several topics counts in each, so the topics do not add up to the mentions.
    """

    area: str
    topic: str
    tally: Tally


def read(session: Session, brand_id: int, start: datetime, end: datetime) -> tuple[TopicTrend, ...]:
    """Gives the topics that mentions of the period name, the most spoken of first.

    A person's word goes before the machine's. Mentions count as they do in the rollups: neither
    our own, nor twins, nor what a person said is not about the brand.
    """
    holds = sa.func.coalesce(col(Aspect.human_label), col(Aspect.label))
    rows = session.execute(
        sa.select(col(Aspect.area), col(Aspect.topic), holds, sa.func.count())
        .join(Mention, col(Mention.id) == col(Aspect.mention_id))
        .where(
            col(Aspect.brand_id) == brand_id,
            col(Aspect.happened_at) >= start,
            col(Aspect.happened_at) < end,
            sa.or_(holds.is_(None), holds != NOT_NAMED),
            ~col(Mention.is_own),
            col(Mention.twin_of).is_(None),
            sa.exists().where(
                col(Match.mention_id) == col(Aspect.mention_id),
                col(Match.brand_id) == brand_id,
                col(Match.is_relevant),
            ),
        )
        .group_by(col(Aspect.area), col(Aspect.topic), holds)
    )
    counts: dict[tuple[str, str], dict[str | None, int]] = {}
    for area, topic, label, n in rows:
        counts.setdefault((area, topic), {})[label] = int(n)
    found = [TopicTrend(area, topic, _tally(labels)) for (area, topic), labels in counts.items()]
    return tuple(sorted(found, key=lambda one: (-one.tally.n, one.area, one.topic)))


def _tally(labels: dict[str | None, int]) -> Tally:
    return Tally(
        n=sum(labels.values()),
        negative=labels.get(Label.negative, 0),
        neutral=labels.get(Label.neutral, 0),
        positive=labels.get(Label.positive, 0),
        unscored=labels.get(None, 0),
    )
