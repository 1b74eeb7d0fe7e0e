"""What Meta sends on its own: the handshake, and signed deliveries of changes.

Meta knows one address for all Pages and accounts of an app. A delivery holds entries of several
accounts with several changes each, comes again for hours if it is not answered, and in any order.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from earmark_core.errors import ConfigError, Fault, Malformed, Rejected
from earmark_core.model import BadItem, Item
from earmark_listeners.contract import Batch
from earmark_listeners.graph import GraphOptions
from earmark_listeners.receiving import Incoming
from earmark_listeners.signing import is_same, is_signed
from earmark_listeners.wire import bad_item

_LONGEST_CHALLENGE: Final = 200
_MOST_CHANGES: Final = 2_000
_MILLISECONDS: Final = 100_000_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an entry: which part it is about, what is told, and when it happened."""

    about: str
    value: Mapping[str, Any]
    at: datetime | None


@dataclass
class Gathered:
    """What the changes of a delivery come to; a later change of the same thing holds."""

    items: dict[str, Item] = field(default_factory=dict)
    said_at: dict[str, datetime] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    named: dict[str, None] = field(default_factory=dict)
    bad_items: list[BadItem] = field(default_factory=list)
    polls_soon: bool = False

    def add(self, item: Item, said_at: datetime | None) -> None:
        """Takes an item whose words are those of *said_at*, unless newer ones are there."""
        before = self.said_at.get(item.external_id)
        if before is not None and said_at is not None and said_at < before:
            return
        self.items[item.external_id] = item
        if said_at is not None:
            self.said_at[item.external_id] = said_at

    def batch(self) -> Batch:
        """Gives all of it; what is gone is not told as an item as well."""
        items = tuple(item for name, item in self.items.items() if name not in self.gone)
        return Batch(
            items=items,
            bad_items=tuple(self.bad_items),
            gone=tuple(self.gone),
            said_at={i.external_id: self.said_at[i.external_id] for i in items
                     if i.external_id in self.said_at},
            named=tuple(self.named),
            polls_soon=self.polls_soon,
        )  # fmt: skip


def greeted(query: Mapping[str, str], options: GraphOptions, secret: Callable[[str], str]) -> str:
    """Gives the challenge back; raises `Rejected` unless our verify token comes with it."""
    token = secret(options.verify_token) if options.verify_token else ""
    is_ours = is_same(token, query.get("hub.verify_token", ""))
    challenge = query.get("hub.challenge", "")
    is_fit = 0 < len(challenge) <= _LONGEST_CHALLENGE and challenge.isascii()
    if not is_ours or query.get("hub.mode") != "subscribe" or not (is_fit and challenge.isalnum()):
        raise Rejected(
            "The handshake names another verify token, or is none.",
            fault=Fault.auth,
            hint="Set verify_token to what was written beside the address at Meta.",
        )
    return challenge


def gathered(
    incoming: Incoming,
    options: GraphOptions,
    secret: Callable[[str], str],
    *,
    what: str,
    account: str,
    take: Callable[[Gathered, Change], None],
) -> Batch:
    """Gives what a delivery says of one account; *what* is the object that Meta names.

    *take* puts one change where it belongs, and raises `Malformed` for one that cannot be read:
    that one is kept apart, and the next poll is to come soon.

    Raises:
        Rejected: the app's secret did not sign this very body.
        Malformed: it did, but this is no delivery about such an object.
    """
    if not options.app_secret:
        raise ConfigError(
            "app_secret is needed to take deliveries",
            hint="Set app_secret to the secret of the app, as env:NAME or file:/path.",
        )
    header = incoming.headers.get("x-hub-signature-256", "")
    if not is_signed(secret(options.app_secret), incoming.body, header):
        raise Rejected("The signature is wrong.", fault=Fault.auth, hint="Check app_secret.")
    found = Gathered()
    for raw in _changes(incoming.body, what, account):
        try:
            take(found, _change(*raw))
        except Malformed as error:
            found.bad_items.append(bad_item(error.message, raw[0]))
            found.polls_soon = True
    return found.batch()


def moment(value: Any) -> datetime | None:
    """Gives a moment from seconds since 1970, or milliseconds where it is that many, else None."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return None
    try:
        return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _changes(body: bytes, what: str, account: str) -> list[tuple[Any, Any]]:
    """Gives the changes of one account as they came, each with its entry's moment."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    entries = said.get("entry") if isinstance(said, dict) else None
    if not isinstance(entries, list) or not isinstance(said, dict):
        raise Malformed("There are no entries in it.")
    if said.get("object") != what:
        raise Malformed(f"This address takes what is about the object {what!r}.")
    found: list[tuple[Any, Any]] = []
    for entry in entries:
        if not isinstance(entry, dict) or str(entry.get("id")) != account:
            continue
        changes = entry.get("changes")
        if isinstance(changes, list):
            found.extend((each, entry.get("time")) for each in changes)
    if len(found) > _MOST_CHANGES:
        raise Malformed(f"One delivery may hold {_MOST_CHANGES} changes at most.")
    return found


def _change(raw: Any, at: Any) -> Change:
    value = raw.get("value") if isinstance(raw, dict) else None
    if not isinstance(value, dict):
        raise Malformed("value: there is none")
    return Change(str(raw.get("field") or ""), value, moment(at))
