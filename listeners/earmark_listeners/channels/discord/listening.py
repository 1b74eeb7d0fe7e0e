"""Listens to one channel of a Discord server.

Each poll asks for the newest page, which tells of edits, too. Where it does not reach back to what
was heard last, the channel is walked forward from there by `after`, the oldest page first, so that
what one poll cannot reach comes with the next.
"""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from earmark_core.errors import Fault, Malformed, Rejected
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.channels.discord.messages import (
    Message,
    moment_of,
    number_at,
    number_of,
    read_message,
    to_item,
)
from earmark_listeners.channels.discord.options import DiscordOptions
from earmark_listeners.channels.discord.replying import MAX_LENGTH, Replying
from earmark_listeners.channels.discord.server import Place, Server
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import Back
from earmark_listeners.lengths import utf16_units
from earmark_listeners.newest_first import Page, read_entries, unreadable_place
from earmark_listeners.replying import RepliesApart
from earmark_listeners.thread_roots import Roots

_FEW = 2


class Discord(RepliesApart, Listener[DiscordOptions]):
    """Watches one channel or thread, and answers there."""

    channel: ClassVar[str] = "discord"
    summary: ClassVar[str] = "Messages of a channel or thread in Discord, with replies"
    options_type: ClassVar[type[DiscordOptions]] = DiscordOptions
    needs: ClassVar[str] = (
        "a bot on the server with the Message Content Intent switched on (Developer Portal, Bot), "
        "and View Channel and Read Message History in the channel; Send Messages to answer"
    )
    collects: ClassVar[tuple[str, ...]] = ("messages",)
    cannot: ClassVar[str] = (
        "threads and forum posts below the channel (each is a source of its own, by its id); an "
        "edit of what is no longer among the newest messages, and what was deleted, unless it is "
        "looked at again"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=MAX_LENGTH,
        length_of=utf16_units,
        counted_in="characters (most emoji count 2)",
        can_edit=True,
        can_delete=True,
        quota="as Discord says for the channel",
        visibility="all who may read the channel",
        default_interval_seconds=120,
        min_interval_seconds=15,
        note="Markdown. Nobody is pinged, whatever the text says.",
    )

    def __init__(self, options: DiscordOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.server = Server(options, wiring)
        self._roots = Roots(wiring.memory, self.server.name)
        self._replying = Replying(self.server, options)
        self._place = Place("", options.channel_id, "", is_thread=False)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new and edited messages, oldest page first; each page moves the cursor."""
        after = _read_cursor(since)
        self._place = await self.server.place()
        newest = await self._page()
        self._raise_if_shown_nothing(newest)
        if after is not None and not any(number <= after for number in _numbers(newest)):
            async for batch in self._forward(after, newest):
                yield batch
            return
        fresh = [raw for raw in newest if after is None or _is_news(raw, after)]
        yield self._batch(fresh, max([*_numbers(newest), after or 0]))

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what was said in a stretch of time, the newest page first."""
        self._place = await self.server.place()
        back = Back(
            self._page_before, self._read, self.server.base_url, when=_when, is_bounded=True,
            pause=lambda: self.server.pause,
        )  # fmt: skip
        async for batch in back.pages(start, end, since):
            yield batch

    async def _page(self, **place: str) -> list[Any]:
        """Gives a page, oldest first."""
        found = await self.server.messages(limit=str(self.options.limit), **place)
        return sorted(found, key=lambda raw: number_of(raw) or 0)

    async def _page_before(self, token: str, _: datetime, end: datetime) -> Page:
        found = await self._page(before=token or str(number_at(end)))
        lowest = min(_numbers(found), default=None)
        return Page(found[::-1], "" if lowest is None else str(lowest))

    async def _forward(self, after: int, newest: Sequence[Any]) -> AsyncIterator[Batch]:
        """Yields the pages from *after* on, up to an empty one."""
        most = self.options.max_pages
        for number in range(1, most + 1):
            page = await self._page(after=str(after))
            fresh = [raw for raw in page if _is_beyond(raw, after)]
            if not _numbers(fresh):
                note = "Discord gave an earlier page again" if page and not fresh else ""
                yield self._batch(fresh, after, note)
                return
            lowest, note, covers_from = min(_numbers(fresh)), "", None
            may_leap = number == 1 and lowest >= min(_numbers(newest), default=lowest)
            if may_leap and await self._lies_between(after, lowest):
                note = "Discord gave the newest messages in place of those that follow"
                covers_from = moment_of(lowest)
            elif number == most:
                note = f"{most} pages were read; what follows comes with the next poll"
            after = max(_numbers(fresh))
            yield self._batch(fresh, after, note, covers_from)

    async def _lies_between(self, after: int, lowest: int) -> bool:
        """Tells whether messages were passed over: whether `after` means what we take it for."""
        found = await self.server.messages(before=str(lowest), limit="1")
        return any(after < number < lowest for number in _numbers(found))

    def _batch(
        self,
        entries: Sequence[Any],
        after: int,
        note: str = "",
        covers_from: datetime | None = None,
    ) -> Batch:
        found = read_entries(entries, self._read, (), self.server.base_url)
        return Batch(
            found.items, cursor=Cursor(json.dumps({"after": str(after)})),
            bad_items=found.bad_items, covers_from=covers_from, note=note,
            state=WindowState.truncated if note else WindowState.complete,
            next_poll_after=self.server.pause,
        )  # fmt: skip

    def _read(self, raw: Any) -> Item | None:
        options = self.options
        return to_item(
            raw, self._place, options.site, self._roots, own=options.own, bots=options.include_bots
        )

    def _raise_if_shown_nothing(self, newest: Sequence[Any]) -> None:
        """Raises where the words of people are kept from us: without them there is nothing."""
        said = [
            message for message in map(_readable, newest) if message and self._is_theirs(message)
        ]
        hidden = sum(message.is_wordless for message in said)
        if hidden > _FEW and 2 * hidden > len(said):
            raise Rejected(
                f"Discord keeps the words of {hidden} of {len(said)} messages from the bot.",
                fault=Fault.forbidden,
                hint="Switch on the Message Content Intent: Developer Portal, the app, Bot.",
                subject=self.server.base_url,
            )

    def _is_theirs(self, message: Message) -> bool:
        is_own = message.author.id in {self._place.own_id, *self.options.own}
        return message.is_spoken and not message.is_automatic and not is_own


def _readable(raw: Any) -> Message | None:
    try:
        return read_message(raw)
    except Malformed:
        return None


def _numbers(entries: Sequence[Any]) -> list[int]:
    return [number for number in map(number_of, entries) if number is not None]


def _is_beyond(raw: Any, after: int) -> bool:
    """Tells whether an entry is new; one without an id is, so that it is not lost in silence."""
    number = number_of(raw)
    return number is None or number > after


def _is_news(raw: Any, after: int) -> bool:
    """Tells whether an entry is new, or was changed at some time."""
    return _is_beyond(raw, after) or bool(raw.get("edited_timestamp"))


def _when(raw: Any) -> datetime | None:
    number = number_of(raw)
    return None if number is None else moment_of(number)


def _read_cursor(since: Cursor | None) -> int | None:
    if since is None:
        return None
    try:
        return int(json.loads(since)["after"])
    except (ValueError, KeyError, TypeError):
        raise unreadable_place("discord", "it then begins at the newest messages.") from None
