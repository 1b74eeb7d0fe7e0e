"""A mail server of ours that speaks as much IMAP and SMTP as a test wants, and fails on demand.

It hears one end of a socket pair, so that no port is opened; real servers are in `mail.py`.
"""

import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from earmark_core.dial import Line


@dataclass
class Kept:
    """One mail in a folder."""

    uid: int
    raw: bytes
    flags: str = ""
    date: str = "01-Mar-2026 10:00:00 +0000"


@dataclass
class PostOffice:
    """Its folders, what was sent through it, and what it is to do wrong.

    `breaks_at` are the numbers of mails at which the line breaks; `answers` replaces what SMTP
    says to a command (or to the text, as "."): "drop" takes it and drops the line.
    """

    folders: dict[str, list[Kept]] = field(default_factory=lambda: {"INBOX": []})
    validity: int = 77
    next_uid: int | None = None
    password: str = ""
    breaks_at: set[int] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)
    envelopes: list[str] = field(default_factory=list)
    files_sent: str = ""
    said: list[str] = field(default_factory=list)
    listed: tuple[str, ...] = ()
    lines: int = 0

    def put(self, raw: bytes, uid: int | None = None, folder: str = "INBOX", **more: str) -> Kept:
        """Lays a mail into a folder."""
        mails = self.folders.setdefault(folder, [])
        number = uid or (mails[-1].uid + 1 if mails else 1)
        mails.append(Kept(number, raw, **more))
        return mails[-1]

    def commands(self, word: str) -> list[str]:
        """Gives what was asked that holds *word*."""
        return [line for line in self.said if word in line]

    @asynccontextmanager
    async def line(
        self, host: str, port: int, security: str = "tls", *, ca_file: str = ""
    ) -> AsyncIterator[Line]:
        """Stands in for `Dialer.line`: hosts that begin with smtp are spoken SMTP to."""
        ours, theirs = socket.socketpair()
        self.lines += 1
        talk = self._smtp if host.startswith("smtp") else self._imap
        thread = threading.Thread(target=self._serve, args=(talk, theirs), daemon=True)
        thread.start()
        line = Line(ours, host, seconds=10, context=None)
        try:
            yield line
        finally:
            line.cut()
            line.close()
            thread.join(10)

    def _serve(self, talk: Any, sock: socket.socket) -> None:
        with sock, sock.makefile("rwb") as file, suppress(OSError):
            talk(file)

    # IMAP

    def _imap(self, file: Any) -> None:
        chosen: list[Kept] = []
        _say(file, "* OK IMAP4rev1 ready")
        while line := file.readline():
            tag, _, rest = line.decode("latin-1").strip().partition(" ")
            self.said.append(rest)
            word = rest.split(" ")[0].upper()
            if word == "CAPABILITY":
                _say(file, "* CAPABILITY IMAP4rev1 UIDPLUS", f"{tag} OK done")
            elif word == "LOGIN":
                is_let_in = not self.password or f'"{self.password}"' in rest
                _say(file, f"{tag} OK in" if is_let_in else f"{tag} NO [AUTHENTICATIONFAILED] no")
            elif word in {"EXAMINE", "SELECT"}:
                name = _name(rest.partition(" ")[2])
                if name in self.folders:
                    chosen = self.folders[name]
                    self._opened(file, tag, chosen)
                else:
                    _say(file, f"{tag} NO [NONEXISTENT] no such folder")
            elif word == "LIST":
                _say(file, *self.listed, f"{tag} OK done")
            elif word == "CREATE":
                self.folders[_name(rest.partition(" ")[2])] = []
                _say(file, f"{tag} OK made")
            elif word == "APPEND":
                self._append(file, tag, rest)
            elif word == "UID" and " SEARCH " in rest.upper():
                found = " ".join(str(uid) for uid in _search(rest, chosen))
                _say(file, f"* SEARCH {found}".strip(), f"{tag} OK done")
            elif word == "UID" and not self._fetch(file, tag, rest, chosen):
                return

    def _opened(self, file: Any, tag: str, mails: list[Kept]) -> None:
        following = self.next_uid or (mails[-1].uid + 1 if mails else 1)
        _say(file, f"* {len(mails)} EXISTS", f"* OK [UIDVALIDITY {self.validity}] valid",
             f"* OK [UIDNEXT {following}] next", f"{tag} OK [READ-ONLY] open")  # fmt: skip

    def _append(self, file: Any, tag: str, rest: str) -> None:
        size = int(re.search(r"\{(\d+)\}$", rest)[1])  # type: ignore[index]  # a client always says it
        _say(file, "+ go on")
        raw = file.read(size)
        file.readline()
        name = _name(rest.split(" (", maxsplit=1)[0].partition(" ")[2])
        if name in self.folders:
            self.put(raw, folder=name)
            _say(file, f"{tag} OK filed")
        else:
            _say(file, f"{tag} NO [TRYCREATE] no such folder")

    def _fetch(self, file: Any, tag: str, rest: str, chosen: list[Kept]) -> bool:
        uid = int(rest.split(" ")[2])
        if uid in self.breaks_at:
            file.write(f"* 1 FETCH (UID {uid} BODY[]<0> {{9999}}\r\nhalf a".encode())
            file.flush()
            return False
        most = int(re.search(r"<0\.(\d+)>", rest)[1])  # type: ignore[index]  # a client always says it
        for number, mail in enumerate(chosen, start=1):
            if mail.uid == uid:
                raw = mail.raw[:most]
                facts = f'UID {uid} FLAGS ({mail.flags}) INTERNALDATE "{mail.date}"'
                head = f"* {number} FETCH ({facts} RFC822.SIZE {len(mail.raw)}"
                file.write(f"{head} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
        _say(file, f"{tag} OK done")
        return True

    # SMTP

    def serve_tls(self, sock: socket.socket, context: ssl.SSLContext, *, begin: bool) -> None:
        """Serves one SMTP connection over TLS; with *begin* it starts in clear (STARTTLS)."""
        with sock:  # who asked may leave at any step; once TLS has taken it, this closes nothing
            if begin:
                with sock.makefile("rwb") as file:
                    _say(file, "220 ready")
                    self.said.append(file.readline().decode().strip())
                    _say(file, "250-here", "250 STARTTLS")
                    self.said.append(file.readline().decode().strip())
                    file.write(b"220 go on\r\n250 said before TLS, which nobody may believe\r\n")
                    file.flush()
            secured = context.wrap_socket(sock, server_side=True)
        file = secured.makefile("rwb")
        try:
            self._smtp(file, greets=not begin)
        finally:
            with suppress(OSError):  # who asked may have left already
                file.close()
            secured.close()

    def _smtp(self, file: Any, *, greets: bool = True) -> None:
        if greets:
            _say(file, "220 ready")
        while line := file.readline():
            said = line.decode("latin-1").strip()
            self.said.append(said)
            word = said.split(" ")[0].upper()
            if word in self.answers:
                if self.answers[word] == "drop":
                    return
                _say(file, self.answers[word])
            elif word == "EHLO":
                _say(file, "250-here", "250-8BITMIME", "250-SIZE 9999999", "250 AUTH PLAIN LOGIN")
            elif word == "AUTH":
                _say(file, "235 in")
            elif word == "DATA":
                _say(file, "354 go on")
                if not self._take(file):
                    return
            else:
                self.envelopes += [said] if word in {"MAIL", "RCPT"} else []
                _say(file, "250 fine")

    def _take(self, file: Any) -> bool:
        lines = []
        while (line := file.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line[1:] if line.startswith(b"..") else line)
        answer = self.answers.get(".", "250 taken")
        if answer[0] in "2d":
            self.sent.append(b"".join(lines))
            if self.files_sent:
                self.put(b"".join(lines), folder=self.files_sent)
        if answer == "drop":
            return False
        _say(file, answer)
        return True


def _say(file: Any, *lines: str) -> None:
    file.write("".join(f"{line}\r\n" for line in lines).encode())
    file.flush()


def _name(text: str) -> str:
    return text.strip().removeprefix('"').removesuffix('"').replace('\\"', '"')


def _search(rest: str, mails: list[Kept]) -> list[int]:
    """Answers `n:*` as servers do: with the last mail even where none is as high as n."""
    span = re.search(r"SEARCH UID (\d+):\*", rest)
    if span:
        uids = [mail.uid for mail in mails if mail.uid >= int(span[1])]
        return uids or [mail.uid for mail in mails[-1:]]
    named = re.search(r'HEADER Message-ID "(.*)"$', rest)
    if named:
        wanted = named[1].replace('\\"', '"').replace("\\\\", "\\").encode("latin-1")
        return [mail.uid for mail in mails if wanted in mail.raw]
    return [mail.uid for mail in mails]
