"""HTTP: what one conditional request costs, beside bare aiohttp and the transport alone.

All ask the same server, a process of its own, in turns of some hundred requests: for what has
not changed (304), and for a whole feed of 28 KB, packed with gzip.
"""

import asyncio
import gc
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from benchmarks.atonce import each
from benchmarks.feedserver import feed_server, set_edition
from benchmarks.machine import cpu
from benchmarks.report import Print, Table
from earmark_core.fetch import make_fetcher

Get = Callable[[str, Mapping[str, str]], Awaitable[tuple[int, int]]]
_BARE = "bare aiohttp"
_ACCEPT = {"Accept": "application/atom+xml, application/rss+xml, */*;q=0.5"}


def options(parser: ArgumentParser) -> None:
    """Adds the options of this figure."""
    parser.add_argument("--feeds", type=int, default=200, help="addresses that are asked for")
    parser.add_argument("--ports", type=int, default=50, help="ports the server answers on")
    parser.add_argument("--at-once", type=int, default=20, help="requests at a time")
    parser.add_argument("--slices", type=int, default=15, help="turns of each")


def run(chosen: Namespace, say: Print) -> None:
    """Prints a table for what has not changed and for a whole feed."""
    with feed_server(chosen.feeds, min(chosen.ports, chosen.feeds)) as urls:
        say(asyncio.run(_measured(urls, chosen)).text())


async def _measured(urls: Sequence[str], chosen: Namespace) -> Table:
    await set_edition(urls[0], 1)
    columns = ("answer", "who", "CPU ms a request (median)", "least", "of bare (median ratio)")
    table = Table("HTTP, one request", columns)
    async with AsyncExitStack() as stack:
        getters = {
            name: await stack.enter_async_context(open_(urls, chosen.at_once))
            for name, open_ in _WAYS.items()
        }
        for title, is_known in (("304", True), ("200, 28 KB packed", False)):
            asked = [(url, _headers(number, is_known)) for number, url in enumerate(urls)]
            costs = await _in_turns(getters, asked, 304 if is_known else 200, chosen)
            for name, spent in costs.items():
                ratio = median(a / b for a, b in zip(spent, costs[_BARE], strict=True))
                table.add(title, name, 1000 * median(spent), 1000 * min(spent), f"{ratio:.2f}x")
    table.notes = [
        f"{chosen.slices} turns of {len(urls)} requests each, {chosen.at_once} at a time, over"
        f" {chosen.ports} ports. CPU of this process, without the server's.",
    ]
    return table


def _headers(number: int, is_known: bool) -> dict[str, str]:
    return {**_ACCEPT, "If-None-Match": f'"{number}-1"'} if is_known else dict(_ACCEPT)


async def _in_turns(
    getters: Mapping[str, Get],
    asked: Sequence[tuple[str, dict[str, str]]],
    status: int,
    chosen: Namespace,
) -> dict[str, list[float]]:
    """Gives the CPU seconds a request took in each turn; the first turn is not counted."""
    costs: dict[str, list[float]] = {name: [] for name in getters}
    for turn in range(chosen.slices + 1):
        for name, get in getters.items():
            sizes: list[int] = []

            async def one(
                what: tuple[str, dict[str, str]], get: Get = get, sizes: list[int] = sizes
            ) -> None:
                found, size = await get(*what)
                if found != status:
                    raise AssertionError(f"HTTP {found} where {status} is due")
                sizes.append(size)

            gc.collect()
            before = cpu()
            await each(one, asked, chosen.at_once)
            if turn:
                costs[name].append((cpu() - before) / len(asked))
            if status == 200 and min(sizes) < 20_000:
                raise AssertionError("a body was not unpacked")
    return costs


@asynccontextmanager
async def _aiohttp(_: Sequence[str], at_once: int) -> AsyncIterator[Get]:
    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def get(url: str, headers: Mapping[str, str]) -> tuple[int, int]:
            async with session.get(url, headers=headers) as answer:
                return answer.status, len(await answer.read())

        yield get


@asynccontextmanager
async def _transport(_: Sequence[str], _at_once: int) -> AsyncIterator[Get]:
    """The transport as it is, given a request; httpx unpacks."""
    async with AiohttpTransport() as transport:

        async def get(url: str, headers: Mapping[str, str]) -> tuple[int, int]:
            own = {"Accept-Encoding": "gzip, deflate", **headers}
            request = httpx.Request("GET", url, headers=own)
            answer = await transport.handle_async_request(request)
            try:
                return answer.status_code, len(await answer.aread())
            finally:
                await answer.aclose()

        yield get


@asynccontextmanager
async def _client(_: Sequence[str], _at_once: int) -> AsyncIterator[Get]:
    async with httpx.AsyncClient(transport=AiohttpTransport()) as client:

        async def get(url: str, headers: Mapping[str, str]) -> tuple[int, int]:
            answer = await client.get(url, headers=headers)
            return answer.status_code, len(answer.content)

        yield get


@asynccontextmanager
async def _ours(urls: Sequence[str], _at_once: int) -> AsyncIterator[Get]:
    allow = {urlsplit(url).netloc for url in urls}
    async with make_fetcher(user_agent="earmark-benchmark", allow=allow) as fetcher:

        async def get(url: str, headers: Mapping[str, str]) -> tuple[int, int]:
            answer = await fetcher.get(url, headers=headers)
            return answer.status, len(answer.body)

        yield get


_WAYS: dict[str, Callable[[Sequence[str], int], Any]] = {
    _BARE: _aiohttp,
    "httpx-aiohttp's transport alone": _transport,
    "`httpx.AsyncClient` on it": _client,
    "**ours** (`Fetcher.get`)": _ours,
}
