"""What a mail holds: its text, and the names of what is attached.

Nothing here trusts the mail: an unknown charset, a broken encoding or a part within a part within
a part is read as well as can be.
"""

import re
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from typing import Final

from earmark_core.text import clean, html_to_text

_MOST_PARTS: Final = 200
_DEEPEST: Final = 20
_MOST_HEADER: Final = 2_000
_LONGEST_LIST: Final = 20_000
# Encodings that Python knows and no mail means.
_NO_CHARSET = frozenset(
    ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7", "utf_7")
)
_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\"\\\x00-\x1f]{1,64}@[^@\s<>()\[\],;:\"\\\x00-\x1f]{1,255}")
_ID = re.compile(r"<([^<>\x00-\x20]{1,900})>")


@dataclass(slots=True)
class Content:
    """The text of a mail, and what else was in it."""

    texts: list[str] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    parts: int = 0

    @property
    def text(self) -> str:
        """Gives the parts of the text one below the other."""
        return "\n\n".join(one for one in self.texts if one.strip())


def content_of(mail: Message) -> Content:
    """Gives the text of a mail, plain where there is any, else what its HTML says."""
    content = Content()
    _read(mail, content, 0)
    return content


def _read(part: Message, content: Content, depth: int) -> None:
    content.parts += 1
    if content.parts > _MOST_PARTS or depth > _DEEPEST:
        return
    kind = part.get_content_type()
    if _is_attached(part, kind):
        content.attached.append(_described(part, kind))
    elif kind == "multipart/alternative":
        _read_best(part, content, depth)
    elif part.is_multipart():
        for inner in _inner(part):
            _read(inner, content, depth + 1)
    else:
        content.texts.append(_text_of(part, kind))


def _read_best(part: Message, content: Content, depth: int) -> None:
    """Takes the plain form, or the first other that says anything."""
    forms = []
    for inner in _inner(part):
        form = Content(parts=content.parts)
        _read(inner, form, depth + 1)
        content.parts = form.parts
        forms.append((inner.get_content_type() != "text/plain", form))
    said = [(is_other, form) for is_other, form in forms if form.text]
    if said:
        content.texts.append(min(said, key=lambda one: one[0])[1].text)
    content.attached += [name for _, form in forms for name in form.attached]


def _inner(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _is_attached(part: Message, kind: str) -> bool:
    if kind.startswith("message/"):
        return True
    if part.is_multipart():
        return False
    if kind not in {"text/plain", "text/html"}:
        return True
    return str(part.get("Content-Disposition", "")).strip().lower().startswith("attachment")


def _described(part: Message, kind: str) -> str:
    named = part.get_filename() or ""
    name = clean(header_text(str(named)), limit=100).replace("\n", " ")
    return f"{name or 'without a name'} ({clean(kind, limit=60)})"


def _text_of(part: Message, kind: str) -> str:
    payload = part.get_payload(decode=True)
    text = decoded(payload if isinstance(payload, bytes) else b"", part.get_content_charset() or "")
    return html_to_text(text) if kind == "text/html" else text.replace("\r\n", "\n")


def decoded(raw: bytes, charset: str) -> str:
    """Gives bytes as text: in the charset they claim, else UTF-8, else Windows-1252."""
    name = charset.strip().lower()
    if name in {"gb2312", "gbk"}:
        name = "gb18030"
    if name == "iso-8859-1":
        name = "cp1252"  # as every mail program reads it
    if name and name not in _NO_CHARSET | {"us-ascii", "ascii"}:
        try:
            return raw.decode(name, "replace")
        except (LookupError, ValueError):
            pass
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def header_text(value: str) -> str:
    """Gives a header as a person reads it, on one line."""
    value = _unescaped(value[:_MOST_HEADER])
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        parts = [(value, None)]
    said = [part if isinstance(part, str) else decoded(part, charset or "")
            for part, charset in parts]  # fmt: skip
    return " ".join(clean("".join(said), limit=_MOST_HEADER).split())


def _unescaped(value: str) -> str:
    """Gives what a header of raw 8-bit bytes says, which the parser keeps as lone surrogates."""
    try:
        return decoded(value.encode("ascii", "surrogateescape"), "")
    except UnicodeEncodeError:
        return value


def addresses(mail: Message, name: str) -> list[tuple[str, str]]:
    """Gives the (name, address) pairs of a header; the address is in small letters."""
    values = [str(value)[:_MOST_HEADER] for value in mail.get_all(name, [])][:5]
    found = getaddresses([value.replace("\r", " ").replace("\n", " ") for value in values])
    return [
        (header_text(said), address.lower())
        for said, address in found[:20]
        if _ADDRESS.fullmatch(address)
    ]


def ids(mail: Message, name: str) -> list[str]:
    """Gives the message ids of a header, without their angle brackets, in its order."""
    return _ID.findall(str(mail.get(name, ""))[:_LONGEST_LIST])
