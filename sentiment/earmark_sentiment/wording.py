"""Words that weigh something else for a brand: proposed, measured, changed and taken back."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from earmark_core.errors import EarmarkError
from earmark_core.model import Actor
from earmark_core.store import Store
from earmark_core.tables import BrandModel, LexiconChange
from earmark_core.text import fold
from earmark_sentiment import brand_model, proposals, versions
from earmark_sentiment.head import BrandModel as Model
from earmark_sentiment.proposals import Corrected, Effect, Learner, lexicon_after
from earmark_sentiment.reading import others_of, said_of

_STRONGEST = 4.0
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class WordRow:
    """One change of a word; `is_in_force` tells that it can be undone.

    `lexicon` is the value that the word had when it was changed, `after` what it has since,
    None for that of the lexicon.
    """

    id: int
    brand_id: int
    word: str
    lexicon: float | None
    after: float | None
    words: str
    by: str
    at: datetime
    undoes: int | None
    is_in_force: bool


def rows(session: Session, brand_id: int) -> tuple[WordRow, ...]:
    """Gives all changes of a brand's words, the newest first."""
    active = versions.in_force(session, brand_id)
    lexicon = active.weights.get("lexicon", {}) if active else {}
    found = session.exec(
        select(LexiconChange)
        .where(LexiconChange.brand_id == brand_id)
        .order_by(col(LexiconChange.id).desc())
    ).all()
    seen: set[str] = set()
    out = []
    for change in found:
        is_newest = change.word not in seen
        seen.add(change.word)
        holds = is_newest and change.undoes is None and lexicon.get(change.word) == change.after
        out.append(_row(change, holds))
    return tuple(out)


def _row(change: LexiconChange, is_in_force: bool) -> WordRow:
    return WordRow(
        id=change.id or 0,
        brand_id=change.brand_id,
        word=change.word,
        lexicon=change.lexicon,
        after=change.after,
        words=str(change.effect.get("words", "")),
        by=change.by,
        at=change.at,
        undoes=change.undoes,
        is_in_force=is_in_force,
    )


def propose(store: Store, scorer: Learner, brand_id: int) -> tuple[Effect, ...]:
    """Gives words that are better worth something else for the brand."""
    with store.read() as session:
        model = _model(session, scorer, brand_id)
        corrected = _corrected(session, brand_id)
        others = others_of(session, brand_id)
    return proposals.propose(scorer, model, corrected, others)


def measure(store: Store, scorer: Learner, brand_id: int, word: str, after: float | None) -> Effect:
    """Gives what a change of a word would do."""
    checked = _checked(word, after)
    with store.read() as session:
        model = _model(session, scorer, brand_id)
        corrected = _corrected(session, brand_id)
        others = others_of(session, brand_id)
    return proposals.measure(scorer, model, checked, after, corrected, others)


def apply(
    store: Store,
    scorer: Learner,
    actor: Actor,
    brand_id: int,
    word: str,
    after: float | None,
    now: datetime,
) -> WordRow:
    """Makes a version in which the word weighs *after*, and puts it in force."""
    effect = measure(store, scorer, brand_id, word, after)
    with store.write() as session:
        versions.lock(session, brand_id)
        model = _model(session, scorer, brand_id) or Model("")
        before = model.lexicon.get(effect.word)
        if before == after:
            raise EarmarkError(
                "The word has this value already.", subject=effect.word, hint="Nothing was changed."
            )
        change = LexiconChange(
            brand_id=brand_id,
            word=effect.word,
            lexicon=effect.before,
            before=before,
            after=after,
            effect={**asdict(effect), "words": effect.words},
            by=actor.name,
            at=now,
        )
        _keep(session, scorer, actor, model, change, now, "change word")
        return _row(change, is_in_force=True)


def undo(store: Store, scorer: Learner, actor: Actor, change_id: int, now: datetime) -> WordRow:
    """Makes a version in which the word weighs what it did before the change."""
    with store.write() as session:
        old = session.get(LexiconChange, change_id)
        if old is None:
            raise EarmarkError("There is no such change of a word.", subject=f"change {change_id}")
        versions.lock(session, old.brand_id)
        model = _model(session, scorer, old.brand_id) or Model("")
        standing = [row for row in rows(session, old.brand_id) if row.id == change_id]
        if not standing or not standing[0].is_in_force:
            raise EarmarkError(
                "This change is no longer in force.",
                subject=old.word,
                hint="It was undone, changed again or rolled back.",
            )
        change = LexiconChange(
            brand_id=old.brand_id,
            word=old.word,
            lexicon=old.after,
            before=old.after,
            after=old.before,
            undoes=old.id,
            by=actor.name,
            at=now,
        )
        _keep(session, scorer, actor, model, change, now, "undo word")
        return _row(change, is_in_force=False)


def _keep(
    session: Session,
    scorer: Learner,
    actor: Actor,
    model: Model,
    change: LexiconChange,
    now: datetime,
    action: str,
) -> None:
    session.add(change)
    session.flush()
    row = _version(session, scorer, model, change)
    reason = str(change.effect.get("words") or f"“{change.word}” is taken back")
    versions.put_in_force(
        session,
        change.brand_id,
        row,
        scorer=scorer,
        by=actor.name,
        at=now,
        action=action,
        reason=reason,
    )


def _version(session: Session, scorer: Learner, model: Model, change: LexiconChange) -> BrandModel:
    """Gives a new version: the model in force, but for the one word."""
    changed = brand_model.named(
        replace(model, lexicon=lexicon_after(model, change.word, change.after))
    )
    active = versions.in_force(session, change.brand_id)
    if active is not None and active.base != scorer.model_id:
        active = None
    row = BrandModel(
        brand_id=change.brand_id,
        version=versions.next_version(session, change.brand_id),
        name=changed.name,
        kind=active.kind if active else "shipped",
        base=scorer.model_id,
        weights=brand_model.document(changed),
        figures={**(active.figures if active else {}), "word": change.effect},
        n=active.n if active else 0,
        seed=active.seed if active else 0,
        last_correction_id=active.last_correction_id if active else 0,
        queue_from=active.queue_from if active else None,
        state="proposed",
        by=change.by,
        created_at=change.at,
    )
    session.add(row)
    session.flush()
    return row


def _model(session: Session, scorer: Learner, brand_id: int) -> Model | None:
    return versions.model_in_force(versions.in_force(session, brand_id), scorer.model_id)


def _corrected(session: Session, brand_id: int) -> list[Corrected]:
    return [Corrected(said.text, said.label) for said in said_of(session, brand_id)]


def _checked(word: str, after: float | None) -> str:
    """Gives the word as the lexicon has it, or raises `EarmarkError`."""
    plain = fold(word).strip()
    if not plain or len(plain) > _LONGEST or len(plain.split()) != 1:
        raise EarmarkError(
            "A change is of one word.", subject=word[:_LONGEST], hint="Give it without spaces."
        )
    if after is not None and not -_STRONGEST <= after <= _STRONGEST:
        raise EarmarkError(
            "A word weighs from -4 to +4.", subject=plain, hint="0 makes it weigh nothing."
        )
    return plain
