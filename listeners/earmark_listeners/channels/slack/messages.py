"""What Slack sends, and how it becomes an item. A message's id is its `ts`, a text, per channel."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import Field

from earmark_core.model import Author, Item
from earmark_core.text import safe_link
from earmark_listeners.channels.slack.markup import members_in, plain
from earmark_listeners.channels.slack.server import Me
from earmark_listeners.newest_first import Deleted
from earmark_listeners.wire import Wire, Word, raw_text, read_as

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPOKEN: Final = frozenset(("", "thread_broadcast", "file_share", "me_message", "bot_message"))
_GONE: Final = "tombstone"
_Ts = Annotated[str, Field(pattern=r"^\d{1,11}\.\d{1,9}$")]


class _Edited(Wire):
    ts: _Ts


class _File(Wire):
    name: Word = ""
    title: Word = ""
    mimetype: Word = ""


class _Attachment(Wire):
    fallback: Word = ""
    text: Word = ""


class _Reaction(Wire):
    count: int = 0


class Message(Wire):
    """A message; `thread_ts` is its own `ts` where it begins a thread."""

    ts: _Ts
    subtype: Word = ""
    user: Word = ""
    bot_id: Word = ""
    username: Word = ""
    text: Word = ""
    thread_ts: _Ts | None = None
    edited: _Edited | None = None
    latest_reply: Word = ""
    reply_count: int | None = None
    files: Sequence[_File] = ()
    attachments: Sequence[_Attachment] = ()
    reactions: Sequence[_Reaction] = ()

    @property
    def is_gone(self) -> bool:
        """Tells that it was deleted and only its thread is left."""
        return self.subtype == _GONE

    @property
    def above(self) -> str:
        """Gives the `ts` of what it answers, "" for what begins a thread or stands alone."""
        return self.thread_ts if self.thread_ts and self.thread_ts != self.ts else ""

    @property
    def newest_reply(self) -> str:
        """Gives what changes with each new reply below it, "" where there is none."""
        if self.above or not (self.reply_count or self.latest_reply):
            return ""
        return self.latest_reply or f"{self.reply_count} replies"

    def words(self, names: Mapping[str, str]) -> str:
        """Gives what is said in it, as a reader sees it."""
        text = self.text or "\n".join(each.text or each.fallback for each in self.attachments)
        files = [each.title or each.name or each.mimetype for each in self.files]
        attached = [f"[attached: {name}]" for name in files if name]
        return "\n".join(part for part in (plain(text, names), *attached) if part)


def read_message(raw: Any) -> Message:
    """Gives a message, or raises `Malformed`."""
    return read_as(Message, raw)


def named_in(entries: Sequence[Any]) -> set[str]:
    """Gives the members who speak or are spoken of in entries as they came."""
    found: set[str] = set()
    for raw in entries:
        if isinstance(raw, dict):
            found |= {raw["user"]} if isinstance(raw.get("user"), str) else set()
            found |= members_in(raw["text"]) if isinstance(raw.get("text"), str) else set()
    return found - {""}


def is_ours(message: Message, me: Me, own: Collection[str] = ()) -> bool:
    """Tells whether we said it."""
    by_app = bool(me.bot_id) and message.bot_id == me.bot_id
    return by_app or (bool(message.user) and message.user in {me.user_id, *own})


def to_item(
    raw: Any, place: str, names: Mapping[str, str], me: Me, *, own: Collection[str], bots: bool
) -> Item | Deleted | None:
    """Gives a message of the channel *place* as an item, that it is gone, or None.

    None is for what nobody said (somebody joined, a topic changed), and for other bots unless
    *bots*.
    """
    message = read_message(raw)
    key = f"{place}/{message.ts}"
    if message.is_gone:
        return Deleted(key)
    text = message.words(names)
    is_own = is_ours(message, me, own)
    is_bot = bool(message.bot_id) or message.subtype == "bot_message"
    if message.subtype not in _SPOKEN or not text or (is_bot and not (bots or is_own)):
        return None
    root = message.thread_ts or message.ts
    return Item(
        external_id=key,
        kind="reply" if message.above else "message",
        text=text,
        url=link_to(me, place, message.ts, message.above),
        author=_author(message, names),
        published_at=moment(message.ts),
        edited_at=moment(message.edited.ts) if message.edited else None,
        thread_id=f"{place}/{root}",
        parent_id=f"{place}/{message.above}" if message.above else "",
        metrics=_metrics(message, raw),
        reply_ref={"channel_id": place, "ts": message.ts, "thread_ts": root},
        is_own=is_own,
        raw=raw_text(raw),
    )


def moment(ts: str) -> datetime:
    """Gives the moment that a `ts` tells."""
    seconds, _, rest = ts.partition(".")
    return _EPOCH + timedelta(seconds=int(seconds), microseconds=int(rest[:6].ljust(6, "0")))


def ts_of(at: datetime) -> str:
    """Gives a moment as Slack takes it."""
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    return f"{max(micros, 0) // 10**6}.{max(micros, 0) % 10**6:06d}"


def link_to(me: Me, place: str, ts: str, above: str) -> str:
    """Gives where a message is read; "" where the workspace's address is not known."""
    link = f"{me.url}/archives/{place}/p{ts.replace('.', '')}"
    link += f"?thread_ts={above}&cid={place}" if above else ""
    return safe_link(link) if me.url else ""


def _author(message: Message, names: Mapping[str, str]) -> Author | None:
    who = message.user or message.bot_id
    if not who:
        return None
    name = names.get(message.user) or message.username
    return Author(who, name if name != who else "", name if name != who else "")


def _metrics(message: Message, raw: Mapping[str, Any]) -> dict[str, int]:
    found = {} if message.reply_count is None else {"replies": message.reply_count}
    if "reactions" in raw:
        found["likes"] = sum(each.count for each in message.reactions)
    return found
