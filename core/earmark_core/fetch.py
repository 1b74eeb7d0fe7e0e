"""The only door to the network.

Every request goes out here, whoever makes it: the address is checked when the connection is
made, redirects are followed by hand, and time and size are bounded.
"""

import asyncio
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Self
from weakref import WeakValueDictionary

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver

from earmark_core.address import AllowRule
from earmark_core.answer import Answer
from earmark_core.budgets import Budgets
from earmark_core.clock import Clock, system_clock
from earmark_core.connection import CONNECT_SECONDS, Progress, blocked, failure, line, progress
from earmark_core.dial import Dialer
from earmark_core.errors import Malformed, Rejected, Unavailable
from earmark_core.hop import REDIRECTS, Hop, first_hop, next_hop
from earmark_core.inflate import Bounded
from earmark_core.stream import Streams
from earmark_core.target import Aim, shown

__all__ = ["Answer", "Fetcher", "make_fetcher"]

MOST_HOPS: Final = 5
PER_HOST: Final = 2
_KNOWN_WAYS: Final = 2_048
_BODILESS: Final = frozenset((204, 304))
_BROKEN: Final = (
    httpx.TransportError,
    httpx.StreamError,
    aiohttp.ClientError,
    OSError,
    UnicodeError,
)


class Fetcher:
    """Makes requests within the rules; made by `make_fetcher`, closed by `aclose`.

    At most 2 requests are made to one host at a time, more wait their turn, which does not
    count against the deadline. Nothing is retried here and no status is judged: see
    `Answer.checked`. `dial` is the door for what does not speak HTTP, and `stream` that for what
    is pushed, under the same rule.
    """

    def __init__(
        self,
        *,
        rule: AllowRule,
        public: httpx.AsyncBaseTransport,
        named: httpx.AsyncBaseTransport,
        user_agent: str,
        deadline_seconds: float,
        max_bytes: int,
        clock: Clock,
        stands_in: bool = False,
        budgets: Budgets | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.dial = Dialer(rule, seconds=deadline_seconds)
        self.stream = Streams(
            rule, user_agent=user_agent, clock=clock, budgets=budgets, resolver=resolver
        )
        self._rule = rule
        self._public = public
        self._named = named
        self._user_agent = user_agent
        self._deadline = deadline_seconds
        self._max_bytes = max_bytes
        self._clock = clock
        self._stands_in = stands_in  # tells nothing of its connections: assume the worst
        self._budgets = budgets
        self._timeout = {"connect": min(CONNECT_SECONDS, deadline_seconds)}
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._way = lru_cache(maxsize=_KNOWN_WAYS)(self._way_to)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._public.aclose()
        await self._named.aclose()

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        secret: str | None = None,
    ) -> Answer:
        """Gives the answer to a GET; see `request`."""
        return await self.request("GET", url, params=params, headers=headers, secret=secret)

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | bytes | None = None,
        secret: str | None = None,
    ) -> Answer:
        """Gives the answer of the last hop, whatever its status.

        *params* are added to those in the URL. *secret* goes as a bearer token; neither it nor
        any header of the caller's is sent on to another host. GET and HEAD follow up to 5
        redirects, never from https to http; anything else follows only 307 and 308 within its
        host, and gives other redirects back.

        Raises `Rejected` for an address that may not be reached, `Unavailable` when nothing
        was delivered (`Held` while the host wants to be left alone), `Interrupted` when the
        request may have arrived (the deadline for the whole request included), `Malformed` when
        the answer is too large or cannot be unpacked.
        """
        is_raw = isinstance(data, bytes)
        hop = first_hop(
            method.upper(),
            url,
            params=params,
            headers=headers,
            body={"content": data} if is_raw else {"data": data, "json": json},
            secret=secret,
            user_agent=self._user_agent,
        )
        step = Progress(may_have_arrived=self._stands_in)
        left = self._deadline
        loop = asyncio.get_running_loop()
        for _ in range(MOST_HOPS + 1):
            async with self._turn_of(hop.aim):
                began = loop.time()
                answer = await self._allowed(hop, step, left)
                left -= loop.time() - began
            onward = next_hop(hop, answer)
            if onward is None:
                return answer
            hop = onward
        raise Unavailable(
            f"The source sent us on more than {MOST_HOPS} times.",
            hint="Check its address.",
            subject=shown(hop.aim.url),
        )

    def _turn_of(self, aim: Aim) -> asyncio.Semaphore:
        turns = self._turns.get(aim.destination)
        if turns is None:
            turns = self._turns[aim.destination] = asyncio.Semaphore(PER_HOST)
        return turns

    async def _allowed(self, hop: Hop, step: Progress, left: float) -> Answer:
        """Sends unless the host wants to be left alone, and hears whether it does from now on."""
        if self._budgets is None:
            return await self._sent(hop, step, left)
        await self._budgets.refuse_if_held(hop.request, self._clock())
        answer = await self._sent(hop, step, left)
        await self._budgets.hear(hop.request, answer)
        return answer

    async def _sent(self, hop: Hop, step: Progress, left: float) -> Answer:
        transport = self._transport_for(hop.aim)
        hop.request.extensions["timeout"] = self._timeout
        token = progress.set(step)
        try:
            async with asyncio.timeout(max(left, 0)):
                return await self._exchange(transport, hop)
        except _BROKEN as error:
            # Unchained: the errors below carry URLs and headers in their text.
            raise failure(error, step, hop.aim.url, self._deadline) from None
        finally:
            progress.reset(token)

    async def _exchange(self, transport: httpx.AsyncBaseTransport, hop: Hop) -> Answer:
        response = await transport.handle_async_request(hop.request)
        status = response.status_code
        try:
            body = b""
            if not (status in REDIRECTS or status in _BODILESS or hop.request.method == "HEAD"):
                body = await self._body(response, hop.aim.url)
        finally:
            await response.aclose()
        return Answer(
            status=status,
            headers=response.headers,
            body=body,
            url=hop.aim.text,
            method=hop.request.method,
            received_at=self._clock(),
            wants_json=hop.wants_json,
            moved_to=hop.moved_to,
        )

    async def _body(self, response: httpx.Response, url: httpx.URL) -> bytes:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - for the type checker alone
        try:
            head = response.headers
            declared = head.get("content-length", "")
            body = Bounded(head.get("content-encoding", ""), self._max_bytes, declared)
            async for chunk in response.stream:
                body.feed(chunk)
            return body.finish()
        except Malformed as error:
            raise Malformed(error.message, hint=error.hint, subject=shown(url)) from None

    def _transport_for(self, aim: Aim) -> httpx.AsyncBaseTransport:
        transport = self._way(aim.url.scheme, aim.url.host, aim.url.port)
        if transport is None:
            raise blocked(aim.url)
        if not aim.reads_one_way:
            raise Rejected("The address can be read in two ways.", subject=shown(aim.url))
        return transport

    def _way_to(self, scheme: str, host: str, port: int | None) -> httpx.AsyncBaseTransport | None:
        """Gives the line to a destination, None where the URL alone says that it is closed.

        By the rule alone, which stays: remembered for each destination. What address is behind
        a name is another matter, and checked at every connection.
        """
        if self._rule.refuses(scheme, host, port):
            return None
        return self._named if self._rule.names(scheme, host, port) else self._public


def make_fetcher(
    *,
    user_agent: str,
    allow: Iterable[str] = (),
    deadline_seconds: float = 30,
    max_bytes: int = 10_000_000,
    transport: httpx.AsyncBaseTransport | None = None,
    resolver: AbstractResolver | None = None,
    clock: Clock = system_clock,
    budgets: Budgets | None = None,
) -> Fetcher:
    """Gives the fetcher that the whole product shares.

    *allow* holds `host:port` as URLs write it, for destinations that are not public.
    *max_bytes* counts the unpacked body. *transport* stands in for the network in tests: the
    rules for redirects and for addresses written out in the URL still hold. *resolver*
    replaces the look-up of names. *budgets* keeps what hosts ask of us; without it nobody
    waits. May be called before an event loop runs.
    """
    return Fetcher(
        rule=AllowRule(allow),
        public=transport or line(guarded=True, resolver=resolver),
        named=transport or line(guarded=False, resolver=resolver),
        user_agent=user_agent,
        deadline_seconds=deadline_seconds,
        max_bytes=max_bytes,
        clock=clock,
        stands_in=transport is not None,
        budgets=budgets,
        resolver=resolver,
    )
