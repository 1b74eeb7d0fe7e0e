"""What Discord sends, and how it becomes an item. Ids are numbers of their moment, in text."""

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import Field

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_core.text import safe_link
from earmark_listeners.channels.discord.server import Place
from earmark_listeners.thread_roots import Roots
from earmark_listeners.wire import Wire, Word, raw_text, read_as

# a message, a reply, and a bot's answer to a command; the rest is what Discord itself says
_SPOKEN: Final = (0, 19, 20, 23)
_FORWARD: Final = 1
_BEGINNING: Final = datetime(2015, 1, 1, tzinfo=UTC)  # what the ids count from
_BITS: Final = 22
_MARK = re.compile(r"<(@!?|@&|#|a?:\w{1,40}:)(\d{1,25})>", re.ASCII)
_Id = Annotated[str, Field(pattern=r"^[0-9]{1,25}$")]


class User(Wire):
    """Who said it, or is spoken of."""

    id: _Id
    username: Word = ""
    global_name: Word = ""
    bot: bool = False


class _Reference(Wire):
    message_id: Word = ""
    type: int = 0


class _File(Wire):
    filename: Word = ""


class _Embed(Wire):
    title: Word = ""
    description: Word = ""
    url: Word = ""


class _Sticker(Wire):
    name: Word = ""


class _Reaction(Wire):
    count: int = 0


class _Copied(Wire):
    content: Word = ""


class _Snapshot(Wire):
    message: _Copied = _Copied()


class _Question(Wire):
    text: Word = ""


class _Poll(Wire):
    question: _Question = _Question()


class Message(Wire):
    """A message; `nonce` is what its sender marked it with."""

    id: _Id
    type: int = 0
    author: User
    content: Word = ""
    timestamp: datetime
    edited_timestamp: datetime | None = None
    message_reference: _Reference | None = None
    webhook_id: Word = ""
    nonce: Word = ""
    mentions: Sequence[User] = ()
    attachments: Sequence[_File] = ()
    embeds: Sequence[_Embed] = ()
    sticker_items: Sequence[_Sticker] = ()
    reactions: Sequence[_Reaction] = ()
    message_snapshots: Sequence[_Snapshot] = ()
    poll: _Poll | None = None

    @property
    def is_spoken(self) -> bool:
        """Tells what somebody said from what Discord says of itself."""
        return self.type in _SPOKEN

    @property
    def is_automatic(self) -> bool:
        """Tells that a bot or a webhook said it."""
        return self.author.bot or bool(self.webhook_id)

    @property
    def is_wordless(self) -> bool:
        """Tells that nothing of it was shown to us, though somebody said something."""
        shown = (self.content, self.attachments, self.embeds, self.sticker_items,
                 self.message_snapshots, self.poll)  # fmt: skip
        return self.is_spoken and not any(shown)

    @property
    def above(self) -> str:
        """Gives the id of what it answers, "" if nothing; a forwarded message answers nothing."""
        found = self.message_reference
        return found.message_id if found is not None and found.type != _FORWARD else ""

    def words(self) -> str:
        """Gives what is said in it, as a reader sees it; `Malformed` where that was not shown."""
        if self.is_wordless:
            raise Malformed("It came without its words: the bot is not shown them.")
        names = {user.id: user.global_name or user.username for user in self.mentions}
        parts = [_MARK.sub(lambda mark: _shown(mark, names), self.content)]
        parts += [each.message.content for each in self.message_snapshots]
        parts += [self.poll.question.text] if self.poll else []
        if self.is_automatic or not self.content:
            parts += [line for each in self.embeds for line in (each.title, each.description)]
        attached = [each.filename for each in self.attachments]
        attached += [each.name for each in self.sticker_items]
        parts += [f"[attached: {name}]" for name in attached if name]
        return "\n".join(part for part in parts if part)


def read_message(raw: Any) -> Message:
    """Gives a message, or raises `Malformed`."""
    return read_as(Message, raw)


def to_item(
    raw: Any, place: Place, site: str, roots: Roots, *, own: Collection[str], bots: bool
) -> Item | None:
    """Gives a message as an item, None for what nobody said, and for other bots unless *bots*."""
    message = read_message(raw)
    is_own = message.author.id in {place.own_id, *own}
    if not message.is_spoken or (message.is_automatic and not (bots or is_own)):
        return None
    text = message.words()
    root = roots.root(message.id, message.above)
    author = message.author
    return Item(
        external_id=message.id,
        kind="message",
        text=text,
        url=safe_link(place.link(site, message.id)),
        author=Author(author.id, author.username, author.global_name or author.username),
        published_at=as_utc(message.timestamp),
        edited_at=as_utc(message.edited_timestamp) if message.edited_timestamp else None,
        thread_id=place.channel_id if place.is_thread else root,
        parent_id=message.above,
        metrics={"likes": sum(each.count for each in message.reactions)}
        if message.reactions
        else {},
        reply_ref={"channel_id": place.channel_id, "message_id": message.id},
        is_own=is_own,
        raw=raw_text(raw),
    )


def number_of(raw: Any) -> int | None:
    """Gives a message's id as a number, by which messages are in order; None without one."""
    given = raw.get("id") if isinstance(raw, dict) else None
    is_id = isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 25
    return int(given) if is_id and given else None


def moment_of(number: int) -> datetime:
    """Gives when the message of this number was said; one out of all bounds, our beginning."""
    try:
        return _BEGINNING + timedelta(milliseconds=number >> _BITS)
    except OverflowError:
        return _BEGINNING


def number_at(at: datetime) -> int:
    """Gives the lowest number that a message of this moment can have."""
    return max((at - _BEGINNING) // timedelta(milliseconds=1), 0) << _BITS


def _shown(mark: re.Match[str], names: dict[str, str]) -> str:
    kind, number = mark.group(1), mark.group(2)
    if kind in ("@", "@!"):
        return f"@{names.get(number) or number}"
    if kind == "@&":
        return "@role"
    return "#channel" if kind == "#" else kind.lstrip("a")
