"""How soon a case wants a person, and why: pure.

The level is a sum of points, one row of `weigh` each, so that a reader can add it up:
5 and more are urgent, 3 and more high, 1 and more normal. A danger to somebody and the threat of
a lawyer are urgent whatever the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from earmark_core.model import Cue, Label, Priority

URGENCIES = ("safety", "legal", "money", "churn", "outage", "press")
ASKS = ("complaint", "question", "request", "lead")

_CUE_POINTS = {
    "safety": 5,
    "legal": 5,
    "press": 3,
    "outage": 3,
    "money": 2,
    "churn": 2,
    "complaint": 2,
    "question": 1,
    "request": 1,
    "lead": 1,
}
_CUE_WORDS = {
    "safety": "Somebody may be in danger",
    "legal": "Speaks of the law",
    "press": "Writes for the press",
    "outage": "Something is down",
    "money": "Money is at stake",
    "churn": "Wants to leave",
    "complaint": "Complains",
    "question": "Asks something",
    "request": "Wants something done",
    "lead": "Wants to buy",
}
CROWDS = (5, 25, 100)
_COPIED = "Copied "
STRONG_FROM = 0.8
CLEAR_FROM = 0.6


@dataclass(frozen=True, slots=True)
class Terms:
    """What a brand wants done, as the pure rooms see it (the row is `Policy`)."""

    queue_negative_from: float = 0.0
    queue_rating_to: float = 2.0
    first_response_minutes: int = 240
    urgent_response_minutes: int = 60
    reopen_days: int = 14
    many_followers: int = 10_000

    def wait(self, priority: Priority) -> timedelta:
        """Gives how long the answer may take."""
        urgent = priority is Priority.urgent
        minutes = self.urgent_response_minutes if urgent else self.first_response_minutes
        return timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is known of a mention and its author when it is weighed.

    `earlier_cases` counts the author's other cases; `unanswered` the words of this case that wait
    for an answer, this one included. Figures that are not known are None.
    """

    label: Label | None = None
    p_neg: float | None = None
    rating: float | None = None
    cues: tuple[Cue, ...] = ()
    followers: int | None = None
    is_vip: bool = False
    earlier_cases: int = 0
    unanswered: int = 1


def cue_words(cue: Cue) -> str:
    """Gives a cue as a line for a person, with the words that gave it."""
    line = _CUE_WORDS.get(cue.kind, cue.kind.capitalize())
    return f"{line}: “{cue.words}”" if cue.words else line


def without_words(reason: str) -> str:
    """Gives a reason without what `cue_words` quotes, for what may outlive what was said."""
    return reason.partition(": “")[0]


def weigh(what: Weighed, terms: Terms) -> tuple[Priority, tuple[str, ...]]:
    """Gives the level and the reasons for it, the strongest first."""
    parts = sorted(_parts(what, terms), key=lambda part: -part[0])
    return _level(sum(points for points, _ in parts)), tuple(words for _, words in parts)


def raised(priority: Priority) -> Priority:
    """Gives the next level up; urgent stays urgent."""
    levels = list(Priority)
    return levels[min(priority.rank + 1, len(levels) - 1)]


def copied(copies: int, priority: Priority) -> tuple[Priority, str] | None:
    """Gives the level and the reason when copies of a text become a crowd, None at other numbers.

    Five and twenty-five copies are worth a level each: that many people chose the same words, and
    who reads along sees no answer to any. A hundred are urgent whatever they say, because then
    the answer to the first is an answer in public.
    """
    if copies not in CROWDS:
        return None
    level = Priority.urgent if copies == CROWDS[-1] else raised(priority)
    return level, f"{_COPIED}{copies} times"


def is_copied(reason: str) -> bool:
    """Tells whether a reason is one that `copied` gave."""
    return reason.startswith(_COPIED)


def _level(points: int) -> Priority:
    if points >= 5:
        return Priority.urgent
    if points >= 3:
        return Priority.high
    return Priority.normal if points >= 1 else Priority.low


def _parts(what: Weighed, terms: Terms) -> Iterator[tuple[int, str]]:
    yield from _tone(what)
    yield from _stars(what)
    told: set[str] = set()
    for cue in what.cues:
        if cue.kind in _CUE_POINTS and cue.kind not in told:
            told.add(cue.kind)
            yield _CUE_POINTS[cue.kind], cue_words(cue)
    yield from _who(what, terms)
    if what.unanswered > 1:
        yield 1, f"Wrote {what.unanswered} times without an answer"


def _tone(what: Weighed) -> Iterator[tuple[int, str]]:
    if what.label is not Label.negative:
        return
    if what.p_neg is None:
        yield 1, "Negative"
    elif what.p_neg >= STRONG_FROM:
        yield 2, f"Strongly negative ({what.p_neg:.0%})"
    else:
        yield int(what.p_neg >= CLEAR_FROM), f"Negative ({what.p_neg:.0%})"


def _stars(what: Weighed) -> Iterator[tuple[int, str]]:
    if what.rating is not None and what.rating <= 2:
        yield (2 if what.rating <= 1 else 1), f"Rated {what.rating:g} of 5"


def _who(what: Weighed, terms: Terms) -> Iterator[tuple[int, str]]:
    if what.is_vip:
        yield 2, "A very important contact"
    if what.followers is not None and what.followers >= terms.many_followers:
        yield 1, f"{what.followers:,} followers"
    if what.earlier_cases >= 2:
        yield 1, f"Had {what.earlier_cases} cases before"
