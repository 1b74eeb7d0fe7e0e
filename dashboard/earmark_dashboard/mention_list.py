"""The list of mentions: which are asked for, one page of them, and how many each view holds.

What a visitor reads stays as it is until they ask for something else: rows that move while they
are being chosen would be corrected by mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from earmark_core.model import Actor, ScoreStatus
from earmark_dashboard.mention_words import CAUSES
from earmark_dashboard.services import Services
from earmark_queue.rows import MentionPage

PAGE = 100
COUNTED = 200
VIEWS = {
    "all": "All",
    "unscored": "Not scored",
    "conflict": "Stars and words disagree",
    "irrelevant": "Not about us",
}
Topic = tuple[str, str]
Window = timedelta | tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which mentions of a brand are wanted; the window is a time up to now, or from and to.

    Copies of a text are one line unless they are wanted *apart*, or just those of one group.
    """

    brand_id: int
    window: Window
    view: str = "all"
    status: str | None = None
    label: str | None = None
    channel: str | None = None
    topic: Topic | None = None
    search: str = ""
    apart: bool = False
    copies_of: int | None = None

    @property
    def is_narrowed(self) -> bool:
        """Tells whether more than brand, time and view was asked for."""
        chosen = (self.status, self.label, self.channel, self.topic, self.search, self.copies_of)
        return any(chosen)

    def terms(self) -> dict[str, Any]:
        """Gives what is asked beside brand and time as the service takes it."""
        return {
            "label": self.label,
            "channel": self.channel,
            "status": (self.status or "unscored") if self.view == "unscored" else None,
            "topic": self.topic,
            "is_relevant": False if self.view == "irrelevant" else None,
            "conflict": self.view == "conflict",
            "search": self.search,
            "fold": not self.apart and self.copies_of is None,
            "copies_of": self.copies_of,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mentions another page wants to be seen in the list."""

    brand_id: int
    window: tuple[datetime, datetime]
    label: str | None = None
    topic: Topic | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is of a brand in a window: counts by view, why mentions have no score, filters."""

    start: datetime
    end: datetime
    read_at: datetime
    counts: Mapping[str, str]
    causes: Mapping[str, int]
    channels: tuple[str, ...]
    topics: tuple[Topic, ...]


def _span(now: datetime, window: Window) -> tuple[datetime, datetime]:
    if isinstance(window, tuple):
        return window
    end = (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    return end - window, end


def overview(services: Services, actor: Actor, brand_id: int, window: Window) -> Overview:
    """Reads how many mentions each view holds and by what they can be narrowed.

    Views that no rollup counts are counted up to 200.
    """
    now = services.clock()
    start, end = _span(now, window)
    found = services.views.scored_counts(actor, brand_id, start, end)

    def few(**terms: Any) -> str:
        page = services.views.mentions(
            actor, brand_id, start=start, end=end, limit=COUNTED, **terms
        )
        return f"{len(page.rows)}{'+' if page.next else ''}"

    by_channel = services.trends.summary(actor, brand_id, start, end).by_channel
    return Overview(
        start=start,
        end=end,
        read_at=now,
        counts={
            "all": f"{sum(found.values()):,}",
            "unscored": f"{sum(found.values()) - found.get(ScoreStatus.scored, 0):,}",
            "conflict": few(conflict=True),
            "irrelevant": few(is_relevant=False),
        },
        causes={status: found.get(status, 0) for status in CAUSES},
        channels=tuple(sorted(name for name, _ in by_channel)),
        topics=tuple(services.judging.topics(actor, brand_id)),
    )


@dataclass(slots=True)
class Place:
    """Where a visitor is in the list; `trail` holds the keys of the pages up to this one."""

    trail: list[str] = field(default_factory=list)
    said: str = ""
    _about: tuple[int, Window] | None = None
    _overview: Overview | None = None
    _asked: Asked | None = None
    _page: MentionPage | None = None

    def turn(self, key: str | None) -> None:
        """Goes on to the page of that key, or one back with None."""
        if key is not None:
            self.trail.append(key)
        elif self.trail:
            self.trail.pop()
        self._page, self.said = None, ""

    def again(self, said: str = "") -> None:
        """Lets everything be read anew on the page the visitor is on."""
        self._overview = self._page = None
        self.said = said

    def overview(self, services: Services, actor: Actor, brand_id: int, window: Window) -> Overview:
        """Gives the overview, as it was read first."""
        if self._overview is None or self._about != (brand_id, window):
            self._overview = overview(services, actor, brand_id, window)
            self._about, self._page = (brand_id, window), None
        return self._overview

    def page(self, services: Services, actor: Actor, asked: Asked, within: Overview) -> MentionPage:
        """Gives the page the visitor is on: the first one where something else is asked for."""
        if asked != self._asked:
            if self._asked is not None:
                self.said = ""
            self._asked, self._page = asked, None
            self.trail.clear()
        if self._page is None:
            self._page = services.views.mentions(
                actor,
                asked.brand_id,
                start=within.start,
                end=within.end,
                **asked.terms(),
                after=self.trail[-1] if self.trail else None,
                limit=PAGE,
            )
        return self._page
