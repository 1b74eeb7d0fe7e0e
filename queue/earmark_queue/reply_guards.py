"""What is checked before a person changes a reply."""

from sqlmodel import Session

from earmark_core.access import may
from earmark_core.errors import NotAllowed, ReplyError
from earmark_core.model import Actor, Role
from earmark_core.tables import Case, Reply
from earmark_queue.casework import hold, key
from earmark_queue.delivery import hold_reply


def hold_both(session: Session, reply_id: int) -> tuple[Case, Reply]:
    """Holds the case before its reply, as everybody does: nobody waits in a circle."""
    found = session.get(Reply, reply_id)
    if found is None:
        raise ReplyError("There is no such reply.", subject=f"reply {reply_id}")
    return hold(session, found.case_id), hold_reply(session, reply_id)


def author_or_approver(actor: Actor, reply: Reply) -> None:
    """Refuses whoever neither wrote the reply nor may approve it."""
    is_author = actor.person_id is not None and actor.person_id == reply.by_person_id
    if not is_author and not may(actor, Role.approver):
        raise NotAllowed(
            f"This reply is {reply.by}'s.",
            subject=f"reply {reply.id}",
            hint="Ask them, or an approver.",
        )


def busy(reply: Reply) -> ReplyError:
    """Gives the error that tells who is answering already."""
    return ReplyError(
        f"{reply.by} is answering already (the reply is {reply.state.replace('_', ' ')}).",
        subject=f"case {reply.case_id}",
        hint="Wait until it is out, or take it back.",
    )


def same_or_busy(reply: Reply, words: str) -> int:
    """Gives the reply on its way if it says the same, else refuses: a double click sends once."""
    if reply.body == words:
        return key(reply)
    raise busy(reply)
