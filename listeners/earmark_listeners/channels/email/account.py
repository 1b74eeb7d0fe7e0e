"""The account: opens the mailbox and the way out, each for as long as it is needed."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from earmark_core.dial import Line
from earmark_core.errors import Fault, Rejected, Unavailable
from earmark_listeners.channels.email.imap import (
    Folder,
    Imap,
    Login,
    connect,
    open_folder,
    sent_folder,
    speak,
)
from earmark_listeners.channels.email.options import EmailOptions
from earmark_listeners.channels.email.smtp import Progress, Smtp
from earmark_listeners.contract import Wiring
from earmark_listeners.oauth import RenewedToken, TokenEndpoint, refresh_token

T = TypeVar("T")

_SENT = "Sent"


class Mailbox:
    """An open mailbox; each call is one step with a deadline of its own."""

    def __init__(self, line: Line, imap: Imap, options: EmailOptions) -> None:
        self._line = line
        self.imap = imap
        self._options = options

    async def run(self, work: Callable[[], T]) -> T:
        """Gives what *work* gives, with errors of ours."""
        return await self._line.run(speak(work))

    async def open(self) -> Folder:
        """Opens the folder that is listened to; raises `Rejected` if it is not there."""
        found = await self.run(lambda: open_folder(self.imap, self._options.folder))
        if found is None:
            raise Rejected(
                f"The mailbox has no folder {self._options.folder!r}.",
                fault=Fault.not_found,
                hint="Check the folder; most mailboxes call theirs INBOX.",
            )
        return found

    async def sent(self) -> str:
        """Gives the name of the folder for sent mail."""
        if self._options.sent_folder:
            return self._options.sent_folder
        return await self.run(lambda: sent_folder(self.imap)) or _SENT


class Account:
    """Who logs in, and where."""

    def __init__(self, options: EmailOptions, wiring: Wiring) -> None:
        self._options = options
        self._wiring = wiring
        self._tokens = _tokens(options, wiring) if options.refresh_token else None

    @asynccontextmanager
    async def mailbox(self) -> AsyncIterator[Mailbox]:
        """Opens the mailbox; what goes wrong names its host."""
        options = self._options
        host = options.imap_host
        try:
            login = await self._login()
            dial = self._wiring.fetch.dial
            port, security = options.imap_port, options.imap_security
            async with dial.line(host, port, security, ca_file=options.ca_file) as line:
                begin_tls = options.imap_security == "starttls"
                imap = await line.run(speak(lambda: connect(line, login, begin_tls=begin_tls)))
                try:
                    yield Mailbox(line, imap, options)
                finally:
                    imap.shutdown()
        except (Rejected, Unavailable) as error:
            error.subject = error.subject or host
            raise

    async def deliver(self, to: str, mail: bytes, progress: Progress) -> None:
        """Hands a mail over; *progress* says how far it came, whatever is raised."""
        options = self._options
        login = await self._login() if options.smtp_login else None
        dial = self._wiring.fetch.dial
        host, port, security = options.smtp_host, options.smtp_port, options.smtp_security
        async with dial.line(host, port, security, ca_file=options.ca_file) as line:

            def work() -> None:
                smtp = Smtp(line, options.domain)
                try:
                    smtp.greeted()
                    smtp.hello()
                    if options.smtp_security == "starttls":
                        smtp.begin_tls()
                        smtp.hello()
                    if login is not None:
                        smtp.log_in(login)
                    smtp.hand_over(options.address, to, mail, progress)
                finally:
                    smtp.leave()

            await line.run(work)

    async def _login(self) -> Login:
        options = self._options
        user = options.user or options.address
        if self._tokens is not None:
            return Login(user, await self._tokens.token(), is_token=True)
        return Login(user, self._wiring.secret(options.password))


def _tokens(options: EmailOptions, wiring: Wiring) -> RenewedToken:
    form = {"client_id": options.client_id}
    if options.client_secret:
        form["client_secret"] = wiring.secret(options.client_secret)
    endpoint = TokenEndpoint(wiring, options.token_url, "email", form=form)
    grant = refresh_token(endpoint, options.refresh_token)
    return RenewedToken(wiring, f"email {options.user or options.address}", grant)
