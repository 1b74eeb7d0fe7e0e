"""A real mail house: Debian's OpenSMTPD takes mail, Dovecot keeps it; started here, ended by pid.

OpenSMTPD hands every message by LMTP to Dovecot. Any name logs in with the same password. Both
listen on loopback, on ports that were free a moment ago. Starting them needs root, as OpenSMTPD
changes to a user of its own. Debian 12's OpenSMTPD fails at every TLS handshake, so mail over TLS
is taken by Dovecot's submission service, which wants a login and hands on to OpenSMTPD.
"""

import contextlib
import imaplib
import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers.certificate import Certificate, make_certificate
from tests.peers.mastodon_mock import free_port

PACKAGES = "dovecot-imapd dovecot-lmtpd dovecot-submissiond opensmtpd"
CARE, PASSWORD = "care@acme.test", "pass"
START_SECONDS = 20.0
_SUBMISSION = Path("/usr/lib/dovecot/submission-login")
_DOVECOT = """\
base_dir = {run}/dv
state_dir = {run}/st
log_path = {run}/dovecot.log
protocols = imap lmtp submission
listen = 127.0.0.1
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:{run}/home/%u/Maildir
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={run}/home/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
hostname = mail.acme.test
submission_relay_host = 127.0.0.1
submission_relay_port = {smtp}
service submission-login {{
  inet_listener submission {{
    port = {submission}
  }}
  inet_listener submissions {{
    port = {submissions}
    ssl = yes
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
"""
_SMTPD = """\
queue ttl 1m
listen on 127.0.0.1 port {smtp}
action "in" lmtp "{run}/dv/lmtp" rcpt-to virtual {{ "@" = mail }}
match from any for any action "in"
"""


@dataclass
class MailHouse:
    """The servers as a person with a mail program would use them."""

    imap_port: int
    imaps_port: int
    smtp_port: int
    submission_port: int
    submissions_port: int
    certificate: Certificate

    @contextmanager
    def program(self, user: str) -> Iterator[imaplib.IMAP4]:
        """Opens somebody's mailbox, to look into it and to change it."""
        imap = imaplib.IMAP4("127.0.0.1", self.imap_port)
        try:
            imap.login(user, PASSWORD)
            yield imap
        finally:
            imap.logout()

    def write(self, mail: bytes, to: str, sender: str = "ines@mail.example") -> None:
        """Sends a mail, and waits until it lies in the mailbox."""
        before = self.count(to)
        with smtplib.SMTP("127.0.0.1", self.smtp_port) as smtp:
            smtp.sendmail(sender, [to], mail)
        until = time.monotonic() + START_SECONDS
        while self.count(to) == before:
            assert time.monotonic() < until, "the mail never arrived"
            time.sleep(0.05)  # another process is waited for

    def lay(self, mail: bytes, user: str, folder: str = "INBOX") -> None:
        """Lays a mail into a mailbox as it is, whatever it is."""
        with self.program(user) as imap:
            typ, said = imap.append(folder, "", None, mail)  # type: ignore[arg-type]  # None is now
            assert typ == "OK", said

    def count(self, user: str, folder: str = "INBOX") -> int:
        """Gives how many mails lie in a folder."""
        with self.program(user) as imap:
            _, found = imap.select(folder, readonly=True)
            return int(found[0] or 0)

    def clear(self, user: str) -> None:
        """Takes every mail out of somebody's folders."""
        with self.program(user) as imap:
            for folder in ("INBOX", "Sent", "Care"):
                typ, found = imap.select(folder)
                if typ == "OK" and int(found[0] or 0):
                    imap.store("1:*", "+FLAGS", "\\Deleted")
                    imap.expunge()

    def flags(self, user: str) -> str:
        """Gives the marks on all mails of the inbox."""
        with self.program(user) as imap:
            imap.select("INBOX", readonly=True)
            return str(imap.fetch("1:*", "(FLAGS)")[1])

    def mails(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """Gives the mails of a folder, oldest first."""
        with self.program(user) as imap:
            imap.select(folder, readonly=True)
            found = imap.fetch("1:*", "(BODY.PEEK[])")[1] if self.count(user, folder) else []
            return [part[1] for part in found if isinstance(part, tuple)]

    def number_anew(self, user: str) -> None:
        """Makes the folder anew with the same mails: UIDVALIDITY and all numbers change."""
        mails = self.mails(user, "Care")
        with self.program(user) as imap:
            imap.delete("Care")
            imap.create("Care")
            for mail in reversed(mails):
                imap.append("Care", "", None, mail)  # type: ignore[arg-type]  # None is now


@contextmanager
def mail_house(need: Callable[[str, str], None]) -> Iterator[MailHouse]:
    """Runs both servers with nothing in them, and ends them by their own process ids."""
    if os.geteuid() != 0:
        pytest.skip("OpenSMTPD can only be started by root: run this as root, or in a container.")
    dovecot, smtpd = shutil.which("dovecot"), _smtpd()
    if dovecot is None or smtpd is None or not _SUBMISSION.is_file():
        need("a mail server (dovecot, opensmtpd)", f"apt-get install {PACKAGES}")
    assert dovecot is not None
    assert smtpd is not None
    # Not under pytest's folder, which nobody but its owner may enter: Dovecot reads as "mail".
    folder = Path(tempfile.mkdtemp(prefix="earmark-mail-"))
    folder.chmod(0o755)
    (folder / "home").mkdir()
    shutil.chown(folder / "home", "mail", "mail")
    for name in ("dv", "st"):
        (folder / name).mkdir()
    names = ("imap", "imaps", "smtp", "submission", "submissions")
    ports = {name: free_port() for name in names}
    certificate = make_certificate(folder)
    files = {"cert": certificate.cert, "key": certificate.key}
    told = {"run": folder, "password": PASSWORD, **ports, **files}
    (folder / "dovecot.conf").write_text(_DOVECOT.format(**told))
    (folder / "smtpd.conf").write_text(_SMTPD.format(**told))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(_running([dovecot, "-F", "-c", str(folder / "dovecot.conf")], folder))
        _wait(ports["imap"], folder)
        stack.enter_context(_running([smtpd, "-d", "-f", str(folder / "smtpd.conf")], folder))
        _wait(ports["smtp"], folder)
        yield MailHouse(*(ports[name] for name in ports), certificate)


def _smtpd() -> str | None:
    return shutil.which("smtpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    with (folder / f"{Path(command[0]).name}.out").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(port: int, folder: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > until:
            said = "\n".join(path.read_text() for path in folder.glob("*.out"))
            raise AssertionError(f"port {port} never opened:\n{said}")
        time.sleep(0.1)  # another process is waited for: nothing tells when it listens
