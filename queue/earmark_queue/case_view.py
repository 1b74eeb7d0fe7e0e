"""One case as a person sees it: its thread, replies, notes and history on one line of time."""

from collections.abc import Iterator, Sequence

from sqlmodel import Session, col, select

from earmark_core.errors import UnknownCase
from earmark_core.model import Actor, Label
from earmark_core.tables import (
    AuditEntry,
    Case,
    CaseMention,
    Contact,
    Draft,
    Identity,
    Mention,
    Note,
    Reply,
    Source,
)
from earmark_core.text import safe_link
from earmark_queue import copied, topics
from earmark_queue.rows import AspectRow, CaseView, ContactView, Entry, case_row
from earmark_queue.situation import cues_of

THREAD = 200
HISTORY = 20
EVENTS = 200
REPLACED = "a newer draft took its place"
_RULE = "rule:"
_EVENTS = {
    "open": "Opened the case: {reason}",
    "claim": "Took the case",
    "assign": "Gave the case to {owner}",
    "release": "Put the case back in line",
    "snooze": "Snoozed the case until {wake_at}",
    "wake": "Opened the case again: {reason}",
    "resolve": "Resolved the case. {reason}",
    "dismiss": "Dismissed the case. {reason}",
    "reopen": "Reopened the case. {reason}",
    "set priority": "Set the priority to {priority}",
    "raise": "Raised the priority to {priority}",
    "breach": "{reason}",
    "edit": "{reason}",
    "target gone": "{reason}",
}
_ORDER = {"event": 0, "mention": 1, "note": 2, "reply": 3}


def read(session: Session, actor: Actor, case_id: int) -> CaseView:
    """Gives the case; eleven statements, however long it is, and four more if it has copies.

    Raises:
        UnknownCase: there is none.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise UnknownCase(subject=f"case {case_id}", hint="It may have been removed.")
    last = session.get(Mention, case.last_mention_id) if case.last_mention_id else None
    replies = session.exec(
        select(Reply)
        .where(Reply.case_id == case_id, Reply.error != REPLACED)
        .order_by(col(Reply.id))
    ).all()
    mentions = _thread(session, case, {reply.remote_id for reply in replies if reply.remote_id})
    entries = mention_entries(session, case.brand_id, mentions)
    entries += [_reply_entry(reply) for reply in replies]
    entries += _notes(session, case_id)
    entries += _events(session, case_id)
    entries.sort(key=lambda entry: (entry.at, _ORDER[entry.kind], entry.id))
    source = session.get(Source, last.source_id) if last else None
    return CaseView(
        case=case_row(session, case_id),
        why=tuple(dict.fromkeys(str(reason.get("text", "")) for reason in case.reasons)),
        priority_reasons=tuple(case.priority_reasons),
        entries=tuple(entries),
        contact=_contact(session, case, last, {int(mention.id or 0) for mention in mentions}),
        last_mention_id=case.last_mention_id,
        last_revision=last.revision if last else 1,
        thread_url=safe_link(last.url) if last else "",
        draft=_draft(session, actor, case_id),
        source_name=source.name if source else "",
        wake_at=case.wake_at,
        copies=copied.read(session, case),
    )


def mention_entries(session: Session, brand_id: int, mentions: Sequence[Mention]) -> list[Entry]:
    """Gives mentions as entries, as they are to this brand; two statements for all of them."""
    ids = [int(mention.id or 0) for mention in mentions]
    aspects = topics.aspects_of(session, brand_id, ids)
    irrelevant = topics.irrelevant_of(session, brand_id, ids)
    return [
        mention_entry(mention, aspects.get(key, ()), is_relevant=key not in irrelevant)
        for key, mention in zip(ids, mentions, strict=True)
    ]


def mention_entry(
    mention: Mention, aspects: tuple[AspectRow, ...] = (), *, is_relevant: bool = True
) -> Entry:
    """Gives a mention as an entry, with what it finds of the brand's topics."""
    return Entry(
        kind="mention",
        id=int(mention.id or 0),
        at=mention.happened_at,
        who=mention.author_name or mention.author_handle,
        text=mention.body,
        title=mention.title,
        url=safe_link(mention.url),
        label=mention.label,
        human_label=mention.human_label,
        score_status=mention.score_status,
        compound=mention.compound,
        is_gone=mention.gone_at is not None,
        revision=mention.revision,
        cues=cues_of(mention.cues),
        rating=mention.rating,
        is_conflict=mention.is_conflict,
        sentences=_three(mention.sentences),
        aspects=aspects,
        lang=mention.lang,
        lang_confidence=mention.lang_confidence,
        model_id=mention.model_id,
        channel=mention.channel,
        is_relevant=is_relevant,
        human_needs_answer=mention.human_needs_answer,
        probability=_probability(mention),
        copy_group_id=mention.copy_group_id,
    )


