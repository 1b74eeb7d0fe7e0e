"""Volume and net sentiment over time, read from the rollups; see `tally` for the formula."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.heard import covered
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import Brand, RollupHour, RollupModel, ScoreChange
from earmark_sentiment import topic_trends
from earmark_sentiment.tally import Tally
from earmark_sentiment.topic_trends import TopicTrend

__all__ = ["Marker", "Step", "Tally", "TopicTrend", "TrendPoint", "TrendSummary", "Trends"]

Step = Literal["hour", "day"]


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One hour or day."""

    at: datetime
    tally: Tally


@dataclass(frozen=True, slots=True)
class TrendSummary:
    """A whole period, the same length before it, and how much of it was heard (0 to 1).

    `models` are the ids of the models that scored the period's days, with how many mentions each,
    most first: figures of different models do not compare.
    """

    tally: Tally
    before: Tally
    coverage: float | None
    by_channel: tuple[tuple[str, Tally], ...] = field(default=())
    models: tuple[tuple[str, int], ...] = field(default=())

    @property
    def is_mixed(self) -> bool:
        """Tells that scores of the period come from more than one model."""
        return len(self.models) > 1


@dataclass(frozen=True, slots=True)
class Marker:
    """A moment from which on, or since which, scores are another model's; see `ScoreChange`."""

    at: datetime
    kind: str
    from_model: str
    to_model: str
    n: int
    changed: int
    diff: Mapping[str, int]
    by: str


def _sums() -> list[Any]:
    names = ("n", "negative", "neutral", "positive", "unscored")
    return [sa.func.coalesce(sa.func.sum(getattr(RollupHour, name)), 0) for name in names]


def _tally(row: Iterable[Any]) -> Tally:
    return Tally(*(int(value) for value in row))


