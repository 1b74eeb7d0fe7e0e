"""Reading what `decide` needs to know around a mention."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from earmark_core.model import AUTOMATIC, CaseStatus, Cue, Label, Priority
from earmark_core.tables import Brand, Case, CaseMention, CopyGroup, Match, Mention, Reply
from earmark_queue import contacts
from earmark_queue.casework import IS_ALIVE, clock_of, key, literals, terms_of
from earmark_queue.copy_rows import copies_in
from earmark_queue.priority import Terms
from earmark_queue.seen import Alive, Repeated, Resolved, Seen, Situation

_ANSWERED = literals(("sent", "confirmed"))


@dataclass(frozen=True, slots=True)
class Claim:
    """A brand that a mention belongs to, and the clause by which."""

    brand_id: int
    clause: str
    is_competitor: bool


@dataclass
class Surroundings:
    """What is read once for many mentions: their brands, the brands' terms, threads with cases."""

    claims: dict[int, list[Claim]] = field(default_factory=dict)
    terms: dict[int, Terms] = field(default_factory=dict)
    threads: set[str] = field(default_factory=set)
    in_cases: set[int] = field(default_factory=set)


def thread_of(mention: Mention) -> str:
    """Gives the thread a mention belongs to; one without a thread is its own."""
    return mention.thread_key or f"mention:{mention.id}"


def label_of(mention: Mention) -> Label | None:
    """Gives the label that holds: a person's before the machine's."""
    name = mention.human_label or mention.label
    return Label(name) if name else None


def look_around(session: Session, mentions: Sequence[Mention]) -> Surroundings:
    """Reads in a few statements what is shared by the mentions."""
    around = Surroundings()
    ids = [key(mention) for mention in mentions]
    rows = session.exec(
        select(Match.mention_id, Match.brand_id, Match.clause, Brand.is_competitor)
        .join(Brand, col(Brand.id) == col(Match.brand_id))
        .where(col(Match.mention_id).in_(ids), col(Match.is_relevant))
        .order_by(col(Match.id))
    ).all()
    for mention_id, brand_id, clause, is_competitor in rows:
        claims = around.claims.setdefault(mention_id, [])
        if all(claim.brand_id != brand_id for claim in claims):
            claims.append(Claim(brand_id, clause, is_competitor))
    for brand_id in {row[1] for row in rows}:
        around.terms[brand_id] = terms_of(session, brand_id)
    threads = {thread_of(mention) for mention in mentions}
    around.threads = set(
        session.exec(select(Case.thread_key).where(col(Case.thread_key).in_(threads))).all()
    )
    around.in_cases = set(
        session.exec(select(CaseMention.mention_id).where(col(CaseMention.mention_id).in_(ids)))
    )
    return around


def as_seen(mention: Mention, claim: Claim | None, known_revision: int | None = None) -> Seen:
    """Gives a mention as one brand sees it."""
    return Seen(
        id=key(mention),
        brand_id=claim.brand_id if claim else None,
        is_competitor=claim.is_competitor if claim else False,
        is_own=mention.is_own,
        is_automatic=mention.kind == AUTOMATIC,
        is_history=mention.is_history,
        is_gone=mention.gone_at is not None,
        is_twin=mention.twin_of is not None,
        label=label_of(mention),
        p_neg=mention.p_neg,
        rating=mention.rating,
        cues=cues_of(mention.cues),
        clause=claim.clause if claim else "",
        revision=mention.revision,
        known_revision=known_revision,
        edited_at=mention.edited_at,
        seen_at=mention.seen_at,
        asked=mention.human_needs_answer,
        who=name_of(mention),
    )


def name_of(mention: Mention) -> str:
    """Gives whom a mention is by: a handle with its sign, else a name; empty where nobody."""
    handle = mention.author_handle
    return f"@{handle.removeprefix('@')}" if handle else mention.author_name


def hold_groups(session: Session, mentions: Iterable[Mention]) -> None:
    """Holds the groups of copies: else two copies decided beside each other open two cases.

    In one order everywhere, and before any case is held.
    """
    ids = {mention.copy_group_id for mention in mentions} - {None}
    if ids:
        session.exec(
            select(CopyGroup.id)
            .where(col(CopyGroup.id).in_(ids))
            .order_by(col(CopyGroup.id))
            .with_for_update(key_share=True)
        ).all()


