"""All that a channel file may import, with core's model, errors and fetch.

A channel builds requests and maps answers. The engine owns cursor, de-duplication, retries,
rate limits, clock, concurrency and logging.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from earmark_core.clock import Clock
from earmark_core.fetch import Fetcher
from earmark_core.model import BadItem, Cursor, Item, WindowState


class ChannelOptions(BaseModel):
    """Options of a source; an unknown key is an error, never ignored.

    A field that holds a secret holds a reference (`env:NAME` or `file:/path`), never the secret,
    and is declared with `json_schema_extra={"secret": True}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


Options = TypeVar("Options", bound=ChannelOptions)


def _code_points(text: str) -> int:
    return len(text)


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """What a channel permits; the composer shows it before a word is sent.

    `max_length` is None where none is known; `length_of` counts as the platform counts.
    `note` is one line for the person who writes.
    """

    can_reply: bool = False
    max_length: int | None = None
    length_of: Callable[[str], int] = _code_points
    counted_in: str = "characters"
    can_edit: bool = False
    can_delete: bool = False
    one_reply_per_item: bool = False
    reply_window: timedelta | None = None
    default_interval_seconds: int = 300
    min_interval_seconds: int = 60
    note: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of items, and where to resume once the page is stored.

    `cursor` None leaves the cursor as it was. `state` says how much of the window this page
    heard; the worst of a poll's pages is the poll's. `covers_from` is the earliest moment the
    poll vouches for, if known. `next_poll_after` is the wait the source asks for.
    """

    items: tuple[Item, ...] = ()
    cursor: Cursor | None = None
    bad_items: tuple[BadItem, ...] = ()
    state: WindowState = WindowState.complete
    covers_from: datetime | None = None
    next_poll_after: timedelta | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a channel is handed beside its options: the door, the clock, and its secrets in clear.

    `secret` resolves a reference from the options (`env:NAME`, `file:/path`); it raises
    `ConfigError` naming the reference if nothing is there.
    """

    fetch: Fetcher
    clock: Clock
    secret: Callable[[str], str]


class Listener(ABC, Generic[Options]):
    """Watches one place where people talk."""

    channel: ClassVar[str]
    summary: ClassVar[str]
    options_type: ClassVar[type[ChannelOptions]]
    rules: ClassVar[ChannelRules] = ChannelRules()
    needs: ClassVar[str] = "nothing"

    def __init__(self, options: Options, wiring: Wiring) -> None:
        self.options = options
        self.fetch = wiring.fetch
        self.clock = wiring.clock
        self.secret = wiring.secret

    @abstractmethod
    def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what is new after *since*, oldest page first where the platform can.

        *since* None is the first poll. Raises only `ListenerError`s. A page that cannot be
        parsed raises `Malformed`: an empty page is not a failed one.
        """


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A reply on its way: text as approved, what it answers, and the key that stays the same."""

    text: str
    target: Mapping[str, Any]
    key: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be answered, as it stands now at the source (cleaned text)."""

    text: str
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """What was to be answered is no longer there."""

    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Our reply as the platform has it."""

    remote_id: str
    url: str = ""


@runtime_checkable
class Responder(Protocol):
    """What a channel offers where the platform takes replies; the Listener class implements it."""

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Reads what is to be answered again, just before sending."""
        ...

    async def send(self, reply: Outgoing) -> Sent:
        """Sends once.

        Raises:
            ReplyRefused: the platform said no; sending again would not help.
            ReplyUnknown: it may or may not have been taken.
            Unavailable: it was certainly not taken; may be tried later.
        """
        ...

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our own reply under the target."""
        ...
