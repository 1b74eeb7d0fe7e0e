"""The versions of what was learned for a brand: kept, put in force, and taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from earmark_core import audit
from earmark_core.errors import EarmarkError
from earmark_core.tables import Brand, BrandModel, ScoreChange
from earmark_sentiment import brand_model
from earmark_sentiment.head import BrandModel as Model
from earmark_sentiment.proposals import Learner


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One version. `figures` hold what was measured, `words` the heaviest weights that count.

    `queue_from` is the probability from which on a mention is queued, None where too few
    corrections tell. `lexicon` are the words that a person changed.
    """

    id: int
    version: int
    name: str
    kind: str
    state: str
    n: int
    figures: Mapping[str, Any]
    words: tuple[tuple[str, float], ...]
    lexicon: Mapping[str, float]
    queue_from: float | None
    base: str
    by: str
    created_at: datetime
    activated_at: datetime | None


_SHOWN = 30


def row_of(row: BrandModel) -> ModelRow:
    """Gives a version as a value."""
    weights: Mapping[str, float] = row.weights.get("words", {})
    heaviest = sorted(weights.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    return ModelRow(
        id=row.id or 0,
        version=row.version,
        name=row.name,
        kind=row.kind,
        state=row.state,
        n=row.n,
        figures=dict(row.figures),
        words=tuple(heaviest[:_SHOWN]),
        lexicon=dict(row.weights.get("lexicon", {})),
        queue_from=row.queue_from,
        base=row.base,
        by=row.by,
        created_at=row.created_at,
        activated_at=row.activated_at,
    )


def lock(session: Session, brand_id: int) -> Brand:
    """Gives the brand, and lets one at a time change its versions."""
    found = session.exec(select(Brand).where(Brand.id == brand_id).with_for_update()).first()
    if found is None:
        raise EarmarkError(
            "There is no such brand.", subject=f"brand {brand_id}", hint="Look at the brands again."
        )
    return found


def in_force(session: Session, brand_id: int) -> BrandModel | None:
    """Gives the active version, None where the shipped weights hold."""
    return session.exec(
        select(BrandModel).where(BrandModel.brand_id == brand_id, BrandModel.state == "active")
    ).first()


def model_in_force(row: BrandModel | None, base: str) -> Model | None:
    """Gives the model of the active version; None where it stands on another base."""
    if row is None or row.base != base:
        return None
    return brand_model.model_of(row.name, row.weights)


def all_of(session: Session, brand_id: int) -> list[BrandModel]:
    """Gives all versions, the newest first."""
    return list(
        session.exec(
            select(BrandModel)
            .where(BrandModel.brand_id == brand_id)
            .order_by(col(BrandModel.version).desc())
        ).all()
    )


def one_of(session: Session, brand_id: int, version: int) -> BrandModel:
    """Gives the version of that number, or raises `EarmarkError`."""
    for row in all_of(session, brand_id):
        if row.version == version:
            return row
    raise EarmarkError(
        "There is no such version.",
        subject=f"version {version}",
        hint="See `earmark learn status`.",
    )


def next_version(session: Session, brand_id: int) -> int:
    """Gives the number of the next version, from 1 on."""
    newest = session.exec(
        select(func.max(BrandModel.version)).where(BrandModel.brand_id == brand_id)
    ).one()
    return (newest or 0) + 1


def retire_proposed(session: Session, brand_id: int) -> None:
    """Lets a newer proposal take the place of those that nobody accepted."""
    for row in all_of(session, brand_id):
        if row.state == "proposed":
            row.state = "retired"
            session.add(row)


def before(session: Session, row: BrandModel) -> BrandModel | None:
    """Gives the version that was in force before this one, None for the shipped weights."""
    return session.exec(
        select(BrandModel)
        .where(
            BrandModel.brand_id == row.brand_id,
            col(BrandModel.version) < row.version,
            col(BrandModel.activated_at).is_not(None),
            BrandModel.base == row.base,
        )
        .order_by(col(BrandModel.version).desc())
        .limit(1)
    ).first()


def put_in_force(
    session: Session,
    brand_id: int,
    row: BrandModel | None,
    *,
    scorer: Learner,
    by: str,
    at: datetime,
    action: str,
    reason: str = "",
) -> None:
    """Makes a version the active one, None the shipped weights; with audit and marker."""
    old = in_force(session, brand_id)
    _mark(session, brand_id, old, row, scorer=scorer, by=by, at=at)
    if old is not None:
        old.state = "retired"
        session.add(old)
        session.flush()
    if row is not None:
        row.state, row.activated_at = "active", at
        session.add(row)
        session.flush()
    audit.record(
        session,
        at=at,
        by=by,
        action=action,
        subject="brand",
        subject_id=brand_id,
        before={"model": old.version if old else 0, "name": old.name if old else ""},
        after={"model": row.version if row else 0, "name": row.name if row else ""},
        reason=reason,
    )


def _mark(
    session: Session,
    brand_id: int,
    old: BrandModel | None,
    new: BrandModel | None,
    *,
    scorer: Learner,
    by: str,
    at: datetime,
) -> None:
    """Marks on the trends that what comes is scored by another model, if it is."""
    before, after = _model_id(old, scorer), _model_id(new, scorer)
    if before != after:
        mark = ScoreChange(
            brand_id=brand_id, at=at, kind="model", from_model=before, to_model=after, by=by
        )
        session.add(mark)


def _model_id(row: BrandModel | None, scorer: Learner) -> str:
    return scorer.with_brand_model(model_in_force(row, scorer.model_id)).model_id
