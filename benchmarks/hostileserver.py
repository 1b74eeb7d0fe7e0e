"""A server of hostile bodies, each on a port of its own, beside well-behaved feeds.

Run as `python -m benchmarks.hostileserver`; prints its ports as one line of JSON. What it
sends is made while it is sent, or once beforehand, so that its own memory stays small. A body
that has no end goes on until the client hangs up.
"""

import asyncio
import gzip
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache

_RSS = b'<?xml version="1.0"?><rss version="2.0"><channel><title>Hostile</title>'
_END = b"</channel></rss>"
_LAUGHS = b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(10)
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the hostile bodies are; as the issue names them unless told."""

    feed: int = 50_000_000
    unpacked: int = 200_000_000
    depth: int = 100_000
    under_cap: int = 9_900_000
    broken_items: int = 60_000
    pace_seconds: float = 1.0


class Client:
    """The other end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def head(self, kind: str, *more: str) -> None:
        """Sends the head of an answer; what has no length ends with the connection."""
        lines = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", "Connection: close", *more]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def body(self, kind: str, body: bytes, *more: str) -> None:
        """Sends a whole answer."""
        await self.head(kind, f"Content-Length: {len(body)}", *more)
        await self.send(body)

    async def send(self, data: bytes) -> None:
        """Sends these bytes; raises `ConnectionError` once the client is gone."""
        self._writer.write(data)
        await self._writer.drain()
        if self._reader.at_eof():
            raise ConnectionResetError

    async def gone(self, within: float | None = None) -> bool:
        """Waits for the client to hang up; False if it has not *within* these seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                return not await self._reader.read(1)
        return False


Answer = Callable[[Client, Sizes], Awaitable[None]]


async def _large(client: Client, sizes: Sizes) -> None:
    item = b"<item><title>%s</title></item>" % (b"word " * 200)
    await client.head("application/rss+xml", f"Content-Length: {sizes.feed}")
    await client.send(_RSS)
    for _ in range(sizes.feed // len(item)):
        await client.send(item)


async def _bomb(client: Client, sizes: Sizes) -> None:
    packed = _packed(sizes.unpacked)
    await client.body("application/rss+xml", packed, "Content-Encoding: gzip")


@lru_cache
def _packed(size: int) -> bytes:
    return gzip.compress(_RSS + b" " * size, 9, mtime=0)


async def _drip(client: Client, sizes: Sizes) -> None:
    await client.head("application/rss+xml")
    while not await client.gone(sizes.pace_seconds):
        await client.send(b" ")


async def _silent(client: Client, _sizes: Sizes) -> None:
    await client.gone()


async def _headers(client: Client, sizes: Sizes) -> None:
    await client.send(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while not await client.gone(sizes.pace_seconds):
        number += 1
        await client.send(b"X-Header-%d: and one more\r\n" % number)


async def _header_flood(client: Client, _sizes: Sizes) -> None:
    await client.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await client.send(b"X-Header: and one more\r\n" * 100)


async def _endless(client: Client, _sizes: Sizes) -> None:
    await client.head("application/rss+xml", "Transfer-Encoding: chunked")
    await client.send(b"%x\r\n%s\r\n" % (len(_RSS), _RSS))
    while True:
        await client.send(b"4000\r\n" + b"<item/>\n" * 2048 + b"\r\n")


async def _deep_feed(client: Client, sizes: Sizes) -> None:
    await client.body("application/feed+json", b"[" * sizes.depth + b"]" * sizes.depth)


async def _deep_api(client: Client, sizes: Sizes) -> None:
    deep = b'{"hits": ' + b"[" * sizes.depth + b"]" * sizes.depth + b"}"
    await client.body("application/json", deep)


async def _deep_xml(client: Client, sizes: Sizes) -> None:
    deep = b"<a>" * sizes.depth + b"</a>" * sizes.depth
    await client.body("application/rss+xml", _RSS + deep + _END)


async def _laughs(client: Client, _sizes: Sizes) -> None:
    body = b'<?xml version="1.0"?><!DOCTYPE rss [%s]><rss><channel>&l9;' % _LAUGHS + _END
    await client.body("application/rss+xml", body)


async def _broken(client: Client, sizes: Sizes) -> None:
    await client.body("application/rss+xml", _RSS + b"<item><title>a & b</title><p>x</item>"
                      * sizes.broken_items)  # fmt: skip


async def _title(client: Client, sizes: Sizes) -> None:
    title = b"w" * (sizes.under_cap - 200)
    await client.body("application/rss+xml", _RSS + b"<item><guid>1</guid><title>" + title
                      + b"</title></item>" + _END)  # fmt: skip


async def _elements(client: Client, sizes: Sizes) -> None:
    await client.body("application/rss+xml", _RSS + b"<a/>" * ((sizes.under_cap - 200) // 4) + _END)


async def _lists(client: Client, sizes: Sizes) -> None:
    await client.body("application/json", b'{"hits": [[]' + b",[]" * (sizes.under_cap // 3 - 200)
                      + b"]}")  # fmt: skip


async def _json_feed(client: Client, sizes: Sizes) -> None:
    await client.body("application/feed+json", b'{"items": [{}' + b",{}"
                      * (sizes.under_cap // 3 - 200) + b"]}")  # fmt: skip


HACKERNEWS = frozenset({"deep JSON, to an API channel", "flat JSON under the cap, API channel"})
HOSTILE: Mapping[str, Answer] = {
    "50 MB feed": _large,
    "200 MB from 194 kB of gzip": _bomb,
    "one byte a second": _drip,
    "deep JSON, to a feed": _deep_feed,
    "deep JSON, to an API channel": _deep_api,
    "deep XML": _deep_xml,
    "connects and says nothing": _silent,
    "headers without end, one a second": _headers,
    "headers without end, at once": _header_flood,
    "chunks without end": _endless,
    "a billion laughs": _laughs,
    "broken XML that takes long": _broken,
    "one title of 9.9 MB": _title,
    "2.5 million elements, under the cap": _elements,
    "3.3 million JSON objects, to a feed": _json_feed,
    "flat JSON under the cap, API channel": _lists,
}
"""What is served, by what a person would call it; those in `HACKERNEWS` answer its search."""


class Yard:
    """Serves the hostile bodies and the good feeds, and notes when each good one was asked for."""

    def __init__(self, sizes: Sizes | None = None) -> None:
        self._sizes = sizes or Sizes()
        self._clients: set[asyncio.Task[None]] = set()
        self.asked: dict[str, list[float]] = defaultdict(list)
        self.ports: dict[str, int] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listens until the context ends; `ports` then has one for each name, and "good"."""
        servers = {}
        for name in (*HOSTILE, "good"):
            servers[name] = await asyncio.start_server(self._taker(name), "127.0.0.1", 0)
        self.ports = {name: each.sockets[0].getsockname()[1] for name, each in servers.items()}
        try:
            yield
        finally:
            for server in servers.values():
                server.close()
            for client in self._clients:
                client.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)

    def _taker(self, name: str) -> Callable[..., Awaitable[None]]:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._clients.add(task)
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(name, head.split()[1].decode(), Client(reader, writer))
            with suppress(ConnectionError):
                writer.close()
            self._clients.discard(task)

        return take

    async def _answer(self, name: str, path: str, client: Client) -> None:
        if name in HOSTILE:
            await HOSTILE[name](client, self._sizes)
        elif path == "/asked":
            await client.body("application/json", json.dumps(self.asked).encode())
        else:
            self.asked[path].append(time.monotonic())
            number = path.rpartition("/")[2]
            await client.body("application/rss+xml", _good(number, len(self.asked[path])))


