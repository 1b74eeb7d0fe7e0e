"""A signed webhook: whatever has no channel of its own sends its items here."""

import json
import math
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Author, BadItem, Cursor, Item
from earmark_core.text import clean, safe_link
from earmark_listeners.channels.webhook.options import WebhookOptions
from earmark_listeners.channels.webhook.signatures import verify
from earmark_listeners.contract import Batch, ChannelRules, Listener, Stability
from earmark_listeners.receiving import Incoming
from earmark_listeners.wire import bad_item, raw_text

_MOST_ITEMS: Final = 1_000
_LONGEST_ID: Final = 400
_MISSING: Final = object()


class Webhook(Listener[WebhookOptions]):
    """Takes what is sent to it; there is nobody to ask."""

    channel: ClassVar[str] = "webhook"
    summary: ClassVar[str] = "Signed deliveries of JSON from any other program"
    options_type: ClassVar[type[WebhookOptions]] = WebhookOptions
    needs: ClassVar[str] = "a sender that signs what it sends, and an address it can reach"
    collects: ClassVar[tuple[str, ...]] = ("items",)
    cannot: ClassVar[str] = (
        "what was sent while earmark was down, unless the sender tries again: nobody can be asked"
    )
    stability: ClassVar[Stability] = "push"
    is_push: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        note="answer where it was said", default_interval_seconds=60
    )

    async def poll(
        self,
        since: Cursor | None,  # noqa: ARG002 - the signature is the contract's
    ) -> AsyncIterator[Batch]:
        """Yields nothing: there is nobody to ask."""
        nothing: tuple[Batch, ...] = ()
        for batch in nothing:
            yield batch

    def receive(self, incoming: Incoming) -> Batch:
        """Gives the items of a delivery; see `Receiver.receive`."""
        verify(incoming, self.options, self.secret)
        try:
            said = json.loads(incoming.body)
        except (ValueError, RecursionError):
            raise Malformed("The body is not JSON.") from None
        items: dict[str, Item] = {}
        bad_items: list[BadItem] = []
        for number, entry in enumerate(self._entries(said)):
            try:
                item = self._item(entry)
            except Malformed as error:
                bad_items.append(bad_item(f"item {number}: {error.message}", entry))
            else:
                items[item.external_id] = item
        return Batch(items=tuple(items.values()), bad_items=tuple(bad_items))

    def _entries(self, said: Any) -> list[Any]:
        found = at(said, self.options.items) if self.options.items else said
        entries = found if isinstance(found, list) else [said]
        if isinstance(said, list) and not isinstance(found, list):
            entries = said
        if len(entries) > _MOST_ITEMS:
            raise Malformed(f"One delivery may hold {_MOST_ITEMS} items at most.")
        return entries

    def _item(self, entry: Any) -> Item:
        options = self.options
        external_id = word(at(entry, options.id))
        if not external_id or len(external_id) > _LONGEST_ID:
            raise Malformed(f"There is no id at {options.id}.")
        text, title = word(at(entry, options.text)), word(at(entry, options.title))
        if not text.strip() and not title.strip():
            raise Malformed(f"There is no text at {options.text}.")
        author = word(at(entry, options.author))
        name = word(at(entry, options.author_name))
        return Item(
            external_id=external_id,
            kind="review" if options.rating and at(entry, options.rating) is not _MISSING
            else "post",
            text=text,
            title=clean(title, limit=500),
            is_html=options.text_is_html,
            url=safe_link(word(at(entry, options.url))),
            author=Author(author or name, name=name or author) if author or name else None,
            lang=word(at(entry, options.language)),
            rating=_rating(at(entry, options.rating), options),
            published_at=_moment(at(entry, options.published_at), options.published_at),
            thread_id=word(at(entry, options.thread)),
            raw=raw_text(entry),
        )  # fmt: skip


def at(value: Any, pointer: str) -> Any:
    """Gives what a JSON pointer names within *value*, a marker where it names nothing."""
    if not pointer:
        return _MISSING
    for step in pointer[1:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name, _MISSING)
        elif isinstance(value, list) and name.isascii() and name.isdigit():
            value = value[int(name)] if len(name) < 6 and int(name) < len(value) else _MISSING
        else:
            return _MISSING
    return _MISSING if value is None else value


def word(value: Any) -> str:
    """Gives text as it is and a whole number as its digits; "" for anything else."""
    if isinstance(value, str):
        return value.strip()
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else ""


def _rating(value: Any, options: WebhookOptions) -> float | None:
    if value is _MISSING:
        return None
    number = math.nan
    with suppress(TypeError, ValueError, OverflowError):
        number = float(value)
    if isinstance(value, bool) or not 0 <= number <= options.rating_scale:
        raise Malformed(f"{options.rating} is no rating from 0 to {options.rating_scale:g}.")
    return max(1.0, round(number / options.rating_scale * 5, 2))


def _moment(value: Any, where: str) -> datetime | None:
    if value is _MISSING:
        return None
    try:
        if isinstance(value, str) and not value.strip().isdigit():
            return as_utc(datetime.fromisoformat(value.strip()))
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise Malformed(f"{where} is no time.") from None
