"""The only door to the network.

Every request goes out here, whoever makes it: the address is checked when the connection is
made, redirects are followed by hand, and time and size are bounded.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import unquote
from weakref import WeakValueDictionary

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver

from earmark_core.address import AllowRule, destination
from earmark_core.answer import Answer
from earmark_core.clock import Clock, system_clock
from earmark_core.connection import CONNECT_SECONDS, Progress, blocked, failure, following, line
from earmark_core.dial import Dialer
from earmark_core.errors import Malformed, Rejected, Unavailable
from earmark_core.inflate import ACCEPTED, Bounded
from earmark_core.redact import register_secret
from earmark_core.target import bare, parsed, plain, reads_one_way, same_host, shown

__all__ = ["Answer", "Fetcher", "make_fetcher"]

MOST_HOPS: Final = 5
PER_HOST: Final = 2
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_SAFE: Final = frozenset(("GET", "HEAD"))
# What may go along to another host; anything else could be a key by another name.
_TRAVELS: Final = frozenset(
    (
        "accept",
        "accept-encoding",
        "accept-language",
        "user-agent",
        "cache-control",
        "if-none-match",
        "if-modified-since",
    )
)


class Fetcher:
    """Makes requests within the rules; made by `make_fetcher`, closed by `aclose`.

    At most 2 requests are made to one host at a time, more wait their turn, which does not
    count against the deadline. Nothing is retried here and no status is judged: see
    `Answer.checked`. `dial` is the door for what does not speak HTTP, under the same rule.
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
    ) -> None:
        self.dial = Dialer(rule, seconds=deadline_seconds)
        self._rule = rule
        self._public = public
        self._named = named
        self._user_agent = user_agent
        self._deadline = deadline_seconds
        self._max_bytes = max_bytes
        self._clock = clock
        self._stands_in = stands_in  # tells nothing of its connections: assume the worst
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

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
        was delivered, `Interrupted` when the request may have arrived (the deadline for the
        whole request included), `Malformed` when the answer is too large or cannot be unpacked.
        """
        request = self._build(method.upper(), url, params, headers, json, data, secret)
        step = Progress(may_have_arrived=self._stands_in)
        left = self._deadline
        loop = asyncio.get_running_loop()
        for _ in range(MOST_HOPS + 1):
            async with self._turn(request.url):
                began = loop.time()
                answer = await self._hop(request, step, left)
                left -= loop.time() - began
            onward = self._next(request, answer)
            if onward is None:
                return answer
            request = onward
        raise Unavailable(
            f"The source sent us on more than {MOST_HOPS} times.",
            hint="Check its address.",
            subject=shown(request.url),
        )

    def _build(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        json: Any,
        data: Mapping[str, Any] | bytes | None,
        secret: str | None,
    ) -> httpx.Request:
        target = parsed(url)
        if params:
            target = target.copy_merge_params(params)
        sent = httpx.Headers({"accept": "*/*", "user-agent": self._user_agent})
        for name, value in (headers or {}).items():
            sent[plain(name, target)] = plain(value, target)
        sent.pop("host", None)
        sent["accept-encoding"] = ACCEPTED
        if secret:
            register_secret(secret)
            sent["authorization"] = f"Bearer {plain(secret.strip(), target)}"
        elif target.userinfo:
            register_secret(unquote(target.userinfo.decode().partition(":")[2]))
            basic = base64.b64encode(unquote(target.userinfo.decode()).encode()).decode()
            sent["authorization"] = f"Basic {basic}"
        if isinstance(data, bytes):
            body: dict[str, Any] = {"content": data}
        else:
            body = {"data": data, "json": json}
        return httpx.Request(method, bare(target), headers=sent, **body)

    @asynccontextmanager
    async def _turn(self, url: httpx.URL) -> AsyncIterator[None]:
        key = destination(url.scheme, url.host, url.port)
        turns = self._turns.setdefault(key, asyncio.Semaphore(PER_HOST))
        async with turns:
            yield

    async def _hop(self, request: httpx.Request, step: Progress, left: float) -> Answer:
        transport = self._transport_for(request.url)
        request.extensions["timeout"] = {"connect": min(CONNECT_SECONDS, self._deadline)}
        try:
            async with following(step), asyncio.timeout(max(left, 0)):
                return await self._exchange(transport, request)
        except (
            httpx.TransportError,
            httpx.StreamError,
            aiohttp.ClientError,
            OSError,
            UnicodeError,
        ) as error:
            # Unchained: the errors below carry URLs and headers in their text.
            raise failure(error, step, request.url, self._deadline) from None

    async def _exchange(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request
    ) -> Answer:
        response = await transport.handle_async_request(request)
        try:
            body = b""
            if response.status_code not in _REDIRECTS and request.method != "HEAD":
                body = await self._body(response, request.url)
        finally:
            await response.aclose()
        return Answer(
            status=response.status_code,
            headers=response.headers,
            body=body,
            url=str(request.url),
            method=request.method,
            received_at=self._clock(),
            wants_json="json" in request.headers.get("accept", ""),
        )

    async def _body(self, response: httpx.Response, url: httpx.URL) -> bytes:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - for the type checker alone
        try:
            body = Bounded(response.headers.get("content-encoding", ""), self._max_bytes)
            async for chunk in response.stream:
                body.feed(chunk)
            return body.finish()
        except Malformed as error:
            raise Malformed(error.message, hint=error.hint, subject=shown(url)) from None

    def _transport_for(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        if self._rule.refuses(url.scheme, url.host, url.port):
            raise blocked(url)
        if not reads_one_way(url):
            raise Rejected("The address can be read in two ways.", subject=shown(url))
        is_named = self._rule.names(url.scheme, url.host, url.port)
        return self._named if is_named else self._public

    def _next(self, request: httpx.Request, answer: Answer) -> httpx.Request | None:
        if answer.status not in _REDIRECTS:
            return None
        place = answer.headers.get("location", "").strip()
        if not place:
            raise Malformed("The source sends us on without saying where.",
                            subject=shown(request.url))  # fmt: skip
        target = bare(parsed(place, base=request.url))
        if request.url.scheme == "https" and target.scheme == "http":
            raise Rejected(
                "The source sends us on from https to http, which is not followed.",
                hint="Check its address.",
                subject=shown(request.url),
            )
        at_home = same_host(request.url, target)
        if request.method not in _SAFE and not (at_home and answer.status in (307, 308)):
            return None
        headers = httpx.Headers(
            {name: value for name, value in request.headers.items()
             if name != "host" and (at_home or name in _TRAVELS)}
        )  # fmt: skip
        content = None if request.method in _SAFE else request.content
        return httpx.Request(request.method, target, headers=headers, content=content)


def make_fetcher(
    *,
    user_agent: str,
    allow: Iterable[str] = (),
    deadline_seconds: float = 30,
    max_bytes: int = 10_000_000,
    transport: httpx.AsyncBaseTransport | None = None,
    resolver: AbstractResolver | None = None,
    clock: Clock = system_clock,
) -> Fetcher:
    """Gives the fetcher that the whole product shares.

    *allow* holds `host:port` as URLs write it, for destinations that are not public.
    *max_bytes* counts the unpacked body. *transport* stands in for the network in tests: the
    rules for redirects and for addresses written out in the URL still hold. *resolver*
    replaces the look-up of names. May be called before an event loop runs.
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
    )
