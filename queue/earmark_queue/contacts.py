"""Who spoke: contacts and their identities, made when a case needs one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from earmark_core.store import Store
from earmark_core.tables import Case, Contact, Identity, Mention
from earmark_queue.casework import key

COUNTED_CASES = 20


@dataclass(frozen=True, slots=True)
class Known:
    """A contact that is known already."""

    id: int
    is_vip: bool


def known(session: Session, identity: str) -> Known | None:
    """Gives the contact behind an identity, None for a stranger or for nobody."""
    if not identity:
        return None
    found = session.exec(
        select(Contact.id, Contact.is_vip)
        .join(Identity, col(Identity.contact_id) == col(Contact.id))
        .where(Identity.key == identity)
    ).first()
    return None if found is None or found[0] is None else Known(found[0], found[1])


def contact_for(session: Session, store: Store, mention: Mention, now: datetime) -> int | None:
    """Gives the contact of a mention's author, made if new; None where nobody is named."""
    if not mention.identity:
        return None
    there = known(session, mention.identity)
    if there is not None:
        _refresh(session, mention)
        return there.id
    contact = Contact(name=mention.author_name or mention.author_handle, created_at=now)
    session.add(contact)
    session.flush()
    added = session.execute(
        store.insert(Identity)
        .values(
            contact_id=contact.id,
            key=mention.identity,
            channel=mention.channel,
            handle=mention.author_handle,
            url=mention.author_url,
            followers=mention.author_followers,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(Identity.id)
    ).first()
    if added is not None:
        return key(contact)
    session.delete(contact)  # another process met the same stranger first
    session.flush()
    winner = known(session, mention.identity)
    return winner.id if winner else None


def earlier_cases(session: Session, contact_id: int, but: int | None) -> int:
    """Counts the contact's cases beside one, up to 20."""
    others = select(Case.id).where(Case.contact_id == contact_id)
    if but is not None:
        others = others.where(Case.id != but)
    limited = others.limit(COUNTED_CASES).subquery()
    return session.exec(select(func.count()).select_from(limited)).one()


def _refresh(session: Session, mention: Mention) -> None:
    row = session.exec(select(Identity).where(Identity.key == mention.identity)).first()
    if row is None:
        return
    row.handle = mention.author_handle or row.handle
    row.url = mention.author_url or row.url
    if mention.author_followers is not None:
        row.followers = mention.author_followers
    session.add(row)
    contact = session.get_one(Contact, row.contact_id)
    if not contact.name:  # removed since, when nothing was left of what they had said
        contact.name = mention.author_name or mention.author_handle
        session.add(contact)
