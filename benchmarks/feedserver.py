"""A server of feeds in a process of its own: RSS with 30 entries each, an ETag, an edition.

Run as `python -m benchmarks.feedserver FEEDS PORTS`; prints its ports as one line of JSON. An
edition is set by `POST /edition/N`: each brings two new entries at the top of every feed.
"""

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from benchmarks.samples import WORDS

ENTRIES = 30
NEW_PER_EDITION = 2
_START = datetime(2026, 3, 1, tzinfo=UTC)


class Feeds:
    """What the server serves."""

    def __init__(self, count: int) -> None:
        self.edition = 0
        self._count = count
        self._bodies: dict[int, bytes] = {}

    async def get(self, request: web.Request) -> web.Response:
        """Answers with a feed, or 304 to who has this edition."""
        number = int(request.match_info["number"])
        etag = f'"{number}-{self.edition}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(
            body=self._bodies[number], headers={"ETag": etag}, content_type="application/rss+xml"
        )

    async def set_edition(self, request: web.Request) -> web.Response:
        """Writes the feeds of an edition beforehand, so that nobody waits for it later."""
        self.edition = int(request.match_info["edition"])
        self._bodies = {number: _feed(number, self.edition) for number in range(self._count)}
        return web.Response(text="ready")


def _feed(number: int, edition: int) -> bytes:
    newest = ENTRIES + NEW_PER_EDITION * edition
    entries = "".join(_entry(number, each) for each in range(newest, newest - ENTRIES, -1))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>Feed {number}</title><link>https://feed{number}.example/</link>"
        f"<description>Invented</description>{entries}</channel></rss>"
    ).encode()


def _entry(number: int, entry: int) -> str:
    rng = random.Random(number * 100_000 + entry)
    words = rng.choices(WORDS, k=25)
    if entry % 3 == 0:
        words[3] = "Brightcup"
    link = f"https://feed{number}.example/{entry}"
    at = format_datetime(_START + timedelta(minutes=entry))
    return (
        f"<item><title>{' '.join(words[:6])}</title><link>{link}</link><guid>{link}</guid>"
        f"<dc:creator>Person {rng.randrange(9999)}</dc:creator><pubDate>{at}</pubDate>"
        f"<description>&lt;p&gt;{' '.join(words)}&lt;/p&gt;</description></item>"
    )


async def _serve(count: int, ports: int) -> None:
    feeds = Feeds(count)
    app = web.Application()
    app.add_routes(
        [web.get("/feed/{number}", feeds.get), web.post("/edition/{edition}", feeds.set_edition)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    for _ in range(ports):
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps([address[1] for address in runner.addresses]), flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()


@contextmanager
def feed_server(count: int, ports: int) -> Iterator[list[str]]:
    """Runs the server; gives the addresses of its feeds, spread over its ports."""
    command = [sys.executable, "-m", "benchmarks.feedserver", str(count), str(ports)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = json.loads(process.stdout.readline())
            yield [
                f"http://127.0.0.1:{found[number % ports]}/feed/{number}" for number in range(count)
            ]
        finally:
            process.terminate()
            process.wait(timeout=10)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