def cues_of(stored: Iterable[dict[str, str]]) -> tuple[Cue, ...]:
    """Gives cues as values from the document they are stored in."""
    return tuple(Cue(cue.get("kind", ""), cue.get("words", "")) for cue in stored)


def case_knowing(session: Session, mention_id: int, brand_id: int) -> tuple[int, int] | None:
    """Gives the brand's case that a mention belongs to and the revision it knows."""
    return session.exec(
        select(CaseMention.case_id, CaseMention.revision)
        .join(Case, col(Case.id) == col(CaseMention.case_id))
        .where(CaseMention.mention_id == mention_id, Case.brand_id == brand_id)
        .order_by(col(CaseMention.case_id).desc())
    ).first()


def read_situation(
    session: Session, mention: Mention, brand_id: int, terms: Terms, known_in: int | None
) -> Situation:
    """Reads the cases and the history around a mention; an alive case is held from here on."""
    who = contacts.known(session, mention.identity)
    alive = resolved = None
    if who is not None or not mention.identity or known_in is not None:
        here = _cases_here(mention, brand_id, who.id if who else None, known_in)
        alive = session.exec(
            here.where(IS_ALIVE).with_for_update().execution_options(populate_existing=True)
        ).first()
        resolved = session.exec(
            here.where(Case.status == CaseStatus.resolved)
            .order_by(col(Case.resolved_at).desc(), col(Case.id).desc())
            .with_for_update()
            .execution_options(populate_existing=True)
        ).first()
    alive_id = alive.id if alive else None
    return Situation(
        terms=terms,
        alive=None if alive is None else _alive(session, alive),
        resolved=None if resolved is None else _resolved(resolved),
        repeated=None if alive_id or known_in else _repeated(session, mention, brand_id),
        followers=mention.author_followers,
        is_vip=who.is_vip if who else False,
        earlier_cases=contacts.earlier_cases(session, who.id, alive_id) if who else 0,
        unanswered=_unanswered(session, alive_id, mention.identity) if alive_id else 0,
    )


def _cases_here(
    mention: Mention, brand_id: int, contact_id: int | None, known_in: int | None
) -> SelectOfScalar[Case]:
    if known_in is not None:
        return select(Case).where(Case.id == known_in)
    return select(Case).where(
        Case.brand_id == brand_id,
        Case.channel == mention.channel,
        Case.thread_key == thread_of(mention),
        col(Case.contact_id).is_(None) if contact_id is None else Case.contact_id == contact_id,
    )


def _alive(session: Session, case: Case) -> Alive:
    runs = clock_of(session, key(case)) is not None
    return Alive(
        key(case),
        case.status,
        Priority(case.priority),
        case.priority_by_person,
        runs,
        tuple(case.priority_reasons),
    )


def _repeated(session: Session, mention: Mention, brand_id: int) -> Repeated | None:
    """Gives the brand's case about the same text: the first that is alive, else the last closed."""
    if mention.copy_group_id is None:
        return None
    same = (
        select(CaseMention.case_id)
        .join(Mention, col(Mention.id) == col(CaseMention.mention_id))
        .where(Mention.copy_group_id == mention.copy_group_id)
    )
    cases = select(Case).where(Case.brand_id == brand_id, col(Case.id).in_(same))
    alive = session.exec(
        cases.where(IS_ALIVE)
        .order_by(col(Case.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if alive is None:
        closed = session.exec(cases.order_by(col(Case.resolved_at).desc())).first()
        return None if closed is None else Repeated(key(closed))
    return Repeated(key(alive), _alive(session, alive), copies_in(alive))


def _resolved(case: Case) -> Resolved | None:
    if case.resolved_at is None:
        return None
    return Resolved(key(case), case.resolved_at, case.first_replied_at is not None)


def _unanswered(session: Session, case_id: int, identity: str) -> int:
    """Counts what this person said since the last answer; copies by others are not theirs."""
    answered = (
        select(func.max(Reply.sent_at))
        .where(Reply.case_id == case_id, col(Reply.state).in_(_ANSWERED))
        .scalar_subquery()
    )
    return session.exec(
        select(func.count())
        .select_from(CaseMention)
        .join(Mention, col(Mention.id) == col(CaseMention.mention_id))
        .where(
            CaseMention.case_id == case_id,
            Mention.identity == identity,
            (answered.is_(None)) | (col(Mention.seen_at) > answered),
        )
    ).one()