def _good(number: str, edition: int) -> bytes:
    """Gives a feed of 30 entries of which one is new each time."""
    items = (
        b"<item><guid>%s-%d</guid><title>Number %d of feed %s</title></item>"
        % (number.encode(), each, each, number.encode())
        for each in range(edition + 30, edition, -1)
    )
    return _RSS + b"".join(items) + _END


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running server answers."""

    ports: Mapping[str, int]

    @property
    def allow(self) -> list[str]:
        """The `host:port` pairs to allow."""
        return [f"127.0.0.1:{port}" for port in self.ports.values()]

    def of(self, name: str) -> str:
        """The address of a hostile body, or of "good"."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def asked(self) -> dict[str, list[float]]:
        """Gives when each good feed was asked for, in seconds of one clock."""
        with urllib.request.urlopen(f"{self.of('good')}/asked", timeout=30) as answer:
            found: dict[str, list[float]] = json.load(answer)
        return found


async def _serve() -> None:
    _packed(Sizes().unpacked)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    yard = Yard()
    async with yard.open():
        print(json.dumps(yard.ports), flush=True)
        await stop.wait()


@contextmanager
def hostile_server() -> Iterator[Addresses]:
    """Runs the server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.hostileserver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Addresses(json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            process.wait(timeout=10)


if __name__ == "__main__":
    asyncio.run(_serve())
