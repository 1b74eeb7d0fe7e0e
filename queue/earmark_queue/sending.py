"""One try to deliver a reply, or one look for it: talks to the responder, touches no row.

The order is the safety: look for our own reply before any second try, read the target again, and
only then send. What cannot be proven undelivered becomes `unknown`.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from earmark_core.errors import (
    EarmarkError,
    Held,
    Interrupted,
    Malformed,
    Rejected,
    ReplyError,
    ReplyRefused,
    Unavailable,
)
from earmark_core.model import Delivery
from earmark_core.text import fold
from earmark_listeners.contract import Gone, Outgoing, Responder, Sent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A reply that this worker holds, as long as `fence` is still the row's."""

    id: int
    case_id: int
    source_id: int | None
    mention_id: int | None
    seen_mention_id: int | None
    seen_revision: int
    state: Delivery
    body: str
    target_ref: Mapping[str, Any]
    key: str
    created_at: datetime
    approved_hash: str
    fence: int
    attempts: int
    looks: int
    by: str

    @property
    def outgoing(self) -> Outgoing:
        """Gives what the responder is handed; the same at every try."""
        return Outgoing(self.body, self.target_ref, self.key, self.created_at)

    @property
    def may_be_out(self) -> bool:
        """Says whether an earlier claim may have sent it."""
        return self.fence > 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the state to go to, and what a person should read.

    `sent` is our reply as the platform has it. `wait` asks for another try. `is_ill` blames the
    source, `is_held` says that the host is to be left alone and was not asked. `gone` and
    `new_text` say what became of the target.
    """

    state: Delivery
    reason: str = ""
    hint: str = ""
    sent: Sent | None = None
    wait: timedelta | None = None
    is_ill: bool = False
    is_held: bool = False
    gone: str = ""
    new_text: str | None = None


class _CannotLook(Exception):
    pass


def is_same(one: str, other: str) -> bool:
    """Says whether two texts say the same; spacing and invisible characters do not count."""
    return fold(one).split() == fold(other).split()


async def attempt(
    responder: Responder, claimed: Claimed, texts: tuple[str, ...], seconds: float
) -> Outcome:
    """Tries to deliver; *texts* are the forms of the target that its author saw.

    Each call to the platform may take *seconds*.
    """
    try:
        found = await _earlier(responder, claimed, seconds)
        if found is not None:
            return Outcome(Delivery.sent, sent=found)
        refusal = await _read_target(responder, claimed, texts, seconds)
    except _CannotLook:
        return _doubt("It may be out already, and this channel cannot be asked.")
    except ReplyRefused as error:
        return Outcome(Delivery.failed, error.message, error.hint)
    except ReplyError as error:
        return _doubt(error.message)
    except (EarmarkError, TimeoutError) as error:
        return _not_sent(error)
    if refusal is not None:
        return refusal
    return await _send(responder, claimed, seconds)


async def look(responder: Responder, claimed: Claimed, seconds: float) -> Outcome | Sent | None:
    """Looks for our own reply: found, not there, or why that cannot be told.

    An outcome `unknown` asks to look again later.
    """
    try:
        return await _find(responder, claimed, seconds)
    except _CannotLook:
        return _doubt("Whether it is out is not known, and this channel cannot be asked.")
    except Unavailable as error:
        return Outcome(Delivery.unknown, error.message, error.hint, wait=error.retry_after)
    except TimeoutError:
        return Outcome(Delivery.unknown, "The platform took too long to answer.")
    except Rejected as error:
        return replace(_doubt(f"It cannot be looked for: {error.message}"), is_ill=True)
    except EarmarkError as error:
        return Outcome(Delivery.unknown, error.message, error.hint)


async def _earlier(responder: Responder, claimed: Claimed, seconds: float) -> Sent | None:
    if not claimed.may_be_out:
        return None
    try:
        return await _find(responder, claimed, seconds)
    except _CannotLook:
        # A person asked for another try (`attempts` starts again): they looked themselves.
        if claimed.attempts > 1:
            raise
        return None


async def _find(responder: Responder, claimed: Claimed, seconds: float) -> Sent | None:
    find = getattr(responder, "find", None)
    if find is None:
        raise _CannotLook
    try:
        found: Sent | None = await _within(seconds, find(claimed.outgoing))
    except ReplyError as error:
        raise _CannotLook from error
    return found


async def _read_target(
    responder: Responder, claimed: Claimed, texts: tuple[str, ...], seconds: float
) -> Outcome | None:
    target = await _within(seconds, responder.target(claimed.target_ref))
    if isinstance(target, Gone):
        return Outcome(
            Delivery.cancelled, f"What was to be answered is gone: {target.reason}",
            "Nothing was sent. Decide whether anything is left to do.", gone=target.reason,
        )  # fmt: skip
    if target.text is not None and not any(is_same(target.text, text) for text in texts):
        return Outcome(
            Delivery.draft, "the mention was edited",
            "Read what it says now, then send again.", new_text=target.text,
        )  # fmt: skip
    return None


async def _send(responder: Responder, claimed: Claimed, seconds: float) -> Outcome:
    try:
        sent = await _within(seconds, responder.send(claimed.outgoing))
    except ReplyRefused as error:
        return Outcome(Delivery.failed, error.message, error.hint)
    except (ReplyError, Interrupted, Malformed) as error:
        return Outcome(Delivery.unknown, error.message, error.hint)
    except TimeoutError:
        return Outcome(Delivery.unknown, "The platform took too long to answer.")
    except (Unavailable, Rejected) as error:
        return _not_sent(error)
    except EarmarkError as error:
        return Outcome(Delivery.unknown, error.message, error.hint)
    return Outcome(Delivery.sent, sent=sent)


def _not_sent(error: EarmarkError | TimeoutError) -> Outcome:
    """Tells of an error before anything left, or of one that says that nothing was taken."""
    if isinstance(error, TimeoutError):
        return Outcome(Delivery.approved, "The platform took too long to answer.")
    if isinstance(error, Unavailable):
        is_held = isinstance(error, Held)
        return Outcome(
            Delivery.approved, error.message, error.hint, wait=error.retry_after, is_held=is_held
        )
    is_ill = isinstance(error, Rejected)
    return Outcome(Delivery.approved, error.message, error.hint, is_ill=is_ill)


def _doubt(reason: str) -> Outcome:
    hint = "Look at the source yourself: confirm that it is posted, or send it again."
    return Outcome(Delivery.needs_human, reason, hint)


async def _within(seconds: float, call: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await call
