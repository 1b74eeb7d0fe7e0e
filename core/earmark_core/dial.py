"""The door for what does not speak HTTP: a line to a mail server.

It stands beside `earmark_core.fetch` and under the same rule: the address is checked when the
connection is made, TLS is the rule, and each step has a deadline that a dripping server cannot
draw out.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeVar

import httpx

from earmark_core.address import AllowRule, is_public
from earmark_core.connection import CONNECT_SECONDS, AddrInfo, open_socket
from earmark_core.errors import Interrupted, Rejected, Unavailable

T = TypeVar("T")

Security = Literal["tls", "starttls", "none"]
LookUp = Callable[[str, int], Awaitable[Sequence[AddrInfo]]]

_CLOSED: Final = "Only public addresses are reached; an operator can allow one host:port."


class Line:
    """An open connection to one server; `socket` blocks, and is used within `run` only."""

    def __init__(
        self, sock: socket.socket, host: str, *, seconds: float, context: ssl.SSLContext | None
    ) -> None:
        self.socket = sock
        self.host = host
        self._seconds = seconds
        self._context = context
        sock.settimeout(seconds)

    def secure(self) -> socket.socket:
        """Begins TLS and gives the socket to go on with; called within `run`."""
        context = self._context or _trusted()
        self.socket.getpeername()  # a line that is broken is told so: wrapped, it would stay open
        secured = context.wrap_socket(
            self.socket, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.socket = secured  # before the handshake, so that it can be cut short
        secured.do_handshake()
        return secured

    async def run(self, work: Callable[[], T]) -> T:
        """Gives what *work* gives, which may block: it runs in a thread.

        Raises `Interrupted` when the line breaks or the time for this step is over; *work* has
        ended by then.
        """
        task = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(task)
        except ssl.SSLCertVerificationError:
            raise Unavailable(
                "Its certificate is not valid, so nothing was sent.", subject=self.host
            ) from None
        except TimeoutError:
            words = f"There was no whole answer within {self._seconds:g} seconds."
            raise Interrupted(words, subject=self.host) from None
        except OSError as error:
            kind = type(error).__name__
            raise Interrupted(f"The connection failed ({kind}).", subject=self.host) from None
        finally:
            if not task.done():
                self.cut()  # wakes the thread, which would else wait on
                await asyncio.wait([task])
                if not task.cancelled():
                    task.exception()  # nobody is left to hear of it

    def cut(self) -> None:
        """Ends the line at once, whoever is reading from it."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes it."""
        self.socket.close()


class Dialer:
    """Opens lines within the rule; one for each fetcher, as `Fetcher.dial`."""

    def __init__(
        self,
        rule: AllowRule,
        *,
        seconds: float = 30,
        look_up: LookUp | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._rule = rule
        self._seconds = seconds
        self._look_up = look_up or _look_up
        self._context = context

    @asynccontextmanager
    async def line(
        self, host: str, port: int, security: Security = "tls", *, ca_file: str = ""
    ) -> AsyncIterator[Line]:
        """Opens a line and closes it at the end; with "starttls" the caller begins TLS itself.

        Without TLS only a destination is reached that the operator wrote down: a password in
        clear never crosses the open internet. *ca_file* names certificates (PEM) that are
        trusted beside the system's.

        Raises `Rejected` for an address that may not be reached or a *ca_file* that cannot be
        read, `Unavailable` for a server that does not answer.
        """
        subject = f"{host}:{port}"
        is_named = self._rule.names("", host, port)
        if security == "none" and not is_named:
            raise Rejected(
                "Mail without TLS is not read or sent.",
                hint="Use TLS, or have the operator allow this host:port.",
                subject=subject,
            )
        context = _trusting(ca_file) if ca_file else self._context
        try:
            async with asyncio.timeout(min(CONNECT_SECONDS, self._seconds)):
                sock = await self._connected(host, port, is_guarded=not is_named)
        except TimeoutError:
            raise Unavailable("The host does not answer.", subject=subject) from None
        line = Line(sock, host, seconds=self._seconds, context=context)
        try:
            if security == "tls":
                await _before_anything(line.run(line.secure))
            yield line
        finally:
            line.close()

    async def _connected(self, host: str, port: int, *, is_guarded: bool) -> socket.socket:
        subject = f"{host}:{port}"
        try:
            found = await self._look_up(host, port)
        except (OSError, UnicodeError):
            words = "The name of the host cannot be looked up."
            raise Unavailable(words, subject=subject) from None
        open_ones = [one for one in found if not is_guarded or is_public(str(one[4][0]))]
        if not open_ones:
            words = "This address is not on the open internet."
            raise Rejected(words, hint=_CLOSED, subject=subject)
        for info in open_ones:
            sock = open_socket(info)
            sock.setblocking(False)
            try:
                # The very address that was checked, so that no second look-up can differ.
                await asyncio.get_running_loop().sock_connect(sock, info[4])
            except OSError:
                sock.close()
            except asyncio.CancelledError:
                sock.close()
                raise
            else:
                return sock
        raise Unavailable("The host refuses the connection.", subject=subject)


async def _before_anything(step: Awaitable[object]) -> None:
    """Waits for a step after which nothing was said yet: what breaks it took nothing."""
    try:
        await step
    except Interrupted as error:
        raise Unavailable(error.message, subject=error.subject) from None


async def _look_up(host: str, port: int) -> Sequence[AddrInfo]:
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@cache
def _trusted() -> ssl.SSLContext:
    return _context()


def _context() -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    context.load_default_certs()  # as for HTTP: the system's own authorities beside ours
    return context


def _trusting(ca_file: str) -> ssl.SSLContext:
    """Gives what trusts the authorities of a file, too; it is read anew for each line."""
    context = _context()
    try:
        context.load_verify_locations(cafile=Path(ca_file).expanduser())
    except OSError as error:  # an SSLError is one
        words = "It holds no certificate." if isinstance(error, ssl.SSLError) else error.strerror
        raise Rejected(
            f"The file of certificates to trust cannot be read: {words}",
            hint="ca_file names a file in PEM, from BEGIN CERTIFICATE to END CERTIFICATE.",
            subject=ca_file,
        ) from None
    return context
