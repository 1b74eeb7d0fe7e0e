"""Our reply as a mail. Written by a person, so it is not marked as automatic (RFC 3834, 5)."""

import re
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

from earmark_core.errors import ReplyRefused
from earmark_core.text import clean
from earmark_listeners.channels.email.options import EmailOptions
from earmark_listeners.channels.email.reading import own_id
from earmark_listeners.contract import Outgoing

_RE = re.compile(
    r"(?:re|aw|sv|vs|antw|odp|res|rif|回复|答复)\s*(?:\[\d+\])?\s*[:：]\s*", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\"\\\x00-\x1f]{1,64}@[^@\s<>()\[\],;:\"\\\x00-\x1f]{1,255}")
_ID = re.compile(r"[!-;=?-~]{1,900}")  # printable ASCII but < and >
_MOST_SUBJECT: Final = 400


def message_id(reply: Outgoing, options: EmailOptions) -> str:
    """Gives the Message-ID of a reply, without its brackets; the same at every try."""
    answered, thread = (str(reply.target.get(name, "")) for name in ("message_id", "thread"))
    return own_id(re.sub(r"[^\w.-]", "-", reply.key)[:80], answered, thread, options.domain)


def addressee(reply: Outgoing) -> str:
    """Gives who is answered; raises `ReplyRefused` where nobody can be."""
    to = str(reply.target.get("to", ""))
    if not _ADDRESS.fullmatch(to) or not to.isascii():
        raise ReplyRefused(
            "This mail has no sender that can be answered.", hint="Answer by another way."
        )
    return to


def written(reply: Outgoing, options: EmailOptions, now: datetime) -> bytes:
    """Gives the mail as it goes over the line.

    No header can be smuggled in: the subject becomes one line, ids must look like ids, and the
    standard library's policy refuses a line end in any header.
    """
    ref = {name: str(value) for name, value in reply.target.items()}
    mail = EmailMessage(policy=policy.SMTP)
    name, _, domain = options.address.rpartition("@")
    mail["From"] = Address(options.from_name, name, domain)
    mail["To"] = addressee(reply)
    mail["Subject"] = subject_of(ref.get("subject", ""))
    mail["Date"] = now
    mail["Message-ID"] = f"<{message_id(reply, options)}>"
    mail.set_content(reply.text, charset="utf-8", cte="quoted-printable")
    return _threading(ref) + mail.as_bytes()


def _threading(ref: dict[str, str]) -> bytes:
    """Gives the two headers that put the answer into its thread.

    Written here, because the standard library encodes an id that is longer than a line, and no
    mail program knows it again.
    """
    answered = ref.get("message_id", "")
    if not _ID.fullmatch(answered) or "@" not in answered:
        return b""
    above = [one for one in ref.get("references", "").split() if _ID.fullmatch(one)]
    chain = "\r\n ".join(f"<{one}>" for one in (*above, answered))
    return f"In-Reply-To: <{answered}>\r\nReferences: {chain}\r\n".encode("ascii")


def subject_of(subject: str) -> str:
    """Gives the subject of an answer: Re: once, on one line."""
    words = " ".join(clean(subject, limit=_MOST_SUBJECT).split())
    while found := _RE.match(words):
        words = words[found.end() :]
    return f"Re: {words}".strip()
