"""What a poll changes of a source for good: its address where it has moved, or that it has ended.

A permanent redirect is believed once three polls in a row led to the same place: a server under
repair sends everybody to its front page for an hour. HTTP 410 says itself that it is for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlmodel import Session

from earmark_core import audit
from earmark_core.errors import ConfigError
from earmark_core.redact import redact
from earmark_core.tables import PollWindow, Source
from earmark_core.tables.columns import table_of
from earmark_listeners import registry
from earmark_listeners.contract import ChannelOptions
from earmark_listeners.pace import Trouble
from earmark_listeners.polling import Outcome

POLLS: Final = 3
MOVED: Final = "rule:moved for good"
GONE: Final = "rule:gone for good"
_SOURCE = table_of(Source)
_WINDOW = table_of(PollWindow)


class Standing(Protocol):
    """As much of a source's row as is read and written here."""

    id: int
    moved_to: str
    moved_polls: int


class Polled(Protocol):
    """As much of a claimed source as is needed here."""

    @property
    def source_id(self) -> int:
        """Which source it is."""
        ...

    @property
    def channel(self) -> str:
        """What reads its options."""
        ...

    @property
    def options(self) -> dict[str, Any]:
        """With which it was polled."""
        ...

    @property
    def window_id(self) -> int:
        """The poll's window in the ledger."""
        ...


@dataclass(frozen=True, slots=True)
class Move:
    """Where a source was sent for good, and by how many polls in a row."""

    to: str = ""
    polls: int = 0

    def after(self, outcome: Outcome) -> "Move":
        """Gives the move after another poll; one that failed says nothing of it."""
        if not outcome.went_well:
            return self
        if not outcome.moved_to:
            return Move()
        if outcome.moved_to != self.to:
            return Move(outcome.moved_to, 1)
        return Move(self.to, min(self.polls + 1, POLLS))


def change(
    session: Session, source: Standing, due: Polled, outcome: Outcome, now: datetime
) -> None:
    """Writes what the outcome of a poll changes of its source for good, in the same transaction."""
    if outcome.trouble is Trouble.gone:
        _end(session, source, outcome, now)
    if not (outcome.moved_to or source.moved_to):
        return
    seen = replace(outcome, moved_to=shown_place(due.options, outcome.moved_to))
    move = Move(source.moved_to, source.moved_polls).after(seen)
    if seen.moved_to and move.polls >= POLLS and _has_followed(session, due, move.to, now):
        move = Move()
    source.moved_to, source.moved_polls = move.to, move.polls


def shown_place(options: Mapping[str, Any], to: str) -> str:
    """Gives what may be kept of an address: the host alone where the old one is kept elsewhere."""
    if not to or _is_plain(options.get("url")):
        return to
    parts = urlsplit(to)
    return f"{parts.scheme}://{parts.hostname or ''}"


def options_at(channel: str, options: Mapping[str, Any], to: str) -> dict[str, Any] | None:
    """Gives the options with the new address; None where they must be changed by a person.

    So they must where there is no plain `url` among them, where the old or the new address holds
    something secret, or where the new one is less safe than the old.
    """
    try:
        kind = registry.channel(channel).options_type
    except ConfigError:
        return None
    old = options.get("url")
    if not isinstance(old, str) or not _is_plain(old):
        return None
    if _is_secret(kind) or _holds_a_secret(old, to):
        return None
    if urlsplit(to).scheme != "https" and urlsplit(old).scheme == "https":
        return None
    changed = {**options, "url": to}
    try:
        registry.checked_options(registry.channel(channel), changed)
    except ConfigError:
        return None
    return changed


def _has_followed(session: Session, due: Polled, to: str, now: datetime) -> bool:
    source_id, window_id = due.source_id, due.window_id
    # As they are now: somebody may have changed them while the poll was under way.
    options = session.execute(
        sa.select(_SOURCE.c.options).where(_SOURCE.c.id == source_id)
    ).scalar_one()  # fmt: skip
    changed = options_at(due.channel, options, to) if options == due.options else None
    if changed is None:
        return False
    session.execute(sa.update(_SOURCE).where(_SOURCE.c.id == source_id).values(options=changed))
    audit.record(
        session, at=now, by=MOVED, action="move", subject="source", subject_id=source_id,
        before={"url": options["url"]}, after={"url": to},
        reason=f"{POLLS} polls in a row were sent there for good.",
    )  # fmt: skip
    note = f"It has moved for good; from now on {to} is polled."
    session.execute(
        sa.update(_WINDOW)
        .where(_WINDOW.c.id == window_id)
        .values(note=sa.case((_WINDOW.c.note == "", note), else_=_WINDOW.c.note + " " + note))
    )
    return True


def _end(session: Session, source: Standing, outcome: Outcome, now: datetime) -> None:
    session.execute(sa.update(_SOURCE).where(_SOURCE.c.id == source.id).values(is_enabled=False))
    audit.record(
        session, at=now, by=GONE, action="pause", subject="source", subject_id=source.id,
        before={"is_enabled": True}, after={"is_enabled": False}, reason=outcome.error,
    )  # fmt: skip


def _is_secret(kind: type[ChannelOptions]) -> bool:
    field = kind.model_fields.get("url")
    extra = field.json_schema_extra if field is not None else None
    return field is None or (isinstance(extra, dict) and extra.get("secret") is True)


def _is_plain(url: object) -> bool:
    """Tells an address from a reference to one that is kept elsewhere, because it is a secret."""
    return isinstance(url, str) and urlsplit(url).scheme in ("http", "https")


def _holds_a_secret(*urls: str) -> bool:
    return any("@" in urlsplit(url).netloc or redact(url) != url for url in urls)
