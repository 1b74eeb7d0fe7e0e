"""Takes the demo away with all that came of it; the audit trail stays."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, func, or_, update
from sqlalchemy import select as pick
from sqlmodel import Session, col, select

from earmark_core import audit, rollup
from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.errors import StoreError
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import (
    Brand,
    Case,
    CaseMention,
    Contact,
    Correction,
    Draft,
    Identity,
    Match,
    Mention,
    MentionRevision,
    Monitor,
    Note,
    Policy,
    PollWindow,
    Quarantine,
    RawPayload,
    Reply,
    RollupHour,
    RollupModel,
    SavedReply,
    SlaClock,
    Source,
)

# Rows a transaction, so that pollers and pages are never kept waiting for long.
_BATCH = 300
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class _Demo:
    """Which rows are the demo's."""

    store: Store
    brands: dict[int, str]
    sources: Sequence[int]


def remove_demo(store: Store, actor: Actor, clock: Clock) -> dict[str, int]:
    """Removes the demo's brands and all of theirs, and gives how many rows of each kind went.

    Done in many short transactions. If it is cut off, calling it again goes on where it was;
    where there is no demo it does nothing. People and the audit trail stay.

    Raises:
        NotAllowed: the actor is no manager.
        StoreError: a poll kept storing mentions; nothing is broken, try again.
    """
    require(actor, Role.manager, "remove the demo")
    demo = _find(store)
    if not demo.brands and not demo.sources:
        return {}
    with store.write() as session:  # nobody begins another poll
        session.exec(
            update(Source).where(col(Source.id).in_(demo.sources)).values(is_enabled=False)
        )
    counts: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        for step in (_drop_cases, _drop_mentions, _drop_matches, _drop_windows, _drop_quarantine):
            while _done(store, demo, step, counts):
                pass
        if _finish(store, demo, counts, actor, clock):
            return dict(counts)
    raise StoreError(
        "A poll of the demo was still storing mentions.", hint="Try again in a minute."
    )


def _done(
    store: Store,
    demo: _Demo,
    step: Callable[[Session, _Demo, "Counter[str]"], bool],
    counts: "Counter[str]",
) -> bool:
    """Does one batch in a transaction of its own; counts it only if it was committed."""
    counted: Counter[str] = Counter()
    with store.write() as session:
        more = step(session, demo, counted)
    counts.update(counted)
    return more


def _find(store: Store) -> _Demo:
    with store.read() as session:
        brands = session.exec(select(Brand.id, Brand.name).where(col(Brand.is_demo))).all()
        ids = [row[0] for row in brands]
        sources = session.exec(
            select(Source.id).where(or_(col(Source.brand_id).in_(ids), col(Source.is_demo)))
        ).all()
    names = {key: name for key, name in brands if key is not None}
    return _Demo(store, names, [key for key in sources if key is not None])


def _drop(session: Session, column: Any, ids: Sequence[Any]) -> int:
    """Deletes the rows whose *column* is among *ids* and gives how many went."""
    if not ids:
        return 0
    result = session.exec(delete(column.class_).where(column.in_(ids)))
    return int(result.rowcount)


def _drop_cases(session: Session, demo: _Demo, counts: "Counter[str]") -> bool:
    """Drops cases of the demo's brands, and any other that a demo mention found its way into."""
    among = (
        pick(col(CaseMention.case_id))
        .join(Mention, col(Mention.id) == CaseMention.mention_id)
        .where(col(Mention.source_id).in_(demo.sources))
    )
    ids = session.exec(
        select(Case.id)
        .where(or_(col(Case.brand_id).in_(list(demo.brands)), col(Case.id).in_(among)))
        .limit(_BATCH)
    ).all()
    counts["replies"] += _drop(session, Reply.case_id, ids)
    counts["notes"] += _drop(session, Note.case_id, ids)
    for column in (Draft.case_id, SlaClock.case_id, CaseMention.case_id):
        _drop(session, column, ids)
    counts["cases"] += _drop(session, Case.id, ids)
    return bool(ids)


def _drop_mentions(session: Session, demo: _Demo, counts: "Counter[str]") -> bool:
    """Drops mentions of the demo's sources, and contacts that nobody else has heard of."""
    rows = session.exec(
        select(Mention.id, Mention.identity)
        .where(col(Mention.source_id).in_(demo.sources))
        .limit(_BATCH)
    ).all()
    ids = [row[0] for row in rows]
    _uncount(session, demo, ids)
    for column in (
        Correction.mention_id,
        MentionRevision.mention_id,
        RawPayload.mention_id,
        Match.mention_id,
    ):
        _drop(session, column, ids)
    counts["mentions"] += _drop(session, Mention.id, ids)
    _drop_contacts(session, sorted({row[1] for row in rows if row[1]}), counts)
    return bool(ids)


