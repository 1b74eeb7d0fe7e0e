"""IMAP over a line of ours: the few commands that are needed, each answer bounded.

`imaplib` of the standard library speaks the protocol; it neither opens the connection here nor
decides how much is read from it.
"""

import imaplib
import re
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

from earmark_core.clock import as_utc
from earmark_core.dial import Line
from earmark_core.errors import Fault, ListenerError, Malformed, Rejected, Unavailable
from earmark_listeners.channels.email.reading import Fetched

T = TypeVar("T")

_LONGEST_LINE: Final = 8_000_000  # the numbers of a million mails
_LARGEST: Final = 25_000_000
_CODE: Final = re.compile(r"\[([A-Z-]+)")
_PASSES: Final = frozenset(("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN"))
_UID = re.compile(rb"\bUID (\d{1,20})")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,20})")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]{1,40})"')
_FLAGS = re.compile(rb"\bFLAGS \(([^()]{0,2000})\)")
_LISTED = re.compile(rb'\(([^()]*)\) (?:"(?:[^"\\]|\\.)*"|NIL) (.+)')


class Imap(imaplib.IMAP4):
    """A client on an open line; its methods block, so they are called within `Line.run`."""

    def __init__(self, line: Line) -> None:
        self._line = line
        super().__init__(line.host)

    def open(
        self,
        host: str = "",
        port: int = 0,
        timeout: float | None = None,  # noqa: ARG002 - the signature is imaplib's
    ) -> None:
        """Takes the line as it is."""
        self.host, self.port = host, port
        self._begin()

    def _begin(self) -> None:
        self.sock = self._line.socket
        self._reader = self.sock.makefile("rb")

    def begin_tls(self) -> None:
        """Begins TLS; what was said in clear before is forgotten."""
        typ, _ = self._simple_command("STARTTLS")
        if typ != "OK":
            raise Unavailable("The mail server does not begin TLS.")
        self._reader.close()
        self._line.secure()
        self._begin()
        self._get_capabilities()

    def read(self, size: int) -> bytes:
        """Reads a literal, if it is of a size that we ask for."""
        if size > _LARGEST:
            raise self.abort("a literal is larger than was asked for")
        return self._reader.read(size)

    def readline(self) -> bytes:
        """Reads a line of bounded length."""
        line = self._reader.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise self.abort("a line is too long")
        return line

    def send(self, data: Any) -> None:
        """Writes."""
        self.sock.sendall(data)

    def shutdown(self) -> None:
        """Lets go of the line, which its owner closes."""
        with suppress(OSError):
            self._reader.close()


