"""The door for what is pushed over a WebSocket: frames under the same rule as any request.

It stands beside `earmark_core.fetch`: the address is checked when the connection is made, no
redirect is followed, the host's wish to be left alone is heeded, and time and size are bounded.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver

from earmark_core.address import AllowRule
from earmark_core.answer import Answer
from earmark_core.budgets import Budgets
from earmark_core.clock import Clock
from earmark_core.connection import CONNECT_SECONDS, Progress, blocked, client, failure
from earmark_core.errors import Interrupted, Malformed, Rejected, Unavailable
from earmark_core.hop import Hop, first_hop
from earmark_core.target import shown
from earmark_core.text import clean

_MOST_SAID: Final = 20_000
_CLOSING_SECONDS: Final = 2.0
_CLOSED: Final = frozenset(
    (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)
)
_BROKEN: Final = (aiohttp.ClientError, OSError, UnicodeError)
_PASSED_ON: Final = ("user-agent", "authorization")

Judge = Callable[[Answer], object]
"""Looks at an answer that opens no stream, and may raise an error of its own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one stream may take: *seconds* and *bytes* of all of it, bytes of a *frame*."""

    seconds: float
    bytes: int
    frame: int


class Stream:
    """An open stream; its frames come in order, each once."""

    def __init__(
        self, socket: "aiohttp.ClientWebSocketResponse[bool]", limits: Limits, subject: str
    ) -> None:
        self._socket = socket
        self._limits = limits
        self._subject = subject
        self._taken = 0
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + limits.seconds

    @property
    def is_spent(self) -> bool:
        """Says whether all was taken that may be: its time, or its bytes."""
        return self._taken >= self._limits.bytes or self._loop.time() >= self._until

    async def frame(self, within: float) -> bytes | None:
        """Gives the next frame; None where none came *within* seconds, or the stream is spent.

        Raises `Interrupted` when the server ends the stream or the line breaks, `Malformed` for
        a frame that is too large or none of the protocol.
        """
        if self.is_spent:
            return None
        left = max(min(within, self._until - self._loop.time()), 0.001)
        try:
            message = await self._socket.receive(timeout=left)
        except TimeoutError:
            return None
        if message.type in _CLOSED:
            raise self._ended(message)
        if message.type is aiohttp.WSMsgType.ERROR:
            raise self._unreadable()
        data = message.data
        self._taken += len(data)
        return data if isinstance(data, bytes) else bytes(data, "utf-8", "surrogatepass")

    def _ended(self, message: Any) -> Interrupted:
        code = self._socket.close_code
        said = clean(message.extra or "", limit=200) if message.extra else ""
        words = (
            "The line broke." if code in (None, 1006) else f"The server ended the stream: {code}"
        )
        return Interrupted(f"{words} {said}".strip(), subject=self._subject)

    def _unreadable(self) -> Malformed:
        if self._socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            words = f"A frame is larger than {self._limits.frame} bytes."
        else:
            words = "What came is no frame of the protocol."
        return Malformed(words, subject=self._subject)


class _Refused(Exception):
    """The server answered, but opened no stream."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__()


class Streams:
    """Opens streams within the rule; one for each fetcher, as `Fetcher.stream`."""

    def __init__(
        self,
        rule: AllowRule,
        *,
        user_agent: str,
        clock: Clock,
        budgets: Budgets | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._rule = rule
        self._user_agent = user_agent
        self._clock = clock
        self._budgets = budgets
        self._resolver = resolver

    @asynccontextmanager
    async def open(
        self,
        url: str,
        limits: Limits,
        *,
        params: Mapping[str, Any] | None = None,
        judge: Judge | None = None,
    ) -> AsyncIterator[Stream]:
        """Opens a stream at an http or https address, and closes it at the end.

        What is sent is the request alone; nothing is compressed. *judge* sees an answer that
        opens no stream before it is made an error as `Answer.checked` makes it.

        Raises as `Fetcher.request` does, and `Rejected` where the server sends us on.
        """
        hop = first_hop(
            "GET", url, params=params, headers=None, body={}, secret=None,
            user_agent=self._user_agent,
        )  # fmt: skip
        aim = hop.aim
        if self._rule.refuses(aim.url.scheme, aim.url.host, aim.url.port):
            raise blocked(aim.url)
        if not aim.reads_one_way:
            raise Rejected("The address can be read in two ways.", subject=shown(aim.url))
        if self._budgets is not None:
            await self._budgets.refuse_if_held(hop.request, self._clock())
        is_guarded = not self._rule.names(aim.url.scheme, aim.url.host, aim.url.port)
        way = client(
            guarded=is_guarded, resolver=self._resolver, middlewares=(self._only_101(hop),)
        )
        async with way as session:
            socket = await self._connected(session, hop, limits, judge)
            try:
                yield Stream(socket, limits, shown(aim.url))
            finally:
                with contextlib.suppress(TimeoutError):  # the session cuts the line at its end
                    async with asyncio.timeout(_CLOSING_SECONDS):
                        await socket.close()

    async def _connected(
        self, session: aiohttp.ClientSession, hop: Hop, limits: Limits, judge: Judge | None
    ) -> "aiohttp.ClientWebSocketResponse[bool]":
        seconds = min(CONNECT_SECONDS, limits.seconds)
        sent = {
            name: hop.request.headers[name] for name in _PASSED_ON if name in hop.request.headers
        }
        try:
            async with asyncio.timeout(seconds):
                return await session.ws_connect(
                    hop.aim.text,
                    headers={"accept-encoding": "identity", **sent},
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSING_SECONDS),
                    max_msg_size=limits.frame,
                    decode_text=False,
                )
        except _Refused as refused:
            answer = refused.answer
        except aiohttp.WSServerHandshakeError:
            raise Unavailable("The server opens no stream.", subject=shown(hop.aim.url)) from None
        except _BROKEN as error:
            raise failure(error, Progress(), hop.aim.url, seconds) from None
        if self._budgets is not None:
            await self._budgets.hear(hop.request, answer)
        if judge is not None:
            judge(answer)
        answer.checked(shown(hop.aim.url))
        raise Unavailable(
            f"The server opens no stream (HTTP {answer.status}).", subject=shown(hop.aim.url)
        )

    def _only_101(self, hop: Hop) -> aiohttp.ClientMiddlewareType:
        """Gives what ends a handshake at its first answer, so that no redirect is followed."""

        async def judged(
            request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            response = await handler(request)
            if response.status == 101:
                return response
            try:
                body = await response.content.read(_MOST_SAID)
            finally:
                response.close()
            headers = httpx.Headers(list(response.raw_headers))
            answer = Answer(response.status, headers, body, hop.aim.text, received_at=self._clock())
            raise _Refused(answer)

        return judged
