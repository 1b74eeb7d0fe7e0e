"""What is to be done about a mention: pure, so that a rule can be replayed on history.

A mention wants an answer if it is negative enough, asks for something, or rates low. Then it has
exactly one alive case per brand, contact and thread; but what repeats the text of a case that is
alive joins that one, whoever wrote it: five hundred copies are one thing to answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from earmark_core.model import Label, Priority
from earmark_queue.priority import (
    ASKS,
    URGENCIES,
    Terms,
    Weighed,
    copied,
    cue_words,
    is_copied,
    weigh,
)
from earmark_queue.seen import Alive, Repeated, Resolved, Seen, Situation


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case is to be opened, and its first-response clock started."""

    reasons: tuple[str, ...]
    priority: Priority
    priority_reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppendToCase:
    """The mention joins a case; `starts_clock` if it waits for an answer and nothing else did.

    `copies` says how many copies of its text the case has with this one, 0 if it is none.
    """

    case_id: int
    reasons: tuple[str, ...]
    starts_clock: bool
    copies: int = 0


@dataclass(frozen=True, slots=True)
class WakeCase:
    """Somebody spoke: a case that slept or waited is open again."""

    case_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReopenCase:
    """The customer came back after the case was resolved."""

    case_id: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EditCase:
    """A mention of the case says something else now; replies not yet sent lose their approval."""

    case_id: int
    revision: int