def _uncount(session: Session, demo: _Demo, ids: Sequence[Any]) -> None:
    """Takes demo mentions out of the figures of other brands whose monitors matched them."""
    shown = func.coalesce(col(Mention.human_label), col(Mention.label))
    counted = session.execute(
        pick(
            col(Match.brand_id),
            col(Mention.id),
            col(Mention.channel),
            col(Mention.happened_at),
            shown.label("shown"),
            case((col(Mention.label).is_not(None), col(Mention.model_id)), else_="").label("model"),
        )
        .join(Mention, col(Mention.id) == Match.mention_id)
        .where(
            col(Match.mention_id).in_(ids),
            col(Match.brand_id).not_in(list(demo.brands)),
            col(Match.is_counted),
            col(Mention.is_own).is_(False),
            col(Mention.twin_of).is_(None),
        )
        .distinct()
    ).all()
    take = [
        rollup.Counted(row.brand_id, row.channel, row.happened_at, row.shown, row.model)
        for row in counted
    ]
    rollup.count(demo.store, session, add=(), take=take)


def _drop_contacts(session: Session, keys: Sequence[str], counts: "Counter[str]") -> None:
    still = pick(col(Mention.identity)).where(col(Mention.identity).in_(keys))
    gone = session.exec(
        select(Identity.id, Identity.contact_id).where(
            col(Identity.key).in_(keys), col(Identity.key).not_in(still)
        )
    ).all()
    _drop(session, Identity.id, [row[0] for row in gone])
    contacts = [row[1] for row in gone]
    known = pick(col(Identity.contact_id)).where(col(Identity.contact_id).in_(contacts))
    at_work = pick(col(Case.contact_id)).where(col(Case.contact_id).in_(contacts))
    lonely = session.exec(
        select(Contact.id).where(
            col(Contact.id).in_(contacts),
            col(Contact.id).not_in(known),
            col(Contact.id).not_in(at_work),
        )
    ).all()
    counts["contacts"] += _drop(session, Contact.id, lonely)


def _drop_matches(session: Session, demo: _Demo, counts: "Counter[str]") -> bool:
    """Drops what other brands' sources found for the demo's brands; the mentions stay."""
    del counts
    wanted = select(Match.id).where(col(Match.brand_id).in_(list(demo.brands))).limit(_BATCH)
    return bool(_drop(session, Match.id, session.exec(wanted).all()))


def _drop_windows(session: Session, demo: _Demo, counts: "Counter[str]") -> bool:
    wanted = select(PollWindow.id).where(col(PollWindow.source_id).in_(demo.sources))
    dropped = _drop(session, PollWindow.id, session.exec(wanted.limit(_BATCH)).all())
    counts["polls"] += dropped
    return bool(dropped)


def _drop_quarantine(session: Session, demo: _Demo, counts: "Counter[str]") -> bool:
    wanted = select(Quarantine.id).where(col(Quarantine.source_id).in_(demo.sources))
    dropped = _drop(session, Quarantine.id, session.exec(wanted.limit(_BATCH)).all())
    counts["quarantined items"] += dropped
    return bool(dropped)


def _finish(store: Store, demo: _Demo, counts: "Counter[str]", actor: Actor, clock: Clock) -> bool:
    """Drops brands and sources, unless a poll that was under way stored something meanwhile."""
    brands = list(demo.brands)
    with store.write() as session:
        late = select(Mention.id).where(col(Mention.source_id).in_(demo.sources)).limit(1)
        if session.exec(late).first() is not None:
            return False
        _drop(session, RollupHour.brand_id, brands)
        _drop(session, RollupModel.brand_id, brands)
        _drop(session, PollWindow.source_id, demo.sources)
        _drop(session, Quarantine.source_id, demo.sources)
        counts["monitors"] += _drop(session, Monitor.brand_id, brands)
        counts["policies"] += _drop(session, Policy.brand_id, brands)
        counts["saved replies"] += _drop(session, SavedReply.brand_id, brands)
        counts["sources"] += _drop(session, Source.id, demo.sources)
        counts["brands"] += _drop(session, Brand.id, brands)
        for brand_id, name in demo.brands.items():
            audit.record(
                session,
                at=clock(),
                by=actor.name,
                action="removed",
                subject="brand",
                subject_id=brand_id,
                before={"name": name, "is_demo": True},
                after={},
                reason="the demo was removed",
            )
    return True
