"""Mail that a machine wrote (RFC 3834): it is kept and marked, and nobody has to answer it."""

import re
from collections.abc import Collection
from email.message import Message

from earmark_listeners.channels.email.content import addresses

_BULK = frozenset(("bulk", "list", "junk", "auto_reply"))
_DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|postmaster|no[-_.]?reply|do[-_.]?not[-_.]?reply|bounces?)(?:[-+=].*)?"
)
_COMMENT = re.compile(r"\([^()]{0,500}\)")


def machine(mail: Message) -> str:
    """Gives the sign by which a machine wrote this mail, "" if a person did."""
    auto = _word(mail.get("Auto-Submitted", ""))
    if auto and auto != "no":
        return f"Auto-Submitted: {auto}"
    precedence = _word(mail.get("Precedence", ""))
    if precedence in _BULK:
        return f"Precedence: {precedence}"
    for name in ("List-Id", "List-Unsubscribe", "X-Auto-Response-Suppress", "X-Autoreply",
                 "X-Autorespond"):  # fmt: skip
        if mail.get(name):
            return name
    if str(mail.get("Return-Path", "")).strip() == "<>":
        return "an empty Return-Path"
    if mail.get_content_type() == "multipart/report":
        return "a delivery report"
    for _, address in addresses(mail, "From"):
        if _DAEMON.fullmatch(address.partition("@")[0]):
            return "a sender that takes no answers"
    return ""


def is_awaited(address: str, senders: Collection[str]) -> bool:
    """Says whether the source asks to hear the automatic mail of this address, by it or domain."""
    domain = address.rpartition("@")[2]
    wanted = {sender.lower().lstrip("@") for sender in senders}
    return address in wanted or domain in wanted


def _word(value: object) -> str:
    said = _COMMENT.sub("", str(value)[:500]).partition(";")[0]
    return said.strip().lower()[:40]