@dataclass(frozen=True, slots=True)
class Folder:
    """An opened folder: the numbers in it hold as long as `validity` is the same."""

    validity: int
    next_uid: int | None


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in: by password, or by OAuth where `is_token`."""

    user: str
    secret: str
    is_token: bool = False


def speak(work: Callable[[], T]) -> Callable[[], T]:
    """Gives *work* with the errors of `imaplib` made ours."""

    def spoken() -> T:
        try:
            return work()
        except ListenerError:
            raise
        except imaplib.IMAP4.abort:
            raise Unavailable("The mail server broke the connection off.") from None
        except imaplib.IMAP4.error:
            raise Malformed("The mail server answered what cannot be read.") from None

    return spoken


def connect(line: Line, login: Login, *, begin_tls: bool) -> Imap:
    """Gives a client that is logged in."""
    imap = Imap(line)
    with ExitStack() as undone:
        undone.callback(imap.shutdown)
        if begin_tls:
            imap.begin_tls()
        _log_in(imap, login)
        undone.pop_all()
    return imap


def _log_in(imap: Imap, login: Login) -> None:
    try:
        if login.is_token:
            said = f"user={login.user}\1auth=Bearer {login.secret}\1\1".encode()
            # A server that refuses says why in a challenge, which wants an empty answer.
            imap.authenticate("XOAUTH2", _once(said))
        elif "AUTH=PLAIN" in imap.capabilities:
            imap.authenticate("PLAIN", _once(f"\0{login.user}\0{login.secret}".encode()))
        else:
            imap.login(quoted(login.user), login.secret)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        code = _CODE.search(str(error))
        if code and code[1] in _PASSES:
            words = f"The mail server does not let us in now ({code[1]})."
            raise Unavailable(words) from None
        raise Rejected(
            "The mail server does not accept the login.",
            fault=Fault.auth,
            hint="Check user and password; many servers want an app password, or OAuth.",
        ) from None
    except UnicodeEncodeError:
        raise Rejected(
            "This server takes plain letters in passwords only.", fault=Fault.auth
        ) from None


def _once(said: bytes) -> Callable[[bytes], bytes]:
    answers = iter((said,))
    return lambda _: next(answers, b"")


def open_folder(imap: Imap, name: str) -> Folder | None:
    """Opens a folder to read only, so that nothing in it is marked; None if there is none."""
    typ, _ = imap.select(folder_name(name), readonly=True)
    if typ != "OK":
        return None
    validity = _number(imap, "UIDVALIDITY")
    if validity is None:
        raise Malformed("The mail server gives its folder no UIDVALIDITY.")
    return Folder(validity, _number(imap, "UIDNEXT"))


def _number(imap: Imap, name: str) -> int | None:
    _, found = imap.response(name)
    last = found[-1] if found else None
    return int(last) if last and last.isdigit() else None


def search(imap: Imap, *criteria: str) -> list[int]:
    """Gives the numbers of the mails that fit, lowest first."""
    typ, found = imap.uid("SEARCH", *criteria)
    if typ != "OK":
        raise Unavailable("The mail server does not search its folder now.")
    words = b" ".join(part for part in found if isinstance(part, bytes)).split()
    return sorted({int(word) for word in words if word.isdigit()})


def with_id(imap: Imap, message_id: str) -> list[int]:
    """Gives the numbers of the mails with this Message-ID."""
    return search(imap, "HEADER", "Message-ID", quoted(f"<{message_id}>"))


def fetch(imap: Imap, uid: int, most: int) -> Fetched | None:
    """Gives the first *most* bytes of a mail, left unread; None if it is gone meanwhile."""
    wanted = f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.{most}>)"
    typ, answer = imap.uid("FETCH", str(uid), wanted)
    if typ != "OK":
        raise Unavailable("The mail server does not give a mail.")
    facts, raw, has_body = b"", b"", False
    for part in answer:
        if isinstance(part, tuple):
            facts += part[0] + b" "
            if b"BODY[" in part[0].upper():
                raw, has_body = part[1], True
        elif isinstance(part, bytes):
            facts += part + b" "
    numbers = _UID.findall(facts)
    if not numbers:
        return None
    if not has_body or str(uid).encode() not in numbers:
        raise Malformed("The mail server gave something else than the mail.")
    size = _SIZE.search(facts)
    flags = _FLAGS.search(facts)
    return Fetched(
        uid,
        raw[:most],
        _arrived_at(facts),
        int(size[1]) if size else len(raw),
        frozenset(flags[1].decode("ascii", "replace").split()) if flags else frozenset(),
    )


def _arrived_at(facts: bytes) -> datetime | None:
    found = _DATE.search(facts)
    if not found:
        return None
    try:
        said = found[1].decode("ascii").strip().replace("-", " ", 2)
        return as_utc(parsedate_to_datetime(said))
    except (ValueError, TypeError, IndexError):
        return None


def folders(imap: Imap) -> list[tuple[str, frozenset[str]]]:
    """Gives the folders that can be opened, by name as the server writes it, with their marks."""
    typ, lines = imap.list()
    found = []
    for line in lines if typ == "OK" else ():
        listed = _LISTED.fullmatch(line) if isinstance(line, bytes) else None
        if listed:
            marks = frozenset(listed[1].decode("ascii", "replace").lower().split())
            name = listed[2].decode("ascii", "replace").strip('"').replace('\\"', '"')
            if not marks & {"\\noselect", "\\nonexistent"}:
                found.append((name, marks))
    return found


def sent_folder(imap: Imap) -> str:
    """Gives the name of the folder that is marked for sent mail; "" if none is."""
    return next((name for name, marks in folders(imap) if "\\sent" in marks), "")


def quoted(text: str) -> str:
    """Gives text as IMAP quotes it; raises `Malformed` for what cannot be said so."""
    if not text.isascii() or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise Malformed("This cannot be asked of a mail server.")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def folder_name(name: str) -> str:
    """Gives a folder's name as IMAP writes it: modified UTF-7 (RFC 3501, 5.1.3), quoted."""
    if name.isascii():
        return quoted(name if "&" not in name or "-" in name else name.replace("&", "&-"))
    said = re.sub(r"[^ -~]+", lambda found: _shifted(found[0]), name.replace("&", "&-"))
    return quoted(said)


def _shifted(text: str) -> str:
    coded = text.encode("utf-7").decode("ascii")
    return f"&{coded[1:].rstrip('-').replace('/', ',')}-"
