"""Values that pass between the floors and are no rows.

Frozen, typed, without input or output. What is persisted stands in `earmark_core.tables`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

BrandId = NewType("BrandId", int)
MonitorId = NewType("MonitorId", int)
SourceId = NewType("SourceId", int)
MentionId = NewType("MentionId", int)
ContactId = NewType("ContactId", int)
CaseId = NewType("CaseId", int)
ReplyId = NewType("ReplyId", int)
Cursor = NewType("Cursor", str)


class Role(StrEnum):
    """What a person may do, from least to most."""

    viewer = "viewer"
    responder = "responder"
    approver = "approver"
    manager = "manager"
    admin = "admin"

    @property
    def rank(self) -> int:
        """Gives 0 for viewer up to 4 for admin; a role may do what every lower one may."""
        return list(Role).index(self)


class CaseStatus(StrEnum):
    """Where a case stands."""

    new = "new"
    open = "open"
    waiting = "waiting"
    snoozed = "snoozed"
    resolved = "resolved"
    dismissed = "dismissed"


ALIVE = (CaseStatus.new, CaseStatus.open, CaseStatus.waiting, CaseStatus.snoozed)
AUTOMATIC = "automatic mail"
"""The kind of an item that a machine wrote: it is kept, and opens no case."""


class Priority(StrEnum):
    """How soon a case wants a person."""

    low = "low"
    normal = "normal"
    high = "high"
    urgent = "urgent"

    @property
    def rank(self) -> int:
        """Gives 0 for low up to 3 for urgent; what the queue is ordered by."""
        return list(Priority).index(self)


class Delivery(StrEnum):
    """Where a reply stands on its way out."""

    draft = "draft"
    awaiting_approval = "awaiting_approval"
    approved = "approved"
    scheduled = "scheduled"
    sending = "sending"
    sent = "sent"
    confirmed = "confirmed"
    failed = "failed"
    unknown = "unknown"
    needs_human = "needs_human"
    cancelled = "cancelled"


class Label(StrEnum):
    """What a mention's tone is."""

    negative = "negative"
    neutral = "neutral"
    positive = "positive"


class ScoreStatus(StrEnum):
    """Whether a mention has a score, and if not, why."""

    scored = "scored"
    unscored_language = "unscored_language"
    unscored_empty = "unscored_empty"
    error = "error"


class WindowState(StrEnum):
    """How much of a poll window was heard."""

    complete = "complete"
    truncated = "truncated"
    rate_limited = "rate_limited"
    failed = "failed"
    down = "down"
    backfilled = "backfilled"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person with a role, or a rule of the product (`person_id` None)."""

    name: str
    role: Role
    person_id: int | None = None


SYSTEM = Actor("earmark", Role.admin)


@dataclass(frozen=True, slots=True)
class Author:
    """Who said it, as the source names them; `id` is the platform's own stable id."""

    id: str
    handle: str = ""
    name: str = ""
    url: str = ""
    followers: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One thing found at a source, as found: text is neither cleaned nor matched yet.

    `is_html` speaks of `text` alone; a title is always plain.

    `external_id` is stable at the source and always text. `uri` names the same post on every
    server where the platform has such a name. `thread_id` is the root of the public thread,
    `parent_id` what it answers. `reply_ref` holds what a responder needs to answer it. Numbers
    that the source does not give are absent, never 0.
    """

    external_id: str
    kind: str = "post"
    text: str = ""
    title: str = ""
    is_html: bool = False
    url: str = ""
    uri: str = ""
    author: Author | None = None
    lang: str = ""
    rating: float | None = None
    published_at: datetime | None = None
    edited_at: datetime | None = None
    thread_id: str = ""
    parent_id: str = ""
    metrics: Mapping[str, int] = field(default_factory=dict)
    reply_ref: Mapping[str, str] = field(default_factory=dict)
    is_own: bool = False
    raw: str = ""


@dataclass(frozen=True, slots=True)
class BadItem:
    """One item that could not be read, with the reason; the rest of its page is kept."""

    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class ReceiptPart:
    """One word's share in the compound: its lexicon value and what was done to it.

    `value` is the final share of the sum; the parts of a receipt add up to `Receipt.total`.
    `start` and `end` are offsets into the prepared text, -1 for a part that is no word
    (punctuation).
    """

    word: str
    value: float
    lexicon: float = 0.0
    rules: tuple[str, ...] = ()
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class LogitPart:
    """One share in the logit of "negative": what it is of, and how much it adds.

    `kind` is word (one or two words of the text), number (what VADER and the look of the text
    say), embedding (what an encoder makes of the whole text, where one is in use), base (what
    every text starts from) or brand (what was learned for the brand). `start` and `end` are
    offsets into the prepared text of the first place, -1 where there is none.
    """

    name: str
    value: float
    kind: str
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Receipt:
    """Why a score is what it is; `compound` is `total / sqrt(total² + 15)`, rounded to 4 places.

    `logit` is the sum of `logit_parts`, in order; the probability of negative is
    `1 / (1 + exp(-logit))`. It is None for a scorer that has no head. `hints` are for a person
    ("maybe sarcasm") and change no score.
    """

    prepared: str
    parts: tuple[ReceiptPart, ...]
    total: float
    compound: float
    logit: float | None = None
    logit_parts: tuple[LogitPart, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cue:
    """One sign in the text that somebody waits for an answer: its kind and the words that gave it.

    `kind` is one of complaint, question, request, praise, lead, or an urgency:
    safety, legal, money, churn, outage, press.
    """

    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Score:
    """What a text was found to say; figures are None unless `status` is scored.

    The three probabilities add up to 1. `compound` is VADER's, from -1 to 1, of the prepared text.
    `sentences` are the lowest, the mean and the last compound of its sentences, None for a text
    of one. `is_conflict` says that the stars and the words of a review contradict each other.
    """

    status: ScoreStatus
    label: Label | None = None
    p_neg: float | None = None
    p_neu: float | None = None
    p_pos: float | None = None
    compound: float | None = None
    lang: str = ""
    lang_confidence: float | None = None
    model_id: str = ""
    cues: tuple[Cue, ...] = ()
    rated: bool = False
    sentences: tuple[float, float, float] | None = None
    is_conflict: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """What the scorer is given: words, and what is known about them.

    `names` are brand and product names, which say nothing of the tone; `rating` is on a scale
    of 1 to 5 and outranks the words; `lang` is the source's claim, to be doubted.
    """

    text: str
    lang: str = ""
    rating: float | None = None
    names: tuple[str, ...] = ()
