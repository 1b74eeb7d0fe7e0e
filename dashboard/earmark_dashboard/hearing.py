"""The width of the door to what is listened to: making sources, looking after monitors.

Every call takes the actor first and checks the role itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from earmark_core.jobs import JobRow
from earmark_core.model import Actor
from earmark_listeners.asking import ChannelChoice, NewSource
from earmark_listeners.previewing import MonitorRow, Preview
from earmark_listeners.probing import Probed
from earmark_listeners.retention import Kept


class SetupService(Protocol):
    """How a source is made: what its channel asks, a try, and saving it."""

    def choices(self, actor: Actor) -> Sequence[ChannelChoice]:
        """Gives every channel with what it asks."""
        ...

    def probe(self, actor: Actor, channel: str, options: Mapping[str, Any]) -> Probed:
        """Tries a source and gives up to five of its items; stores nothing."""
        ...

    def add(self, actor: Actor, wanted: NewSource) -> int:
        """Saves a source."""
        ...


class BackfillsService(Protocol):
    """What a source said earlier, fetched by the worker."""

    def ask(self, actor: Actor, source_id: int, start: datetime, end: datetime) -> int:
        """Puts a backfill in line and gives its job."""
        ...

    def latest(self, actor: Actor, source_id: int) -> JobRow | None:
        """Gives the newest backfill of a source."""
        ...

    def cancel(self, actor: Actor, job_id: int) -> bool:
        """Asks a backfill to stop."""
        ...


class KeepingService(Protocol):
    """For how long what a source brings is kept."""

    def of(self, actor: Actor, source_id: int) -> Kept:
        """Gives what holds for a source."""
        ...

    def change(
        self, actor: Actor, source_id: int, retention_days: int | None, raw_days: int | None
    ) -> Kept:
        """Sets a source's own wishes, None for the installation's."""
        ...


class MonitorsService(Protocol):
    """The saved queries of all brands."""

    def rows(self, actor: Actor) -> Sequence[MonitorRow]:
        """Gives every monitor, explained in words."""
        ...

    def preview(self, actor: Actor, query: str) -> Preview:
        """Gives what a query finds among what was stored; saves nothing."""
        ...

    def add(self, actor: Actor, brand_id: int, name: str, query: str) -> Any:
        """Saves a new monitor."""
        ...

    def save(self, actor: Actor, monitor_id: int, query: str, version: int) -> Any:
        """Gives a monitor another query, as its next version."""
        ...

    def switch(self, actor: Actor, monitor_id: int, *, on: bool) -> Any:
        """Turns a monitor on or off."""
        ...
