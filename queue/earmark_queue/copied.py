"""The copies that joined a case: by others, or in another place, with nearly the same text."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from earmark_core.errors import ReplyError
from earmark_core.tables import Case, CaseMention, Identity, Mention
from earmark_core.text import safe_link
from earmark_queue.casework import key
from earmark_queue.copy_rows import Copies, Copy, copies_in
from earmark_queue.situation import name_of

LISTED = 100
LONGEST = 1_000


def ids_of(session: Session, case: Case) -> set[int]:
    """Gives the mentions of a case that joined it as copies; one statement."""
    if not copies_in(case):
        return set()
    query = select(Mention.id).where(*_joined(case))
    return {int(found) for found in session.exec(query).all() if found is not None}


def holds(session: Session, case: Case, mention: Mention) -> bool:
    """Tells whether a mention joined the case as a copy."""
    return mention.id in ids_of(session, case)


def read(session: Session, case: Case) -> Copies | None:
    """Gives the copies of a case, the first 100 of them one by one; None where it has none."""
    if not copies_in(case):
        return None
    conditions = _joined(case)
    author = func.coalesce(
        func.nullif(col(Mention.identity), ""), sa.cast(col(Mention.id), sa.String)
    )
    n, authors, first_at, last_at = session.execute(
        sa.select(
            func.count(),
            func.count(sa.distinct(author)),
            func.min(col(Mention.happened_at)),
            func.max(col(Mention.happened_at)),
        ).where(*conditions)
    ).one()
    if not n:  # removed because of their age
        return None
    listed = session.exec(
        select(Mention)
        .where(*conditions)
        .order_by(col(Mention.happened_at), col(Mention.id))
        .limit(LISTED)
    ).all()
    of = session.exec(
        select(Mention.id)
        .join(CaseMention, col(CaseMention.mention_id) == col(Mention.id))
        .where(CaseMention.case_id == case.id, ~_is_apart(case))
        .order_by(col(Mention.happened_at), col(Mention.id))
    ).first()
    return Copies(of, int(n), int(authors), first_at, last_at, tuple(map(_copy, listed)))


def chosen(session: Session, case: Case, mention_id: int) -> Mention:
    """Gives the copy that somebody wants to answer, as it is now.

    Raises:
        ReplyError: it is none of this case.
    """
    found = session.exec(
        select(Mention)
        .where(*_joined(case), Mention.id == mention_id)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise ReplyError(
            "This is no copy that belongs to the case.",
            subject=f"mention {mention_id}",
            hint="Look at the case again, then choose whom to answer.",
        )
    return found


def _joined(case: Case) -> list[Any]:
    mine = select(CaseMention.mention_id).where(CaseMention.case_id == case.id)
    return [col(Mention.id).in_(mine), _is_apart(case)]


def _is_apart(case: Case) -> Any:
    """Gives the condition that a mention is of another place or person than the case itself."""
    own = case.thread_key.removeprefix("mention:")
    is_alone = own != case.thread_key and own.isdigit()
    in_thread = col(Mention.thread_key) == case.thread_key
    if is_alone:
        in_thread |= (col(Mention.thread_key) == "") & (col(Mention.id) == int(own))
    names = select(Identity.key).where(Identity.contact_id == case.contact_id)
    by_them = col(Mention.identity) == ""  # nobody is named, or nobody any more
    if case.contact_id is not None:
        by_them = (by_them & col(Mention.gone_at).is_not(None)) | col(Mention.identity).in_(names)
    return ~((col(Mention.channel) == case.channel) & in_thread & by_them)


def _copy(mention: Mention) -> Copy:
    text = mention.body or mention.title
    return Copy(
        id=key(mention),
        at=mention.happened_at,
        who=name_of(mention),
        channel=mention.channel,
        text=text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…",
        url=safe_link(mention.url),
        is_gone=mention.gone_at is not None,
    )
