"""What Telegram sends, and how it becomes an item."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import Field

from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_core.text import safe_link
from earmark_listeners.thread_roots import Roots
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

KINDS: Final = ("message", "edited_message", "channel_post", "edited_channel_post")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SITE: Final = "https://t.me"
_PRIVATE_PREFIX: Final = "-100"
# What stands in a message that somebody said without words.
_ATTACHED: Final = (
    "photo", "video", "animation", "voice", "audio", "video_note", "document", "sticker", "poll",
    "location", "contact",
)  # fmt: skip


class Chat(Wire):
    """Where it was said: private, group, supergroup or channel."""

    id: Id
    type: Word = ""
    title: Word = ""
    username: Word = ""


class User(Wire):
    """Who said it."""

    id: Id
    username: Word = ""
    first_name: Word = ""
    last_name: Word = ""


class Entity(Wire):
    """A stretch of the text that means more; counted in UTF-16 units."""

    type: Word = ""
    offset: int = Field(default=0, ge=0)
    length: int = Field(default=0, ge=0)
    url: Word = ""


class _Answered(Wire):
    message_id: Id


class Message(Wire):
    """A message or a post of a channel; the fields of what is no message are passed over."""

    message_id: Id
    chat: Chat
    date: int = Field(ge=0, lt=10**11)
    edit_date: int | None = Field(default=None, ge=0, lt=10**11)
    sender: User | None = Field(default=None, validation_alias="from")
    sender_chat: Chat | None = None
    text: Word = ""
    caption: Word = ""
    entities: Sequence[Entity] = ()
    caption_entities: Sequence[Entity] = ()
    reply_to_message: _Answered | None = None
    message_thread_id: Word = ""
    is_topic_message: bool = False
    is_automatic_forward: bool = False
    migrate_to_chat_id: Word = ""


class Update(Wire):
    """What happened, with its number; of the four kinds one is there."""

    update_id: int = Field(ge=0)
    message: Message | None = None
    edited_message: Message | None = None
    channel_post: Message | None = None
    edited_channel_post: Message | None = None


def number_of(raw: Any) -> int | None:
    """Gives an update's number even where the rest of it cannot be read."""
    number = raw.get("update_id") if isinstance(raw, dict) else None
    is_number = isinstance(number, int) and not isinstance(number, bool) and number >= 0
    return number if is_number else None


def message_in(raw: Any) -> tuple[Message | None, str]:
    """Gives the message that an update tells of, and its words; None for another kind.

    Raises `Malformed`.
    """
    if not isinstance(raw, dict):
        raise Malformed("This is no object.")
    update = read_as(Update, raw)
    kind = next((each for each in KINDS if getattr(update, each) is not None), "")
    if not kind:
        return None, ""
    message: Message = getattr(update, kind)
    return message, _text(message, raw[kind])


def to_item(
    message: Message, text: str, raw: Any, own: Collection[str], roots: Roots
) -> Item | None:
    """Gives a message as an item, None for what nobody said (somebody joined, a title changed)."""
    if not text or message.is_automatic_forward:
        return None
    chat = message.chat
    key = f"{chat.id}/{message.message_id}"
    above = message.reply_to_message.message_id if message.reply_to_message else ""
    if message.is_topic_message and above == message.message_thread_id:
        above = ""  # what opens a topic; nobody is answered
    parent = f"{chat.id}/{above}" if above else ""
    return Item(
        external_id=key,
        kind="post" if chat.type == "channel" else "message",
        text=text,
        url=link_of(chat, message.message_id),
        author=_author(message),
        published_at=_moment(message.date),
        edited_at=_moment(message.edit_date) if message.edit_date else None,
        thread_id=_thread(message, key, parent, roots),
        parent_id=parent,
        reply_ref={"chat_id": chat.id, "message_id": message.message_id},
        is_own=_is_own(message, own),
        raw=raw_text(raw),
    )


def is_among(chat: Chat, named: Collection[str]) -> bool:
    """Tells whether a chat is one of those named, by id or by public name."""
    return chat.id in named or (bool(chat.username) and chat.username.casefold() in named)


def _thread(message: Message, key: str, parent: str, roots: Roots) -> str:
    """Gives the thread: a private chat is one, so is a topic; elsewhere what answers what."""
    if message.chat.type == "private":
        return message.chat.id
    if message.is_topic_message and message.message_thread_id:
        return f"{message.chat.id}/{message.message_thread_id}"
    return roots.root(key, parent)


def _is_own(message: Message, own: Collection[str]) -> bool:
    sender = message.sender
    if sender and (sender.id in own or (sender.username and sender.username.casefold() in own)):
        return True
    speaker = message.sender_chat or (message.chat if message.chat.type == "channel" else None)
    return speaker is not None and is_among(speaker, own)


def _author(message: Message) -> Author | None:
    """Gives who said it; who speaks as a channel or a group is that channel or group."""
    speaker = message.sender_chat or (message.chat if message.sender is None else None)
    if speaker is not None:
        return Author(speaker.id, speaker.username, speaker.title, _page(speaker.username))
    sender = message.sender
    if sender is None:
        return None
    name = f"{sender.first_name} {sender.last_name}".strip()
    return Author(sender.id, sender.username, name, _page(sender.username))


def _page(username: str) -> str:
    return safe_link(f"{_SITE}/{username}") if username else ""


def link_of(chat: Chat, message_id: str) -> str:
    """Gives where it is read; small groups and private chats have no such address."""
    if chat.type == "private":
        return ""
    if chat.username:
        return safe_link(f"{_SITE}/{chat.username}/{message_id}")
    if chat.id.startswith(_PRIVATE_PREFIX):
        return f"{_SITE}/c/{chat.id.removeprefix(_PRIVATE_PREFIX)}/{message_id}"
    return ""


def _text(message: Message, raw: Any) -> str:
    """Gives the words with the addresses that lie behind them; of a picture, that it is one."""
    if message.text:
        return _with_links(message.text, message.entities)
    if message.caption:
        return _with_links(message.caption, message.caption_entities)
    named = [each for each in _ATTACHED if isinstance(raw, dict) and raw.get(each)]
    return f"[attached: {', '.join(named)}]" if named else ""


def _with_links(words: str, entities: Sequence[Entity]) -> str:
    units = words.encode("utf-16-le", "surrogatepass")
    for entity in sorted(entities, key=lambda each: each.offset, reverse=True):
        end = 2 * (entity.offset + entity.length)
        link = safe_link(entity.url) if entity.type == "text_link" else ""
        if link and end <= len(units):
            units = units[:end] + f" ({link})".encode("utf-16-le", "replace") + units[end:]
    return units.decode("utf-16-le", "replace")


def _moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
