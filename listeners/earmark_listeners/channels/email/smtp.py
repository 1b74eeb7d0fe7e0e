"""SMTP over a line of ours: one mail, and exactly how far it got.

`smtplib` of the standard library speaks the protocol. The commands are given one by one, because
what an error means depends on when it happens: before the text is handed over nothing was taken,
afterwards only the server knows.
"""

import re
import smtplib
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from earmark_core.dial import Line
from earmark_core.errors import EarmarkError, Fault, Rejected, ReplyRefused, Unavailable
from earmark_core.text import clean
from earmark_listeners.channels.email.imap import Login

# Greylisting wants the same mail again after some minutes.
_LATER: Final = timedelta(minutes=15)
_DOT = re.compile(rb"(?m)^\.")


@dataclass(slots=True)
class Progress:
    """How far a mail got; once `may_be_taken`, a line that breaks leaves its fate open."""

    may_be_taken: bool = False


class Smtp(smtplib.SMTP):
    """A client on an open line; its methods block, so they are called within `Line.run`."""

    def __init__(self, line: Line, name: str) -> None:
        super().__init__(local_hostname=name)
        self.sock = line.socket
        self._line = line

    def greeted(self) -> None:
        """Waits for the server to speak first."""
        _expect(220, *self.getreply())

    def begin_tls(self) -> None:
        """Begins TLS; what was said in clear before is forgotten."""
        if not self.has_extn("starttls"):
            raise Unavailable(
                "The mail server offers no TLS at this port, so nothing was sent.",
                hint="Set smtp_security to tls and smtp_port to 465, or ask its operator.",
            )
        _expect(220, *self.docmd("STARTTLS"))
        self._drop_file()
        self.sock = self._line.secure()

    def hello(self) -> None:
        """Says who we are."""
        code, _ = self.ehlo()
        if code != 250:
            _expect(250, *self.helo())

    def log_in(self, login: Login) -> None:
        """Logs in; raises `Rejected` where a person must see to it."""
        if login.is_token:
            said = b64encode(f"user={login.user}\1auth=Bearer {login.secret}\1\1".encode())
            code, _ = self.docmd("AUTH", f"XOAUTH2 {said.decode()}")
            if code == 334:
                code, _ = self.docmd("")  # it says why in a challenge; an empty answer ends it
        else:
            code = self._plain(login)
        if code in (235, 503):
            return
        if 400 <= code < 500:
            raise Unavailable("The mail server does not let us in now.")
        raise Rejected(
            "The mail server does not accept the login for sending.",
            fault=Fault.auth,
            hint="Check user and password, or set smtp_login to false where none is wanted.",
        )

    def _plain(self, login: Login) -> int:
        said = b64encode(f"\0{login.user}\0{login.secret}".encode()).decode()
        if "PLAIN" in str(self.esmtp_features.get("auth", "")).upper().split():
            return self.docmd("AUTH", f"PLAIN {said}")[0]
        code, _ = self.docmd("AUTH", f"LOGIN {b64encode(login.user.encode()).decode()}")
        if code == 334:
            code, _ = self.docmd(b64encode(login.secret.encode()).decode())
        return code

    def hand_over(self, sender: str, to: str, mail: bytes, progress: Progress) -> None:
        """Sends one mail to one address.

        Raises `ReplyRefused` for a no to this mail, `Unavailable` for "later".
        """
        self._step(self.docmd("MAIL", f"FROM:<{sender}>{self._options(mail)}"))
        self._step(self.docmd("RCPT", f"TO:<{to}>"), wanted=(250, 251, 252))
        self._step(self.docmd("DATA"), wanted=(354,))
        body = _DOT.sub(b"..", mail.rstrip(b"\r\n") + b"\r\n")
        progress.may_be_taken = True
        self.send(body + b".\r\n")
        code, said = self.getreply()
        if code >= 400:
            progress.may_be_taken = False  # it looked at the mail and said no
        self._step((code, said))

    def _options(self, mail: bytes) -> str:
        size = f" SIZE={len(mail)}" if self.has_extn("size") else ""
        return f"{size} BODY=8BITMIME" if self.has_extn("8bitmime") else size

    def _step(self, answer: tuple[int, bytes], wanted: tuple[int, ...] = (250,)) -> None:
        code, said = answer
        if code not in wanted:
            raise refusal(code, said)

    def _drop_file(self) -> None:
        file: Any = self.file
        if file is not None:
            file.close()
        self.file = None
        self.helo_resp = None
        self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def leave(self) -> None:
        """Lets go of the line, which its owner closes."""
        self._drop_file()
        self.sock = None


def refusal(code: int, said: bytes) -> EarmarkError:
    """Gives the error that an answer means (RFC 5321, 4.2.1): 4xx passes, 5xx does not."""
    words = clean(said.decode("utf-8", "replace"), limit=200).replace("\n", " ")
    detail = f": {words.rstrip('.')}" if words else ""
    if code in (530, 534, 535, 538):
        return Rejected(
            f"The mail server wants a login ({code}).",
            fault=Fault.auth,
            hint="Set smtp_login and the password of the source.",
        )
    if 500 <= code < 600:
        return ReplyRefused(
            f"The mail server refused the reply ({code}){detail}.",
            hint="Check the address, or answer by another way.",
        )
    wait = _LATER if code in (450, 451, 452) else None
    return Unavailable(f"The mail server asks us to come later ({code}){detail}.", retry_after=wait)


def _expect(wanted: int, code: int, said: bytes) -> None:
    if code != wanted:
        words = clean(said.decode("utf-8", "replace"), limit=200).replace("\n", " ")
        raise Unavailable(f"The mail server is not ready ({code}): {words.rstrip('.')}.")