@dataclass(frozen=True, slots=True)
class RaiseCase:
    """The case wants a person sooner than it did, or for more reasons."""

    case_id: int
    priority: Priority
    priority_reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing is to be done, and why."""

    reason: str


Intent = OpenCase | AppendToCase | WakeCase | ReopenCase | EditCase | RaiseCase | Ignore


def wants_answer(seen: Seen, terms: Terms) -> tuple[str, ...]:
    """Gives the reasons why somebody should answer; none if nobody has to."""
    if seen.asked is False:
        return ()
    reasons = ["A person says that it needs an answer"] if seen.asked else []
    if seen.label is Label.negative and seen.p_neg is None:
        reasons.append("Negative")
    elif _is_negative_enough(seen, terms.queue_negative_from):
        reasons.append(f"Negative ({seen.p_neg:.0%})")
    if seen.rating is not None and seen.rating <= terms.queue_rating_to:
        reasons.append(f"Rated {seen.rating:g} of 5")
    reasons.extend(cue_words(cue) for cue in seen.cues if cue.kind in ASKS + URGENCIES)
    return tuple(dict.fromkeys(reasons))


def _is_negative_enough(seen: Seen, threshold: float) -> bool:
    """Tells whether the mention is as likely negative as the brand wants it for its queue.

    A threshold below what makes the label lets in neutral ones that may well be negative.
    """
    if seen.p_neg is None or seen.p_neg < threshold:
        return False
    return seen.label is Label.negative or (seen.label is Label.neutral and threshold > 0)


def decide(seen: Seen, situation: Situation, now: datetime) -> tuple[Intent, ...]:
    """Gives what is to be done about the mention, in the order in which to do it."""
    refusal = _refusal(seen)
    if refusal:
        return (Ignore(refusal),)
    reasons = wants_answer(seen, situation.terms)
    if situation.alive is not None:
        return _for_alive(seen, situation, situation.alive, reasons)
    if situation.resolved is not None:
        after = _for_resolved(seen, situation, situation.resolved, reasons, now)
        if after is not None:
            return after
    if not reasons:
        return (Ignore("nobody has to answer it"),)
    priority, why = weigh(_weighed(seen, situation, 1), situation.terms)
    repeated = situation.repeated
    if repeated is not None and repeated.alive is not None:
        return _for_copy(seen, repeated, repeated.alive, priority, why)
    told = _with_clause(seen, reasons)
    if repeated is not None:
        told = (*told, f"A copy of what case {repeated.case_id} was about, which is closed")
    return (OpenCase(told, priority, why),)


def _refusal(seen: Seen) -> str:
    checks = (
        (seen.brand_id is None, "no monitor matches it"),
        (seen.is_competitor, "it is about a competitor"),
        (seen.is_own, "it is our own"),
        (seen.is_automatic and not seen.asked, "a machine wrote it"),
        (seen.is_history and not seen.asked, "it is older than the first poll"),
        (seen.is_gone, "it is gone at the source"),
        (seen.is_twin, "the same post was heard at another source"),
    )
    return next((reason for refused, reason in checks if refused), "")


def _for_alive(
    seen: Seen, situation: Situation, alive: Alive, reasons: tuple[str, ...]
) -> tuple[Intent, ...]:
    intents: list[Intent] = []
    thanks = _is_thanks(seen, reasons)
    unanswered = situation.unanswered
    if seen.known_revision is None:
        unanswered += 0 if thanks else 1
        starts = not thanks and not alive.clock_runs
        intents.append(AppendToCase(alive.id, _with_clause(seen, reasons), starts))
        if alive.status in {"waiting", "snoozed"}:
            intents.append(WakeCase(alive.id, "The customer wrote again"))
    elif seen.revision > seen.known_revision:
        intents.append(EditCase(alive.id, seen.revision))
    if reasons and not alive.by_person:
        priority, why = weigh(_weighed(seen, situation, max(unanswered, 1)), situation.terms)
        if priority.rank > alive.priority.rank:
            kept = tuple(reason for reason in alive.reasons if is_copied(reason))
            intents.append(RaiseCase(alive.id, priority, (*kept, *why)))
    return tuple(intents) or (Ignore("its case knows it already"),)


def _for_copy(
    seen: Seen, repeated: Repeated, alive: Alive, priority: Priority, why: tuple[str, ...]
) -> tuple[Intent, ...]:
    """Lets a copy join the case of its text.

    A case that waits is open again, for somebody else waits now. One that a person put off sleeps
    on: they know the text. Only a crowd wakes it, the same that raises it.
    """
    copies = repeated.copies + 1
    told = "A copy of these words" if copies == 1 else f"{copies} copies of these words, the last"
    if seen.who:  # quoted, so that it is taken back with the mention
        told += f": “{seen.who}”"
    intents: list[Intent] = [AppendToCase(alive.id, (told,), not alive.clock_runs, copies)]
    crowd = copied(copies, max(alive.priority, priority, key=lambda one: one.rank))
    if alive.status == "waiting" or (alive.status == "snoozed" and crowd):
        intents.append(WakeCase(alive.id, "Somebody wrote the same"))
    if alive.by_person:
        return tuple(intents)
    reasons = why if priority.rank > alive.priority.rank else alive.reasons
    rest = tuple(reason for reason in reasons if not is_copied(reason))
    before = tuple(reason for reason in alive.reasons if is_copied(reason))
    if crowd:
        intents.append(RaiseCase(alive.id, crowd[0], (crowd[1], *rest)))
    elif priority.rank > alive.priority.rank:
        intents.append(RaiseCase(alive.id, priority, (*before, *rest)))
    return tuple(intents)


def _for_resolved(
    seen: Seen, situation: Situation, resolved: Resolved, reasons: tuple[str, ...], now: datetime
) -> tuple[Intent, ...] | None:
    """Gives what to do with the resolved case, None if it is as good as none."""
    if now > resolved.resolved_at + timedelta(days=situation.terms.reopen_days):
        return None
    if seen.known_revision is not None:
        edited = seen.edited_at is not None and seen.edited_at > resolved.resolved_at
        if seen.revision > seen.known_revision and edited and reasons:
            return (ReopenCase(resolved.id, reasons), EditCase(resolved.id, seen.revision))
        return (Ignore("its case is resolved"),)
    if reasons or (resolved.was_answered and not _is_thanks(seen, reasons)):
        why = _with_clause(seen, reasons) or ("The customer wrote again",)
        return (ReopenCase(resolved.id, why), AppendToCase(resolved.id, why, starts_clock=True))
    return (AppendToCase(resolved.id, (), starts_clock=False),)


def _is_thanks(seen: Seen, reasons: tuple[str, ...]) -> bool:
    praises = any(cue.kind == "praise" for cue in seen.cues)
    return praises and not reasons and seen.label is not Label.negative


def _weighed(seen: Seen, situation: Situation, unanswered: int) -> Weighed:
    return Weighed(
        label=seen.label,
        p_neg=seen.p_neg,
        rating=seen.rating,
        cues=seen.cues,
        followers=situation.followers,
        is_vip=situation.is_vip,
        earlier_cases=situation.earlier_cases,
        unanswered=unanswered,
    )


def _with_clause(seen: Seen, reasons: tuple[str, ...]) -> tuple[str, ...]:
    if not reasons or not seen.clause:
        return reasons
    return (*reasons, f"Matched {seen.clause}")
