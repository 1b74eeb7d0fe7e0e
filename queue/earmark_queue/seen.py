"""What is known of a mention and around it when it is decided: values, and nothing else."""

from dataclasses import dataclass, field
from datetime import datetime

from earmark_core.model import Cue, Label, Priority
from earmark_queue.priority import Terms


@dataclass(frozen=True, slots=True)
class Seen:
    """A mention as one brand sees it, with its score.

    `brand_id` None is a mention that no monitor claims. `known_revision` is the wording its case
    knows, None if it belongs to no case of this brand yet. `asked` is what a person said of whether
    it needs an answer, None where nobody did.
    """

    id: int
    brand_id: int | None
    is_competitor: bool = False
    is_own: bool = False
    is_automatic: bool = False
    is_history: bool = False
    is_gone: bool = False
    is_twin: bool = False
    label: Label | None = None
    p_neg: float | None = None
    rating: float | None = None
    cues: tuple[Cue, ...] = ()
    clause: str = ""
    revision: int = 1
    known_revision: int | None = None
    edited_at: datetime | None = None
    seen_at: datetime | None = None
    asked: bool | None = None
    who: str = ""


@dataclass(frozen=True, slots=True)
class Alive:
    """A case that is still worked on; `reasons` are those of its priority."""

    id: int
    status: str
    priority: Priority
    by_person: bool = False
    clock_runs: bool = False
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """The newest case of this contact and thread that was resolved, and when."""

    id: int
    resolved_at: datetime
    was_answered: bool = False


@dataclass(frozen=True, slots=True)
class Repeated:
    """A case of another thread or person about the same text.

    `alive` is None if that case is closed; `copies` have joined it so far.
    """

    case_id: int
    alive: Alive | None = None
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known around a mention when it is decided.

    `alive` and `resolved` are cases of its contact and thread, `repeated` is one about its text.
    """

    terms: Terms = field(default_factory=Terms)
    alive: Alive | None = None
    resolved: Resolved | None = None
    repeated: Repeated | None = None
    followers: int | None = None
    is_vip: bool = False
    earlier_cases: int = 0
    unanswered: int = 0
