"""Listens to a Telegram bot.

Telegram keeps what a bot is told in a line, for a day, and strikes out all before the number that
it is asked for. So the next page is asked for only once the one before is stored, and a first poll
asks without a number: what is only tried, and not kept, is not struck out.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_listeners.channels.telegram.messages import (
    KINDS,
    Message,
    is_among,
    message_in,
    number_of,
    to_item,
)
from earmark_listeners.channels.telegram.options import TelegramOptions
from earmark_listeners.channels.telegram.replying import MAX_LENGTH, Replying
from earmark_listeners.channels.telegram.server import Bot
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.lengths import utf16_units
from earmark_listeners.newest_first import unreadable_place
from earmark_listeners.replying import RepliesApart
from earmark_listeners.thread_roots import Roots
from earmark_listeners.wire import bad_item

_FEW = 2
_QUIET = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class _Place:
    """The number of the next update, when it was last asked for, and when the last one came."""

    offset: int
    heard_at: datetime
    last_at: datetime

    @classmethod
    def of(cls, since: Cursor | None) -> Self | None:
        """Gives the place of a cursor; raises `Rejected` for one that is none of ours."""
        if since is None:
            return None
        try:
            kept = json.loads(since)
            moments = [datetime.fromisoformat(kept[key]) for key in ("heard_at", "last_at")]
            return cls(int(kept["offset"]), *map(as_utc, moments))
        except (ValueError, KeyError, TypeError, OverflowError):
            raise unreadable_place(
                "telegram", "it then begins at the oldest that Telegram still has."
            ) from None

    def cursor(self) -> Cursor:
        """Gives it as a cursor."""
        moments = {"heard_at": self.heard_at.isoformat(), "last_at": self.last_at.isoformat()}
        return Cursor(json.dumps({"offset": self.offset, **moments}))


class Telegram(RepliesApart, Listener[TelegramOptions]):
    """Hears what is written to a bot, in groups and channels it is in, and answers there."""

    channel: ClassVar[str] = "telegram"
    summary: ClassVar[str] = "Messages to a Telegram bot, in its groups and channels, with replies"
    options_type: ClassVar[type[TelegramOptions]] = TelegramOptions
    needs: ClassVar[str] = (
        "a bot of its own from @BotFather, without a webhook; in a group, its privacy mode off "
        "(/setprivacy, then add the bot anew) or the bot an administrator; in a channel, the bot "
        "an administrator"
    )
    collects: ClassVar[tuple[str, ...]] = ("messages", "posts")
    cannot: ClassVar[str] = (
        "what was said more than 24 hours before it is asked for, or before the bot came; what "
        "another reader of the same bot took; what other bots say; that a message was deleted; "
        "whether a reply of ours is there: one whose fate is in doubt waits for a person"
    )
    has_thread: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=MAX_LENGTH,
        length_of=utf16_units,
        counted_in="characters (most emoji count 2)",
        can_edit=True,
        can_delete=True,
        quota="about 30 a second, and 20 a minute in a group",
        visibility="the chat it is said in: a private one, a group or a channel",
        default_interval_seconds=60,
        min_interval_seconds=10,
        note="Plain text: nothing is read as Markdown or HTML.",
    )

    def __init__(self, options: TelegramOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.bot = Bot(options, wiring)
        self._own = {*options.own, self.bot.own_id} - {""}
        self._roots = Roots(wiring.memory, f"telegram {self.bot.name}")
        self._replying = Replying(self.bot)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what came since, the oldest first; each page moves the cursor."""
        place, now = _Place.of(since), self.clock()
        note, covers_from = self._lost(place, now)
        kept = place.offset if place else 0
        last_at = place.last_at if place else now
        # After a quiet week Telegram numbers anew, and a number of ours would strike out the new.
        offset = None if place is None or now - last_at >= _QUIET else kept
        for number in range(1, self.options.max_pages + 1):
            updates = await self._updates(offset)
            fresh = [raw for raw in updates if offset is None or _is_beyond(raw, offset)]
            is_last = place is None or len(updates) < self.options.limit
            if updates and not fresh:
                note, is_last = note or "Telegram gave the same messages again", True
            elif len(updates) >= self.options.limit and (is_last or number == self._most):
                note = note or f"{number} pages were read; what follows comes with the next poll"
            items, bad_items = self._read(fresh)
            offset = _after(fresh, kept if offset is None else offset, self.bot.base_url)
            last_at = now if fresh else last_at
            yield Batch(
                items, cursor=_Place(offset, now, last_at).cursor(), bad_items=bad_items,
                covers_from=covers_from, note=note, next_poll_after=self.bot.pause,
                state=WindowState.truncated if note else WindowState.complete,
            )  # fmt: skip
            if is_last:
                return

    @property
    def _most(self) -> int:
        return self.options.max_pages

    async def _updates(self, offset: int | None) -> Sequence[Any]:
        params = {"timeout": "0", "limit": str(self.options.limit),
                  "allowed_updates": json.dumps(KINDS)}  # fmt: skip
        if offset is not None:
            params["offset"] = str(offset)
        self.bot.strikes_out_before(offset)
        found = await self.bot.get("getUpdates", params)
        if not isinstance(found, list):
            raise Malformed("The answer holds no list of updates.", subject=self.bot.base_url)
        return sorted(found, key=lambda raw: number_of(raw) or 0)

    def _lost(self, place: _Place | None, now: datetime) -> tuple[str, datetime | None]:
        """Gives in words what we shall never get, and from when on all is to be had.

        "" where nothing is lost.
        """
        if place is None:
            return "", None
        if place.offset < self.bot.struck_out:
            return "another source reads this bot; what it was given is lost to this one", now
        hours = self.options.keeps_hours
        if now - place.heard_at > timedelta(hours=hours):
            kept_since = now - timedelta(hours=hours)
            return f"Telegram keeps messages for {hours} hours; older ones are lost", kept_since
        return "", None

    def _read(self, fresh: Sequence[Any]) -> tuple[tuple[Item, ...], tuple[BadItem, ...]]:
        """Reads a page; of a message that was edited meanwhile, what it says last."""
        items: dict[str, Item] = {}
        bad_items: list[BadItem] = []
        for raw in fresh:
            try:
                item = self._item(raw)
            except Malformed as error:
                bad_items.append(bad_item(error.message, raw))
                continue
            if item is not None:
                items[item.external_id] = item
        if len(bad_items) > _FEW and len(bad_items) == len(fresh):
            raise Malformed("None of the messages can be read.", subject=self.bot.base_url)
        return tuple(items.values()), tuple(bad_items)

    def _item(self, raw: Any) -> Item | None:
        message, text = message_in(raw)
        named = self.options.chats
        if message is None or (named and not is_among(message.chat, named)):
            return None
        self._follow(message, named)
        return to_item(message, text, raw, self._own, self._roots)

    def _follow(self, message: Message, named: Sequence[str]) -> None:
        """Raises where a group that is listened to got a new id, which nobody has named yet."""
        moved = message.migrate_to_chat_id
        if moved and named and moved not in named:
            raise Rejected(
                f"The group {message.chat.id} became a supergroup, with the id {moved}.",
                fault=Fault.invalid,
                hint=f"Add {moved} to chats; nothing is lost if it is done within a day.",
                subject=self.bot.base_url,
            )


def _is_beyond(raw: Any, offset: int) -> bool:
    number = number_of(raw)
    return number is None or number >= offset


def _after(fresh: Sequence[Any], offset: int, subject: str) -> int:
    """Gives the number to ask for next: *offset* still, where nothing came."""
    numbers = [number for number in map(number_of, fresh) if number is not None]
    if fresh and not numbers:
        raise Malformed("The updates have no numbers.", subject=subject)
    return max(numbers) + 1 if numbers else offset
