"""From scored mentions to cases, one transaction per chunk.

Killed anywhere, the chunk is as if never begun and is found again, because `decided_at` is empty.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from earmark_core.clock import Clock
from earmark_core.store import Store
from earmark_core.tables import Mention
from earmark_queue.casework import key
from earmark_queue.decide import decide, wants_answer
from earmark_queue.intents import apply
from earmark_queue.situation import (
    Claim,
    Surroundings,
    as_seen,
    case_knowing,
    hold_groups,
    look_around,
    read_situation,
    thread_of,
)

CHUNK = 25


class Intake:
    """Decides what was scored and not decided yet."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def decide_pending(self, limit: int = 200) -> int:
        """Decides up to *limit* mentions, oldest first, and gives how many that were."""
        done = 0
        while done < limit:
            decided = self._chunk(min(CHUNK, limit - done))
            done += decided
            if decided == 0:
                break
        return done

    def _chunk(self, size: int) -> int:
        pending = (
            select(Mention)
            .where(col(Mention.decided_at).is_(None), col(Mention.scored_at).is_not(None))
            .order_by(col(Mention.id))
            .limit(size)
        )
        with self._store.write() as session:
            now = self._clock()
            mentions = session.exec(self._store.skip_locked(pending)).all()
            if not mentions:
                return 0
            hold_groups(session, mentions)
            around = look_around(session, mentions)
            for mention in _in_turn(mentions):
                for claim in around.claims.get(key(mention), ()):
                    self._for_brand(session, mention, claim, around, now)
            session.execute(
                update(Mention)
                .where(col(Mention.id).in_([key(mention) for mention in mentions]))
                .values(decided_at=now)
                .execution_options(synchronize_session=False)
            )
            return len(mentions)

    def _for_brand(
        self, session: Session, mention: Mention, claim: Claim, around: Surroundings, now: datetime
    ) -> None:
        seen = as_seen(mention, claim)
        terms = around.terms[claim.brand_id]
        is_quiet = thread_of(mention) not in around.threads and seen.id not in around.in_cases
        if is_quiet and not wants_answer(seen, terms):
            return
        knowing = case_knowing(session, seen.id, claim.brand_id)
        if knowing is not None:
            seen = as_seen(mention, claim, known_revision=knowing[1])
        for _ in range(2):
            situation = read_situation(
                session, mention, claim.brand_id, terms, knowing[0] if knowing else None
            )
            if knowing and situation.alive is None and situation.resolved is None:
                return  # its case was dismissed
            if apply(self._store, session, mention, claim, decide(seen, situation, now), now):
                around.threads.add(thread_of(mention))
                return


def _in_turn(mentions: Sequence[Mention]) -> list[Mention]:
    """Gives mentions by thread and time, copies of a text behind the first of them.

    Threads in one order everywhere: two workers cannot wait for each other in a circle. Copies
    may leave it, because who decides on them holds their group.
    """
    first: dict[int, Mention] = {}
    for mention in sorted(mentions, key=lambda row: (row.happened_at, key(row))):
        if mention.copy_group_id is not None:
            first.setdefault(mention.copy_group_id, mention)

    def turn(mention: Mention) -> tuple[str, datetime, int]:
        group = mention.copy_group_id
        place = mention if group is None else first[group]
        return (thread_of(place), mention.happened_at, key(mention))

    return sorted(mentions, key=turn)