def _probability(mention: Mention) -> float | None:
    named = {
        Label.negative: mention.p_neg,
        Label.neutral: mention.p_neu,
        Label.positive: mention.p_pos,
    }
    return named[Label(mention.label)] if mention.label else None


def _three(found: list[float] | None) -> tuple[float, float, float] | None:
    return (found[0], found[1], found[2]) if found and len(found) == 3 else None


def _thread(session: Session, case: Case, ours: set[str]) -> list[Mention]:
    """Reads what was said in the thread by anybody; our replies are shown as replies."""
    own = select(CaseMention.mention_id).where(CaseMention.case_id == case.id)
    copies = copied.ids_of(session, case)
    joined = session.exec(
        select(Mention).where(col(Mention.id).in_(own), col(Mention.id).not_in(copies))
    ).all()
    around = session.exec(
        select(Mention)
        .where(
            Mention.channel == case.channel,
            Mention.thread_key == case.thread_key,
            col(Mention.twin_of).is_(None),
        )
        .order_by(col(Mention.happened_at).desc(), col(Mention.id).desc())
        .limit(THREAD)
    ).all()
    mentions = {mention.id: mention for mention in (*joined, *around) if mention.id not in copies}
    return [
        mention
        for mention in mentions.values()
        if not (mention.is_own and mention.external_id in ours)
    ]


def _reply_entry(reply: Reply) -> Entry:
    return Entry(
        kind="reply",
        id=int(reply.id or 0),
        at=reply.sent_at or reply.created_at,
        who=reply.by,
        text=reply.body,
        url=safe_link(reply.remote_url),
        state=reply.state,
        error=reply.error,
        error_hint=reply.error_hint,
    )


def _notes(session: Session, case_id: int) -> Iterator[Entry]:
    for note in session.exec(select(Note).where(Note.case_id == case_id)).all():
        yield Entry(kind="note", id=int(note.id or 0), at=note.at, who=note.by, text=note.body)


def _events(session: Session, case_id: int) -> Iterator[Entry]:
    told = session.exec(
        select(AuditEntry)
        .where(
            AuditEntry.subject == "case",
            AuditEntry.subject_id == case_id,
            col(AuditEntry.action).in_(list(_EVENTS)),
        )
        .order_by(col(AuditEntry.id).desc())
        .limit(EVENTS)
    ).all()
    for entry in told:
        values = {
            "reason": entry.reason,
            "owner": entry.after.get("owner") or "nobody",
            "wake_at": str(entry.after.get("wake_at") or "")[:16].replace("T", " ") + " UTC",
            "priority": entry.after.get("priority", ""),
        }
        yield Entry(
            kind="event",
            id=int(entry.id or 0),
            at=entry.at,
            who="earmark" if entry.by.startswith(_RULE) else entry.by,
            text=_EVENTS[entry.action].format(**values).strip(),
            title=entry.by.removeprefix(_RULE) if entry.by.startswith(_RULE) else "",
        )


def _contact(session: Session, case: Case, last: Mention | None, shown: set[int]) -> ContactView:
    contact = session.get(Contact, case.contact_id) if case.contact_id else None
    identity = None
    if contact is not None:
        identity = session.exec(
            select(Identity)
            .where(Identity.contact_id == contact.id)
            .order_by(col(Identity.channel) != case.channel, col(Identity.id))
        ).first()
    history: tuple[Entry, ...] = ()
    if last is not None and last.identity:
        others = session.exec(
            select(Mention)
            .where(
                Mention.identity == last.identity,
                col(Mention.twin_of).is_(None),
                col(Mention.id).not_in(shown),
            )
            .order_by(col(Mention.happened_at).desc())
            .limit(HISTORY)
        ).all()
        history = tuple(mention_entry(mention) for mention in others)
    followers = identity.followers if identity else None
    return ContactView(
        name=(last.author_name or last.author_handle) if last else "",
        handle=last.author_handle if last else "",
        channel=case.channel,
        url=safe_link(last.author_url) if last else "",
        followers=followers if followers is not None else (last.author_followers if last else None),
        is_vip=contact.is_vip if contact else False,
        history=history,
    )


def _draft(session: Session, actor: Actor, case_id: int) -> str:
    if actor.person_id is None:
        return ""
    return (
        session.exec(
            select(Draft.body).where(Draft.case_id == case_id, Draft.person_id == actor.person_id)
        ).first()
        or ""
    )
