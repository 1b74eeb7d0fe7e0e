"""The line itself: aiohttp sessions that check the address at the moment they connect."""

import socket
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

from earmark_core.address import is_public
from earmark_core.errors import Interrupted, Rejected, Unavailable
from earmark_core.target import shown

AddrInfo = tuple[Any, ...]  # as `socket.getaddrinfo` gives it
CONNECT_SECONDS: Final = 10.0
_BLOCKED_HINT: Final = (
    "Only public addresses are reached; an operator can allow one host:port in the settings."
)


class ClosedAddress(OSError):
    """The address is not on the open internet."""

    def __init__(self) -> None:
        # The same words every time: where all answers of a look-up fail alike, aiohttp's
        # connector passes the error itself on, and we can tell it from a refused connection.
        super().__init__("this address is not on the open internet")


@dataclass(slots=True)
class Progress:
    """How far one request got; `may_have_arrived` is set before its first byte is written."""

    may_have_arrived: bool = False


progress: ContextVar[Progress | None] = ContextVar("earmark_request_progress", default=None)
"""Of the request that is under way: what the connector tells is noted in it."""


def open_socket(addr_info: AddrInfo) -> socket.socket:
    """Gives a socket of the kind that *addr_info* asks for, not connected yet."""
    family, kind, proto, _, _ = addr_info
    return socket.socket(family=family, type=kind, proto=proto)


def line(
    *,
    guarded: bool,
    resolver: AbstractResolver | None = None,
    opener: Callable[[AddrInfo], socket.socket] = open_socket,
) -> httpx.AsyncBaseTransport:
    """Gives a transport for httpx; a *guarded* one opens sockets to public addresses only.

    aiohttp calls the socket factory with the very address it is about to connect to, once for
    each: after any look-up, for literal addresses as well, on every new connection. No proxy,
    cookie, netrc or other setting of the environment is used, except SSL_CERT_FILE and
    SSL_CERT_DIR for the authorities that are trusted.
    """

    def session() -> aiohttp.ClientSession:
        return client(guarded=guarded, resolver=resolver, opener=opener)

    return AiohttpTransport(verify=False, trust_env=False, client=session)


def client(
    *,
    guarded: bool,
    resolver: AbstractResolver | None = None,
    opener: Callable[[AddrInfo], socket.socket] = open_socket,
    middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
) -> aiohttp.ClientSession:
    """Gives the session that `line` rests on, for what is no exchange of httpx: see there."""

    def checked(addr_info: AddrInfo) -> socket.socket:
        if guarded and not is_public(str(addr_info[4][0])):
            raise ClosedAddress
        return opener(addr_info)

    context = httpx.create_ssl_context()
    context.load_default_certs()  # the system's own authorities beside those we ship
    connector = aiohttp.TCPConnector(
        ssl=context,
        limit=100,
        resolver=resolver,
        socket_factory=checked,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        trace_configs=[_trace()],
        middlewares=middlewares,
    )


def _trace() -> aiohttp.TraceConfig:
    async def connected(_session: aiohttp.ClientSession, _ctx: SimpleNamespace, _: Any) -> None:
        step = progress.get()
        if step is not None:
            step.may_have_arrived = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(connected)
    return trace


def blocked(url: httpx.URL) -> Rejected:
    """Gives the error for an address that may not be reached."""
    return Rejected(
        "This address is not on the open internet.", hint=_BLOCKED_HINT, subject=shown(url)
    )


def failure(
    error: Exception, step: Progress, url: httpx.URL, deadline: float
) -> Rejected | Unavailable:
    """Says what went wrong below, and whether the request may have arrived."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        cause = getattr(cause, "os_error", None) or cause.__cause__
    if any(isinstance(one, ClosedAddress) for one in seen):
        return blocked(url)
    # httpx-aiohttp calls many a broken line a failed connect. The name of the error proves that
    # nothing was sent only when it has no cause: when a stand-in transport raised it.
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) and len(seen) == 1
    kind = Interrupted if step.may_have_arrived and not unsent else Unavailable
    return kind(_words(seen, deadline), subject=shown(url))


def _words(seen: list[BaseException], deadline: float) -> str:
    for one in seen:
        match one:
            case aiohttp.ClientConnectorDNSError():
                return "The name of the host cannot be looked up."
            case aiohttp.ClientConnectorCertificateError():
                return "Its certificate is not valid, so nothing was sent."
            case TimeoutError() if one is seen[0]:
                return f"There was no whole answer within {deadline:g} seconds."
            case ConnectionRefusedError():
                return "The host refuses the connection."
    last = type(seen[-1]).__name__
    return f"The connection failed ({last})."
