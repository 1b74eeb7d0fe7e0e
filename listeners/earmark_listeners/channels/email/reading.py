"""A mail becomes an item: who said what, in which thread, and how to answer it."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import Message
from email.utils import parsedate_to_datetime
from hashlib import sha256

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import AUTOMATIC, Author, Item
from earmark_core.text import clean, fingerprint
from earmark_listeners.channels.email.automatic import is_awaited, machine
from earmark_listeners.channels.email.content import (
    Content,
    addresses,
    content_of,
    header_text,
    ids,
)
from earmark_listeners.channels.email.options import EmailOptions
from earmark_listeners.channels.email.quoting import said
from earmark_listeners.wire import raw_text

_REFERENCES = 9
# Ours: reply key, what it answers, its thread; see `own_id`.
_OURS = re.compile(r"[\w.-]{1,80}\.[0-9a-f]{12}\.t([0-9a-f]{20})@\S+")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail as the server has it; `raw` is its beginning, all of it up to the size cap."""

    uid: int
    raw: bytes
    arrived_at: datetime | None = None
    size: int = 0
    flags: frozenset[str] = frozenset()


def parsed(raw: bytes) -> Message:
    """Gives the mail; raises `Malformed` for what is none."""
    mail = message_from_bytes(raw, policy=policy.compat32)
    if not (mail.get("From") or mail.get("Message-ID") or mail.get("Date")):
        raise Malformed("It has none of the headers of a mail.")
    return mail


def read_mail(found: Fetched, options: EmailOptions, validity: int) -> Item:
    """Gives the item of a mail, or raises `Malformed` where it cannot be read."""
    try:
        return _item(parsed(found.raw), found, options, validity)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, AssertionError,
            RecursionError) as error:  # fmt: skip
        # The standard library's parser raises all of these for what people have been sent.
        raise Malformed(f"This mail cannot be read ({type(error).__name__}).") from None


def new_text(mail: Message) -> tuple[str, Content]:
    """Gives what a mail says that is new, and all that it holds."""
    content = content_of(mail)
    text = clean(said(clean(content.text)))
    for name in content.attached[:10]:
        text = f"{text}\n[attached: {name}]".strip()
    return text, content


def thread_of(mail: Message, message_id: str) -> str:
    """Gives the key of a mail's thread: its first mail, by what the headers say.

    Our own Message-IDs carry the key, for there are mail programs that name only the last mail.
    """
    above = [*ids(mail, "References")[:1], *ids(mail, "In-Reply-To")[-1:]]
    if above:
        ours = _OURS.fullmatch(above[0])
        return ours[1] if ours else fingerprint(above[0])[:20]
    return fingerprint(message_id)[:20]


def id_of(mail: Message, raw: bytes) -> str:
    """Gives the Message-ID without its brackets; of a mail without one, a digest."""
    found = ids(mail, "Message-ID")
    return found[0] if found else f"no-id.{sha256(raw).hexdigest()[:32]}"


def own_id(key: str, answered: str, thread: str, domain: str) -> str:
    """Gives the Message-ID of our reply; the same reply always has the same."""
    return f"{key}.{fingerprint(key, answered)[:12]}.t{thread}@{domain}"


def _item(mail: Message, found: Fetched, options: EmailOptions, validity: int) -> Item:
    message_id = id_of(mail, found.raw)
    author, to = _people(mail, options)
    text, content = new_text(mail)
    is_own = author in options.own
    sign = machine(mail)
    is_automatic = bool(sign) and not is_own and not is_awaited(author, options.notifications_from)
    ref = {} if is_own or is_automatic or not to else _reply_ref(mail, message_id, to)
    if ref:
        ref |= {"uid": str(found.uid), "validity": str(validity)}
    names = {address: name for name, address in reversed(_senders(mail))}
    # A Message-ID can be chosen by anybody: with its sender it cannot take another's place.
    external_id = message_id if is_own or not author else f"{message_id}/{author}"
    return Item(
        external_id=external_id,
        kind=AUTOMATIC if is_automatic else "mail",
        text=text,
        title=header_text(str(mail.get("Subject", ""))),
        uri=f"mid:{external_id}",
        author=Author(author, handle=author, name=names.get(author, "")) if author else None,
        published_at=_written_at(mail) or found.arrived_at,
        thread_id=thread_of(mail, message_id),
        parent_id=(ids(mail, "In-Reply-To") or [""])[0],
        reply_ref=ref,
        is_own=is_own,
        raw=raw_text({"text": content.text, "attached": content.attached, "automatic": sign}),
    )


def _senders(mail: Message) -> list[tuple[str, str]]:
    return [*addresses(mail, "Reply-To"), *addresses(mail, "From"), *addresses(mail, "Sender")]


def _people(mail: Message, options: EmailOptions) -> tuple[str, str]:
    """Gives who wrote it and who is to be answered.

    A form on our own site sends from our address and names the customer in Reply-To.
    """
    sent = [address for _, address in addresses(mail, "From")]
    sent = sent or [address for _, address in addresses(mail, "Sender")]
    wanted = [one for _, one in addresses(mail, "Reply-To") if one not in options.own]
    author = sent[0] if sent else ""
    if author in options.own and wanted:
        return wanted[0], wanted[0]
    return author, (wanted or [author])[0]


def _reply_ref(mail: Message, message_id: str, to: str) -> dict[str, str]:
    above = ids(mail, "References") or ids(mail, "In-Reply-To")[-1:]
    chain = [one for one in above if one != message_id]
    if len(chain) >= _REFERENCES:
        chain = [chain[0], *chain[-_REFERENCES + 1 :]]
    return {
        "message_id": message_id,
        "to": to,
        "subject": header_text(str(mail.get("Subject", ""))),
        "references": " ".join(chain),
        "thread": thread_of(mail, message_id),
    }


def _written_at(mail: Message) -> datetime | None:
    """Gives when it says it was written; a time without a zone is UTC."""
    try:
        return as_utc(parsedate_to_datetime(str(mail.get("Date", ""))[:100]))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
