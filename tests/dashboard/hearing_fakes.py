# ruff: noqa: E501 - rows of test data read best on one line
"""Making sources and looking after monitors, in memory: channels and people are invented."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from earmark_core.errors import ConfigError
from earmark_core.jobs import JobRow
from earmark_core.model import Actor
from earmark_dashboard.entering import Looked, TakenIn, Told
from earmark_listeners import monitor
from earmark_listeners.asking import ChannelChoice, NewSource, Question
from earmark_listeners.previewing import MonitorRow, Preview, Stored, preview
from earmark_listeners.probing import Probed, Sample
from earmark_listeners.retention import Kept

CHOICES = (
    ChannelChoice(
        "square", "Talk on the *town* square", "an access token", "what is whispered", False, 300,
        (
            Question("query", "what to search for", "text", True),
            Question("token", "the access token, as env:NAME or file:/path", "secret", False),
            Question("kind", "what is listened to", "choice", False, "talk", ("talk", "mentions")),
            Question("whole", "whole threads", "yes or no", False, "yes"),
        ),
    ),
    ChannelChoice("toll", "A road with a toll", "money", "", True, 900, (Question("road", "which road", "text", True),)),
)  # fmt: skip


class FakeSetup:
    """Remembers what was tried and saved; a query of "down" fails."""

    def __init__(self, clock: Callable[[], datetime], hostile: str = "") -> None:
        self.clock = clock
        self.hostile = hostile
        self.tried: list[tuple[str, Mapping[str, Any]]] = []
        self.added: list[NewSource] = []

    def choices(self, actor: Actor) -> Sequence[ChannelChoice]:
        return CHOICES

    def probe(self, actor: Actor, channel: str, options: Mapping[str, Any]) -> Probed:
        self.tried.append((channel, dict(options)))
        if not options:
            raise ConfigError(
                "query is missing (what to search for).", hint="The options are: query."
            )
        if options.get("query") == "down":
            return Probed(error="The server answers 503.", hint="Try again later.")
        at = self.clock() - timedelta(minutes=4)
        return Probed((Sample(at, "mara", "", self.hostile or "The kettle leaks.", ""),), 1)

    def add(self, actor: Actor, wanted: NewSource) -> int:
        self.added.append(wanted)
        return 7


class FakeEntering:
    """Remembers what was told; a file holds one mention and one row that is refused."""

    def __init__(self, hostile: str = "") -> None:
        self.hostile = hostile
        self.told: list[tuple[int, Told]] = []
        self.taken: list[tuple[int, str, bytes, bool]] = []

    def write_down(self, actor: Actor, brand_id: int, told: Told) -> bool:
        if not told.text.strip():
            raise ConfigError("There is no text, no title and no rating.")
        is_new = (brand_id, told) not in self.told
        self.told.append((brand_id, told))
        return is_new

    def look(self, actor: Actor, name: str, content: bytes) -> Looked:
        said = self.hostile or "The kettle leaks."
        return Looked(2, 1, ((said, said),), (f"Line 2: {said}",))

    def take(
        self,
        actor: Actor,
        brand_id: int,
        name: str,
        content: bytes,
        *,
        history: bool,
        tick: Callable[[int], None],
    ) -> TakenIn:
        tick(2)
        self.taken.append((brand_id, name, content, history))
        return TakenIn(1, 0, 1, ("Line 2: The line is not JSON.",))


class FakeBackfills:
    """Remembers what was asked for; one job of each source, half done."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, datetime, datetime]] = []
        self.cancelled: list[int] = []

    def ask(self, actor: Actor, source_id: int, start: datetime, end: datetime) -> int:
        if not start < end:
            raise ConfigError("The stretch of time is empty.")
        self.asked.append((source_id, start, end))
        return 4

    def cancel(self, actor: Actor, job_id: int) -> bool:
        self.cancelled.append(job_id)
        return True

    def latest(self, actor: Actor, source_id: int) -> JobRow | None:
        if not self.asked:
            return None
        state = "cancelled" if self.cancelled else "running"
        return JobRow(
            4, "backfill", {}, state, 50, 100, "12 new mentions." if self.cancelled else "", False
        )


class FakeMonitors:
    """Two monitors over five stored texts."""

    def __init__(self, clock: Callable[[], datetime], hostile: str = "") -> None:
        self.clock = clock
        self.hostile = hostile
        self.made = [
            MonitorRow(
                1, "Fernweh Coffee", 1, "All mentions", "fernweh NOT hotel", "", 3, True, True
            ),
            MonitorRow(
                2, "Northlight", 3, hostile or "Refunds", "northlight refund*", "", 1, True, False
            ),
        ]

    def rows(self, actor: Actor) -> Sequence[MonitorRow]:
        return [replace(row, words=monitor.explain(monitor.parse(row.query))) for row in self.made]

    def preview(self, actor: Actor, query: str) -> Preview:
        now = self.clock()
        texts = (
            self.hostile or "Fernweh lost my refund",
            "The Fernweh hotel is lovely",
            "Northlight refunds",
            "Refund from Fernweh at last",
        )
        stored = [
            Stored(n, now - timedelta(hours=n), "", text, "mara", "mastodon", monitor.About())
            for n, text in enumerate(texts)
        ]
        return preview(monitor.parse(query), stored)

    def add(self, actor: Actor, brand_id: int, name: str, query: str) -> int:
        monitor.parse(query)
        self.made.append(MonitorRow(9, "Northlight", brand_id, name, query, "", 1, True, False))
        return 9

    def save(self, actor: Actor, monitor_id: int, query: str, version: int) -> int:
        monitor.parse(query)
        self._change(monitor_id, query=query, version=version + 1)
        return version + 1

    def switch(self, actor: Actor, monitor_id: int, *, on: bool) -> None:
        self._change(monitor_id, is_enabled=on)

    def _change(self, monitor_id: int, **values: Any) -> None:
        self.made = [replace(row, **values) if row.id == monitor_id else row for row in self.made]


class FakeKeeping:
    """Keeps for 30 days at most, as if a platform's terms said so."""

    def __init__(self) -> None:
        self.said: list[tuple[int, int | None, int | None]] = []

    def of(self, actor: Actor, source_id: int) -> Kept:
        _, days, raw_days = self.said[-1] if self.said else (source_id, None, 7)
        return Kept(
            source_id, "Kettle", "s", "square", days, raw_days, min(days or 30, 30), raw_days, 30
        )

    def change(
        self, actor: Actor, source_id: int, retention_days: int | None, raw_days: int | None
    ) -> Kept:
        if retention_days == 13:
            raise ConfigError("Not thirteen.", hint="Take another.")
        self.said.append((source_id, retention_days, raw_days))
        return self.of(actor, source_id)
