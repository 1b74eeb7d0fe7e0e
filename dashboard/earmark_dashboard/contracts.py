"""The width of the door: a page may call what stands here and nothing else.

Every call takes the actor first and checks the role itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from earmark_config.presets import Elsewhere
from earmark_core.budget_words import Limited
from earmark_core.heard import Covered, Gap
from earmark_core.model import Actor, Label, Priority
from earmark_listeners.health import SourceRow
from earmark_queue.rows import (
    CaseView,
    InboxPage,
    MentionPage,
    PersonRow,
    ReplyRow,
    SavedReplyRow,
)
from earmark_sentiment.trends import Marker, Step, TopicTrend, TrendPoint, TrendSummary


class CasesService(Protocol):
    """Changes cases; each call checks the role and raises `EarmarkError`s."""

    def claim(self, actor: Actor, case_id: int, version: int | None = None) -> Any:
        """Makes the actor the owner."""
        ...

    def assign(self, actor: Actor, case_id: int, person_id: int | None, version: int) -> Any:
        """Gives the case to a person, or to nobody."""
        ...

    def snooze(self, actor: Actor, case_id: int, until: datetime, version: int) -> Any:
        """Hides the case until then."""
        ...

    def resolve(self, actor: Actor, case_id: int, version: int, resolution: str = "") -> Any:
        """Ends the case."""
        ...

    def dismiss(self, actor: Actor, case_id: int, version: int, reason: str) -> Any:
        """Ends the case as one that needed no answer."""
        ...

    def reopen(self, actor: Actor, case_id: int, version: int) -> Any:
        """Brings the case back."""
        ...

    def note(self, actor: Actor, case_id: int, body: str) -> Any:
        """Keeps an internal note."""
        ...

    def correct(self, actor: Actor, mention_id: int, label: Label) -> Any:
        """Says what the tone of a mention really is."""
        ...

    def set_priority(self, actor: Actor, case_id: int, priority: Priority, version: int) -> Any:
        """Says how soon the case wants a person."""
        ...

    def save_draft(self, actor: Actor, case_id: int, body: str) -> Any:
        """Keeps a half-written reply; empty forgets it."""
        ...


class ViewsService(Protocol):
    """Reads for the pages."""

    def inbox(
        self,
        actor: Actor,
        view: str = "needs_reply",
        *,
        brand_id: int | None = None,
        channel: str | None = None,
        label: str | None = None,
        search: str = "",
        after: str | None = None,
        limit: int = 50,
    ) -> InboxPage:
        """Gives one page of cases."""
        ...

    def counts(self, actor: Actor, brand_id: int | None = None) -> Mapping[str, int]:
        """Gives how many cases each view holds, capped at 1000."""
        ...

    def case(self, actor: Actor, case_id: int) -> CaseView:
        """Gives one case with its thread; raises `UnknownCase`."""
        ...

    def people(self, actor: Actor) -> Sequence[PersonRow]:
        """Gives who a case can be assigned to."""
        ...

    def saved_replies(self, actor: Actor, brand_id: int) -> Sequence[SavedReplyRow]:
        """Gives the saved replies of a brand."""
        ...

    def outbox(self, actor: Actor) -> Sequence[ReplyRow]:
        """Gives replies, those that are not confirmed first."""
        ...

    def mentions(
        self,
        actor: Actor,
        brand_id: int,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        label: str | None = None,
        channel: str | None = None,
        status: str | None = None,
        topic: tuple[str, str] | None = None,
        is_relevant: bool | None = None,
        conflict: bool = False,
        search: str = "",
        after: str | None = None,
        limit: int = 50,
        fold: bool = False,
        copies_of: int | None = None,
    ) -> MentionPage:
        """Gives the mentions behind a figure, of copies only the oldest where they are folded."""
        ...

    def scored_counts(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> Mapping[str, int]:
        """Gives how many mentions of a period are scored, and how many are not by cause."""
        ...

    def change_counter(self, actor: Actor) -> str:
        """Gives a cheap token that changes when a case or reply changes."""
        ...


class TrendsService(Protocol):
    """Figures over time."""

    def series(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime, step: Step = "day"
    ) -> Sequence[TrendPoint]:
        """Gives one point for each day or hour."""
        ...

    def summary(self, actor: Actor, brand_id: int, start: datetime, end: datetime) -> TrendSummary:
        """Gives the figures of the whole period, of the one before it, and by channel."""
        ...

    def markers(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> Sequence[Marker]:
        """Gives the moments of the period at which the brand's scores changed model."""
        ...

    def share_of_voice(
        self, actor: Actor, start: datetime, end: datetime
    ) -> Sequence[tuple[str, bool, int]]:
        """Gives (brand, is competitor, mentions)."""
        ...

    def by_topic(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> Sequence[TopicTrend]:
        """Gives what mentions find of each topic that is named, the most spoken of first."""
        ...

    def by_hour_of_week(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> Sequence[tuple[int, int, int]]:
        """Gives (weekday, hour, mentions), Monday being 0."""
        ...


class SourcesService(Protocol):
    """How the sources are, and what may be asked of them."""

    def rows(
        self, actor: Actor, *, limit: int | None = None, named: str = ""
    ) -> Sequence[SourceRow]:
        """Gives sources whose name holds *named*, health in words, those in trouble first."""
        ...

    def limits(self, actor: Actor) -> Sequence[Limited]:
        """Gives the hosts that asked us to wait and the quotas that are used up, in words."""
        ...

    def gaps(self, actor: Actor, source_id: int, *, days: int = 7) -> Sequence[Gap]:
        """Gives when a source was not heard, the newest first."""
        ...

    def covered(self, actor: Actor, *, days: int = 7, source_id: int | None = None) -> Covered:
        """Gives how much was heard, of a source or of all."""
        ...

    def poll_now(self, actor: Actor, source_id: int) -> Any:
        """Asks the worker to poll soon."""
        ...

    def pause(self, actor: Actor, source_id: int) -> Any:
        """Stops polling until resumed."""
        ...

    def resume(self, actor: Actor, source_id: int) -> Any:
        """Goes on polling."""
        ...


@dataclass(frozen=True, slots=True)
class BrandRow:
    """A brand that is listened for."""

    id: int
    name: str
    is_competitor: bool = False
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """One monitor or source that would be made: what it is, how it is set, and what it does."""

    kind: str
    name: str
    detail: str
    words: str


class BrandsService(Protocol):
    """Which brands are listened for, and how one begins."""

    def list(self, actor: Actor) -> Sequence[BrandRow]:
        """Gives the brands, own ones first."""
        ...

    def preview(
        self,
        actor: Actor,
        name: str,
        aliases: Sequence[str],
        exclude: Sequence[str],
        elsewhere: Elsewhere | None = None,
    ) -> Sequence[Proposal]:
        """Gives what listening to the brand would set up; saves nothing."""
        ...

    def listen(
        self,
        actor: Actor,
        name: str,
        aliases: Sequence[str],
        exclude: Sequence[str],
        elsewhere: Elsewhere | None = None,
    ) -> Any:
        """Saves what `preview` shows."""
        ...

    def remove_demo(self, actor: Actor) -> Any:
        """Removes the demo brand with all that was heard about it."""
        ...

    def has_demo(self) -> bool:
        """Tells whether the demo is still here."""
        ...
