"""The outbox: at most one public reply for each row, and none lost in silence.

A claim is committed, to disk, before the platform is called. A row found in `sending` with its
lease run out is `unknown`: it may be out. `unknown` is looked for and never sent again before two
looks have not found it. Only who holds the row's fence writes an outcome. `sent` is what the
platform answered; `confirmed` is what a later look found there (where a channel cannot be looked
at, the platform's own answer has to do).

What remains: a worker that stalls for longer than its lease between its claim and the call. Only
the platform can close that window, by the key.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from earmark_core.clock import Clock
from earmark_core.errors import ConfigError
from earmark_core.model import Delivery
from earmark_core.store import Store
from earmark_listeners.contract import Responder, Sent
from earmark_queue import ledger
from earmark_queue.ledger import Ending
from earmark_queue.sending import Claimed, Outcome, attempt, look


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the outbox waits, and how often it tries.

    `call_seconds` must stay well below `lease`, which covers three calls.
    """

    lease: timedelta = timedelta(seconds=180)
    call_seconds: float = 45.0
    look_after: timedelta = timedelta(seconds=30)
    looks: int = 2
    confirm_after: timedelta = timedelta(seconds=2)
    confirm_looks: int = 5
    back_off: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)
    tries: int = 5
    ill: timedelta = timedelta(minutes=15)


class Outbox:
    """Delivers what is approved and settles what is in doubt."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        responder_for: Callable[[int], Responder | None],
        rng: Random,
        *,
        pace: Pace | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._responder_for = responder_for
        self._rng = rng
        self._pace = pace or Pace()

    async def deliver_due(self, limit: int = 20) -> int:
        """Takes up to *limit* replies that are due one step on; gives how many."""
        now = self._clock()
        ledger.lose_expired(self._store, now, now + self._pace.look_after, limit)
        done = 0
        while done < limit:
            claimed = ledger.claim(self._store, self._clock(), self._pace.lease)
            if claimed is None:
                break
            await self._step(claimed)
            done += 1
        return done

    async def _step(self, claimed: Claimed) -> None:
        if claimed.state is not Delivery.sending:
            await self._look(claimed)
            return
        target = ledger.read_target(self._store, claimed)
        if target.refusal is not None and not claimed.may_be_out:
            self._end(claimed, target.refusal)
            return
        responder = self._responder(claimed)
        if isinstance(responder, Outcome):
            self._end(claimed, responder)
            return
        if target.refusal is not None:
            # It may be out from an earlier try: only a look says whether there is a conflict.
            found = await look(responder, claimed, self._pace.call_seconds)
            self._end(claimed, _found_or(found, target.refusal))
            return
        self._end(claimed, await attempt(responder, claimed, target.texts, self._pace.call_seconds))

    def _responder(self, claimed: Claimed) -> Responder | Outcome:
        try:
            found = (
                self._responder_for(claimed.source_id) if claimed.source_id is not None else None
            )
        except ConfigError as error:
            return Outcome(Delivery.approved, error.message, error.hint, is_ill=True)
        if found is None:
            hint = "Connect an account at Sources and retry, or post it by hand and confirm."
            return Outcome(Delivery.needs_human, "No source here can answer.", hint)
        return found

    async def _look(self, claimed: Claimed) -> None:
        responder = self._responder(claimed)
        if isinstance(responder, Outcome):
            found: Outcome | Sent | None = replace(responder, state=Delivery.needs_human)
        else:
            found = await look(responder, claimed, self._pace.call_seconds)
        if claimed.state is Delivery.sent:
            self._confirm(claimed, found)
        elif isinstance(found, Sent):
            self._end(claimed, Outcome(Delivery.sent, sent=found))
        elif found is None:
            self._not_found(claimed)
        elif found.state is Delivery.unknown:
            # A look that failed says nothing: it never counts as "it is not there".
            wait = found.wait or self._pace.look_after
            self._postpone(claimed, wait, found.reason, claimed.looks)
        else:
            self._end(claimed, found)

    def _confirm(self, claimed: Claimed, found: Outcome | Sent | None) -> None:
        if isinstance(found, Sent) or (found and found.state is Delivery.needs_human):
            self._end(claimed, Outcome(Delivery.confirmed))
            return
        looks = claimed.looks + 1
        if found is None and looks >= self._pace.confirm_looks:
            hint = (
                "Open the thread: it may be held back there. Confirm that it is posted, or retry."
            )
            reason = "The platform took it, but it is not to be seen there."
            self._end(claimed, Outcome(Delivery.needs_human, reason, hint))
            return
        reason = found.reason if found else "It is not to be seen there yet."
        wait = self._pace.look_after * looks
        self._postpone(claimed, wait, reason, looks if found is None else claimed.looks)

    def _not_found(self, claimed: Claimed) -> None:
        looks = claimed.looks + 1
        if looks < self._pace.looks:
            reason = "It was not found at the first look; it may only be late."
            self._postpone(claimed, self._pace.look_after, reason, looks)
            return
        if claimed.attempts >= self._pace.tries:
            hint = "Look at the source yourself: confirm that it is posted, or send it again."
            reason = f"Its fate was unknown {claimed.attempts} times, and it is not there."
            self._end(claimed, Outcome(Delivery.needs_human, reason, hint))
            return
        reason = "It was not there after all; it is sent again with the same key."
        self._end(claimed, Outcome(Delivery.approved, reason), wait=timedelta(0))

    def _postpone(self, claimed: Claimed, wait: timedelta, reason: str, looks: int) -> None:
        now = self._clock()
        ledger.postpone(self._store, claimed, now, now + self._jittered(wait), reason, looks)

    def _end(self, claimed: Claimed, outcome: Outcome, wait: timedelta | None = None) -> None:
        now = self._clock()
        attempts, looks = claimed.attempts, 0
        if outcome.state is Delivery.approved and wait is None:
            outcome, wait, attempts = self._later(claimed, outcome)
        if outcome.state is Delivery.unknown:
            wait = self._pace.look_after
        if outcome.state is Delivery.sent:
            wait = self._pace.confirm_after
        not_before = None if wait is None else now + wait
        ledger.end(self._store, claimed, Ending(outcome, now, not_before, attempts, looks))

    def _later(self, claimed: Claimed, outcome: Outcome) -> tuple[Outcome, timedelta | None, int]:
        if outcome.is_ill:
            # Not the reply's fault: it queues until somebody mends the source.
            return outcome, self._jittered(self._pace.ill), max(claimed.attempts - 1, 0)
        if outcome.is_held:
            # It was not tried, so it is no try: it goes once the host may be asked again.
            return outcome, outcome.wait, max(claimed.attempts - 1, 0)
        if claimed.attempts >= self._pace.tries:
            hint = "The platform could not be reached. Retry when it can."
            reason = f"Tried {claimed.attempts} times: {outcome.reason}"
            return Outcome(Delivery.failed, reason, hint), None, claimed.attempts
        wait = self._jittered(self._pace.back_off * 2 ** (claimed.attempts - 1))
        return outcome, max(wait, outcome.wait or wait), claimed.attempts

    def _jittered(self, wait: timedelta) -> timedelta:
        return min(wait, self._pace.longest) * self._rng.uniform(0.9, 1.1)


def _found_or(found: Outcome | Sent | None, refusal: Outcome) -> Outcome:
    if isinstance(found, Sent):
        return Outcome(Delivery.sent, sent=found)
    return refusal if found is None else found