class Trends:
    """Trends of a brand; every figure with its n."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def series(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime, step: Step = "day"
    ) -> tuple[TrendPoint, ...]:
        """Gives one point per UTC hour or day from *start* to *end*, empty ones included."""
        require(actor, Role.viewer, "see trends")
        with self._store.read() as session:
            when = _written(self._store.dialect, step).label("when")
            query = sa.select(when, *_sums()).where(*_period(brand_id, start, end))
            rows = session.execute(query.group_by(when)).all()
        size = timedelta(hours=1) if step == "hour" else timedelta(days=1)
        sums = {
            datetime.fromisoformat(written).replace(tzinfo=UTC): values for written, *values in rows
        }
        at, points = _floor(start, step), []
        while at < end:
            points.append(TrendPoint(at, _tally(sums.get(at, []))))
            at += size
        return tuple(points)

    def summary(self, actor: Actor, brand_id: int, start: datetime, end: datetime) -> TrendSummary:
        """Gives the period's totals, the period before it, its coverage and its channels."""
        require(actor, Role.viewer, "see trends")
        with self._store.read() as session:
            now = _total(session, brand_id, start, end)
            before = _total(session, brand_id, start - (end - start), start)
            query = select(RollupHour.channel, *_sums()).where(*_period(brand_id, start, end))
            channels = session.execute(query.group_by(col(RollupHour.channel))).all()
            coverage = covered(session, start, end, now=self._clock(), brand_id=brand_id).share
            models = _models(session, brand_id, start, end)
        by_channel = sorted(
            ((channel, _tally(values)) for channel, *values in channels),
            key=lambda pair: -pair[1].n,
        )
        return TrendSummary(now, before, coverage, tuple(by_channel), models)

    def markers(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> tuple[Marker, ...]:
        """Gives the moments of the period at which the brand's scores changed model."""
        require(actor, Role.viewer, "see trends")
        with self._store.read() as session:
            rows = session.exec(
                select(ScoreChange)
                .where(
                    ScoreChange.brand_id == brand_id,
                    col(ScoreChange.at) >= start,
                    col(ScoreChange.at) < end,
                )
                .order_by(col(ScoreChange.at), col(ScoreChange.id))
            )
            return tuple(
                Marker(
                    row.at, row.kind, row.from_model, row.to_model,
                    row.n, row.changed, dict(row.diff), row.by,
                )
                for row in rows
            )  # fmt: skip

    def share_of_voice(
        self, actor: Actor, start: datetime, end: datetime
    ) -> tuple[tuple[str, bool, int], ...]:
        """Gives (brand, is it a competitor, mentions), most first.

        A mention of two brands counts for both.
        """
        require(actor, Role.viewer, "see trends")
        query = (
            select(Brand.name, Brand.is_competitor, sa.func.sum(RollupHour.n))
            .join(RollupHour, col(RollupHour.brand_id) == col(Brand.id))
            .where(col(RollupHour.hour) >= _floor(start, "hour"), col(RollupHour.hour) < end)
            .group_by(col(Brand.name), col(Brand.is_competitor))
        )
        with self._store.read() as session:
            rows = [(name, rival, int(n)) for name, rival, n in session.execute(query)]
        return tuple(sorted(rows, key=lambda row: -row[2]))

    def by_topic(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> tuple[TopicTrend, ...]:
        """Gives what mentions find of each topic that is named, the most spoken of first."""
        require(actor, Role.viewer, "see trends")
        with self._store.read() as session:
            return topic_trends.read(session, brand_id, start, end)

    def by_hour_of_week(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> tuple[tuple[int, int, int], ...]:
        """Gives (weekday 0 Monday to 6, hour in UTC, mentions) for all 168 hours."""
        require(actor, Role.viewer, "see trends")
        with self._store.read() as session:
            query = select(RollupHour.hour, sa.func.sum(RollupHour.n))
            query = query.where(*_period(brand_id, start, end))
            rows = session.execute(query.group_by(col(RollupHour.hour))).all()
        counts: dict[tuple[int, int], int] = {}
        for hour, n in rows:
            key = (hour.weekday(), hour.hour)
            counts[key] = counts.get(key, 0) + int(n)
        return tuple((d, h, counts.get((d, h), 0)) for d in range(7) for h in range(24))


def _written(dialect: str, step: Step) -> sa.ColumnElement[str]:
    """Gives the hour or day in UTC as text, so that the database adds up, not Python."""
    length: Any = sa.literal_column("13" if step == "hour" else "10")
    hour = col(RollupHour.hour)
    if dialect == "postgresql":
        text: Any = sa.literal_column(
            "to_char(rollup_hour.hour AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"
        )
    else:
        text = sa.type_coerce(hour, sa.String())
    cut: sa.ColumnElement[str] = sa.func.substr(text, sa.literal_column("1"), length)
    return cut


def _floor(moment: datetime, step: Step) -> datetime:
    floored = moment.replace(minute=0, second=0, microsecond=0)
    return floored.replace(hour=0) if step == "day" else floored


def _period(brand_id: int, start: datetime, end: datetime) -> list[Any]:
    return [
        col(RollupHour.brand_id) == brand_id,
        col(RollupHour.hour) >= _floor(start, "hour"),
        col(RollupHour.hour) < end,
    ]


def _total(session: Session, brand_id: int, start: datetime, end: datetime) -> Tally:
    return _tally(session.execute(select(*_sums()).where(*_period(brand_id, start, end))).one())


def _models(
    session: Session, brand_id: int, start: datetime, end: datetime
) -> tuple[tuple[str, int], ...]:
    query = (
        select(RollupModel.model_id, sa.func.sum(RollupModel.n))
        .where(
            RollupModel.brand_id == brand_id,
            col(RollupModel.day) >= _floor(start, "day"),
            col(RollupModel.day) < end,
        )
        .group_by(col(RollupModel.model_id))
        .having(sa.func.sum(RollupModel.n) > 0)
    )
    rows = [(model, int(n)) for model, n in session.execute(query)]
    return tuple(sorted(rows, key=lambda row: (-row[1], row[0])))
