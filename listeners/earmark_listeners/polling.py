"""One poll, from the cursor to an outcome.

Takes pages from a listener and hands each to a keeper that stores it together with its cursor.
This is one of the two places that turn exceptions into outcomes: one source may fail, never the
run.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from earmark_core.errors import (
    EarmarkError,
    Fault,
    Held,
    ListenerError,
    Malformed,
    Rejected,
    StoreError,
    Unavailable,
)
from earmark_core.model import Cursor, WindowState
from earmark_listeners.contract import Batch, Listener
from earmark_listeners.pace import Trouble

log = logging.getLogger(__name__)

_WORST_FIRST = (
    WindowState.failed,
    WindowState.down,
    WindowState.rate_limited,
    WindowState.truncated,
    WindowState.backfilled,
    WindowState.complete,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """How many items of a page were new or changed once it was stored."""

    items: int = 0
    new: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a poll; `needs_person` stops the source until somebody acts.

    `moved_to` is where the source has sent us for good; `polls_soon` that more is waiting there.
    """

    state: WindowState = WindowState.complete
    pages: int = 0
    items: int = 0
    new_items: int = 0
    bad_items: int = 0
    covers_from: datetime | None = None
    next_poll_after: timedelta | None = None
    error: str = ""
    hint: str = ""
    needs_person: bool = False
    trouble: Trouble = Trouble.none
    note: str = ""
    moved_to: str = ""
    polls_soon: bool = False

    @property
    def went_well(self) -> bool:
        """Tells whether the source answered, even if not all of it was heard."""
        return not self.error


Keep = Callable[[Batch], Awaitable[Kept]]


async def poll(
    listener: Listener[Any], since: Cursor | None, keep: Keep, *, deadline: timedelta
) -> Outcome:
    """Polls once and gives the outcome; pages stored before an error stay stored.

    Raises only what is not the source's fault: cancellation and database trouble.
    """
    outcome = Outcome()
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            async with aclosing(listener.poll(since)) as pages:  # type: ignore[type-var]  # a generator
                async for batch in pages:
                    outcome = _with_page(outcome, batch, await keep(batch))
    except StoreError:
        raise
    except TimeoutError:
        return _failed(outcome, "The poll took too long and was ended.", Trouble.down)
    except ListenerError as error:
        return _with_error(outcome, error)
    except EarmarkError as error:
        return _failed(outcome, error.message, Trouble.refused, hint=error.hint)
    except Exception:
        log.exception("a listener broke", extra={"channel": listener.channel})
        return _failed(
            outcome,
            "The listener itself broke on this answer.",
            Trouble.unreadable,
            hint="Nothing was lost: the cursor did not move. The log has the details.",
        )
    return outcome


def _with_page(outcome: Outcome, batch: Batch, kept: Kept) -> Outcome:
    return replace(
        outcome,
        state=min(outcome.state, batch.state, key=_WORST_FIRST.index),
        pages=outcome.pages + 1,
        items=outcome.items + kept.items,
        new_items=outcome.new_items + kept.new,
        bad_items=outcome.bad_items + kept.bad,
        covers_from=batch.covers_from or outcome.covers_from,
        next_poll_after=batch.next_poll_after or outcome.next_poll_after,
        note=batch.note or outcome.note,
        moved_to=batch.moved_to or outcome.moved_to,
        polls_soon=batch.polls_soon or outcome.polls_soon,
    )


def _with_error(outcome: Outcome, error: ListenerError) -> Outcome:
    hint, wait = error.hint, None
    if isinstance(error, Unavailable):
        wait = error.retry_after
    if isinstance(error, Malformed):
        hint = hint or "The cursor did not move; it will be tried again."
    failed = _failed(outcome, error.message, _trouble(error), hint=hint)
    return replace(failed, next_poll_after=wait)


def _trouble(error: ListenerError) -> Trouble:
    if isinstance(error, Held):
        return Trouble.held
    if isinstance(error, Unavailable):
        return Trouble.slower if error.rate_limited else Trouble.down
    if not isinstance(error, Rejected):
        return Trouble.unreadable
    if error.for_good:
        return Trouble.gone
    return Trouble.missing if error.fault is Fault.not_found else Trouble.refused


def _failed(outcome: Outcome, error: str, trouble: Trouble, *, hint: str = "") -> Outcome:
    is_slower = trouble in (Trouble.slower, Trouble.held)
    return replace(
        outcome,
        state=WindowState.rate_limited if is_slower else WindowState.failed,
        error=error,
        hint=hint,
        trouble=trouble,
        needs_person=trouble in (Trouble.refused, Trouble.missing, Trouble.gone),
    )
