"""All that a channel file may import, with core's model, errors and fetch.

A channel builds requests and maps answers. The engine owns cursor, de-duplication, retries,
rate limits, clock, concurrency and logging.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from earmark_core.budgets import Budgets
from earmark_core.clock import Clock
from earmark_core.errors import Rejected
from earmark_core.fetch import Fetcher
from earmark_core.model import BadItem, Cursor, Item, WindowState


class ChannelOptions(BaseModel):
    """Options of a source; an unknown key is an error, never ignored.

    A field that holds a secret holds a reference (`env:NAME`, `file:/path` or
    `keyring:SERVICE/NAME`), never the secret, and is declared with
    `json_schema_extra={"secret": True}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


Options = TypeVar("Options", bound=ChannelOptions)


def _code_points(text: str) -> int:
    return len(text)


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """What a channel permits; the composer shows it before a word is sent.

    `max_length` is None where none is known; `length_of` counts as the platform counts, and
    `url_length` is what it takes a link for. `max_bytes` is a second limit, of the text in UTF-8.
    `reply_window` is how long after it was said something may be answered. `quota` and
    `visibility` say in words how many replies are taken and who sees them; `note` is one line for
    the person who writes. `longest_kept_days` is for how long the platform's terms let what it
    gave be kept, None where they set no end.
    """

    can_reply: bool = False
    max_length: int | None = None
    min_length: int = 1
    max_bytes: int | None = None
    url_length: int | None = None
    length_of: Callable[[str], int] = _code_points
    counted_in: str = "characters"
    can_edit: bool = False
    can_delete: bool = False
    one_reply_per_item: bool = False
    reply_window: timedelta | None = None
    quota: str = ""
    visibility: str = "public"
    default_interval_seconds: int = 300
    min_interval_seconds: int = 60
    longest_kept_days: int | None = None
    note: str = ""

    def misfit(self, text: str) -> str:
        """Says in words why the platform would refuse a text of this length; "" if it fits."""
        length = self.length_of(text)
        if self.max_length is not None and length > self.max_length:
            return f"The reply is too long: {length} of {self.max_length} {self.counted_in}."
        size = len(text.encode("utf-8", "surrogatepass"))
        if self.max_bytes is not None and size > self.max_bytes:
            return f"The reply is too long: {size} of {self.max_bytes} bytes."
        if length < self.min_length:
            return f"The reply is too short: {length} of at least {self.min_length}."
        return ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of items, and where to resume once the page is stored.

    `cursor` None leaves the cursor as it was. `state` says how much of the window this page
    heard; the worst of a poll's pages is the poll's. `covers_from` is the earliest moment the
    poll vouches for, if known. `next_poll_after` is the wait the source asks for. `gone` holds the
    external ids of what the source says is deleted or withheld: our copy is blanked. `moved_to` is
    the address to which the source sent us for good (301, 308), if it did.

    Of deliveries only: `said_at` holds, by external id, the moment whose words an item carries,
    where an older delivery may come after a newer one; `named` what was told without its words
    and is to be read (`receiving.Reader`).

    `polls_soon` says that the next poll is to come soon: for what a delivery told too shortly, or
    where a poll ended at its own limits before it had caught up.
    """

    items: tuple[Item, ...] = ()
    cursor: Cursor | None = None
    bad_items: tuple[BadItem, ...] = ()
    state: WindowState = WindowState.complete
    covers_from: datetime | None = None
    next_poll_after: timedelta | None = None
    note: str = ""
    gone: tuple[str, ...] = ()
    moved_to: str = ""
    said_at: Mapping[str, datetime] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    polls_soon: bool = False


def _cannot_keep(reference: str, _: str) -> bool:
    """Keeps nothing: a place that only reads secrets."""
    return not reference


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a channel is handed beside its options: the door, the clock, and its secrets in clear.

    `secret` resolves a reference from the options (such as `env:NAME`); it raises `ConfigError`
    naming the reference if nothing is there. `keep` puts a new secret behind a
    reference, because the platform replaced the old one; it gives False where that cannot be done.
    `memory` outlives the listener, which is built anew for each poll, but not the process: an
    access token belongs there, under a key that begins with the channel's name. `budgets` counts
    what is used of a quota that several sources share, and outlives the process too.
    """

    fetch: Fetcher
    clock: Clock
    secret: Callable[[str], str]
    keep: Callable[[str, str], bool] = _cannot_keep
    memory: MutableMapping[str, Any] = field(default_factory=dict, repr=False)
    budgets: Budgets = field(default_factory=Budgets, repr=False)


Stability = Literal["official API", "unofficial", "feed", "mail", "push"]


class Listener(ABC, Generic[Options]):
    """Watches one place where people talk.

    `collects` names the kinds of item, `cannot` says in words what is never heard here,
    `stability` what the channel stands on. `has_thread` says that items name their thread,
    `is_push` that items also come on their own (`receiving.Receiver`), `shares_address` that the
    platform knows one address for all sources of the channel, so that what comes at one is offered
    to each, `off_by_default` that a source of it is made paused, because it costs money or
    much traffic or is easily misused, `can_backfill` that `backfill` gives what was said in an
    earlier stretch of time.
    """

    channel: ClassVar[str]
    summary: ClassVar[str]
    options_type: ClassVar[type[ChannelOptions]]
    rules: ClassVar[ChannelRules] = ChannelRules()
    needs: ClassVar[str] = "nothing"
    collects: ClassVar[tuple[str, ...]] = ("posts",)
    cannot: ClassVar[str] = ""
    stability: ClassVar[Stability] = "official API"
    has_thread: ClassVar[bool] = False
    is_push: ClassVar[bool] = False
    shares_address: ClassVar[bool] = False
    off_by_default: ClassVar[bool] = False
    can_backfill: ClassVar[bool] = False

    def __init__(self, options: Options, wiring: Wiring) -> None:
        self.options = options
        self.wiring = wiring
        self.fetch = wiring.fetch
        self.clock = wiring.clock
        self.secret = wiring.secret

    @abstractmethod
    def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what is new after *since*, oldest page first where the platform can.

        *since* None is the first poll. Raises only `ListenerError`s. A page that cannot be
        parsed raises `Malformed`: an empty page is not a failed one.
        """

    def backfill(
        self,
        start: datetime,  # noqa: ARG002 - here, and below: for the channels that can
        end: datetime,  # noqa: ARG002 - the same
        since: Cursor | None,  # noqa: ARG002 - the same
    ) -> AsyncIterator[Batch]:
        """Yields what was said from *start* to before *end*, the newest page first.

        *since* is the cursor of the last page that was stored, None at the beginning; it has
        nothing to do with the cursor of a poll. A page's `covers_from` says from when on, up to
        *end*, all was given by now. Once the pages end without an error all was, unless the last
        one is truncated: then the platform gives no more, `note` says why, and its `covers_from`
        is how far back it went. Raises as `poll` does.
        """
        raise Rejected(
            "This channel gives only what is new.",
            hint="What is older can be taken in with `earmark import`.",
            subject=self.channel,
        )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A reply on its way: text as approved, what it answers, and the key that stays the same."""

    text: str
    target: Mapping[str, Any]
    key: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be answered, as it stands now at the source (cleaned text).

    `text` None: the source cannot be asked for it again, and what was heard last has to do.
    """

    text: str | None
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """What was to be answered is no longer there, and what was stored of it is blanked.

    What is there and only takes no answer (locked, hidden, answered by somebody) is not gone:
    `target` raises `ReplyRefused`.
    """

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
