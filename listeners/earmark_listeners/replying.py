"""What the answer to a reply means: taken, refused, not taken yet, or not to be known.

The order of doubt: what may have been taken is `ReplyUnknown` and is looked for before anything is
sent again; what certainly was not is `Unavailable`; what never will be is `ReplyRefused`.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import (
    EarmarkError,
    Fault,
    Interrupted,
    ListenerError,
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.text import fold
from earmark_listeners.contract import Gone, Outgoing, Responder, Sent, Target

T = TypeVar("T")

SKEW: Final = timedelta(minutes=10)
_LOOKED_FOR: Final = "It is looked for at the platform before anything is sent again."


class RepliesApart:
    """The part of a channel that answers by a room of its own; the channel sets `_replying`."""

    _replying: Responder

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Reads what is to be answered again; see `Responder`."""
        return await self._replying.target(ref)

    async def send(self, reply: Outgoing) -> Sent:
        """Sends once; see `Responder`."""
        return await self._replying.send(reply)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our own reply; see `Responder`."""
        return await self._replying.find(reply)


def refused(
    answer: Answer,
    subject: str,
    *,
    says: str | None = None,
    is_idempotent: bool = False,
    turned_away: Collection[int] = (),
) -> EarmarkError | None:
    """Gives the error that the answer to a reply means, None if the reply was taken.

    *says* are the platform's own words, where the channel knows where they stand.
    *is_idempotent* means that the same reply can be sent again without a second one coming of it
    (an upsert, a key that the platform honours). *turned_away* are server errors with which this
    platform answers before it looks at a reply.
    """
    fault = answer.fault()
    if fault is None and answer.status < 300:
        return None
    if fault in (Fault.rate, Fault.auth, Fault.not_the_api):
        return _certain(answer, subject)
    if fault is Fault.server or answer.status in (303, 304):
        if is_idempotent or answer.status in turned_away or answer.status == 425:
            return _certain(answer, subject)
        return ReplyUnknown(
            f"The platform failed ({answer.status}) while it took the reply.",
            hint=_LOOKED_FOR,
            subject=subject,
        )
    words = answer.says() if says is None else says
    detail = f": {words.rstrip('.')}" if words else ""
    return ReplyRefused(
        f"The platform refused the reply ({answer.status}){detail}.",
        hint="Change it, or answer by hand.",
        subject=subject,
    )


async def delivered(
    call: Awaitable[Answer],
    subject: str,
    *,
    is_idempotent: bool = False,
    turned_away: Collection[int] = (),
    judge: Callable[[Answer, str], None] | None = None,
) -> Answer:
    """Gives the answer of a platform that took the reply, else raises what `refused` says.

    A line that broke after the reply was handed over raises `ReplyUnknown`. *judge* is asked
    first about an answer, with the subject, and may raise what only this platform means by it.
    """
    try:
        answer = await call
    except (Interrupted, Malformed) as error:
        if is_idempotent:
            raise Unavailable(error.message, hint=error.hint, subject=subject) from error
        raise ReplyUnknown(
            "The answer was lost after the reply was handed over.",
            hint=_LOOKED_FOR,
            subject=subject,
        ) from error
    if judge is not None:
        judge(answer, subject)
    refusal = refused(answer, subject, is_idempotent=is_idempotent, turned_away=turned_away)
    if refusal is not None:
        raise refusal
    return answer


def taken(read: Callable[[], T], subject: str) -> T:
    """Gives what *read* makes of the answer to a reply that was taken.

    An answer that cannot be read leaves open what became of it: `ReplyUnknown`.
    """
    try:
        return read()
    except (ListenerError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ReplyUnknown(
            "The platform took something, but its answer cannot be read.",
            hint=_LOOKED_FOR,
            subject=subject,
        ) from error


async def before_sending(look: Awaitable[T]) -> T:
    """Gives what a look-up before the reply gives; nothing of ours was sent if it breaks."""
    try:
        return await look
    except Interrupted as error:
        raise Unavailable(
            error.message,
            retry_after=error.retry_after,
            rate_limited=error.rate_limited,
            hint=error.hint,
            subject=error.subject,
        ) from error


def is_ours(reply: Outgoing, text: str, said_at: datetime | None) -> bool:
    """Tells whether *text*, said by our own account at *said_at*, is this reply.

    Spacing and invisible characters do not count; their clock may be 10 minutes behind ours.
    """
    if said_at is not None and as_utc(said_at) < as_utc(reply.created_at) - SKEW:
        return False
    return fold(text).split() == fold(reply.text).split()


def _certain(answer: Answer, subject: str) -> ListenerError:
    """Gives the error of an answer that was given without taking anything."""
    try:
        answer.checked(subject)
    except Interrupted as error:
        return Unavailable(
            error.message,
            retry_after=error.retry_after,
            rate_limited=error.rate_limited,
            hint=error.hint,
            subject=subject,
        )
    except ListenerError as error:
        return error
    return Rejected("The platform did not take the reply.", subject=subject)
