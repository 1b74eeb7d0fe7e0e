"""A server of feeds in a process of its own: RSS and Atom, 30 entries each, an ETag, an edition.

Run as `python -m benchmarks.feedserver FEEDS PORTS`; prints its ports as one line of JSON. An
edition is set by `POST /edition/N`: each brings two new entries at the top of every feed. Seven
feeds of ten are RSS; each takes about 28 KB, and goes packed to who understands gzip.
"""

import asyncio
import gzip
import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

import aiohttp
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
        self._packed: dict[int, bytes] = {}

    async def get(self, request: web.Request) -> web.Response:
        """Answers with a feed, or 304 to who has this edition."""
        number = int(request.match_info["number"])
        etag = f'"{number}-{self.edition}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        kind = "application/rss+xml" if is_rss(number) else "application/atom+xml"
        headers = {"ETag": etag}
        body = self._bodies[number]
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"], body = "gzip", self._packed[number]
        return web.Response(body=body, headers=headers, content_type=kind)

    async def set_edition(self, request: web.Request) -> web.Response:
        """Writes the feeds of an edition beforehand, so that nobody waits for it later."""
        self.edition = int(request.match_info["edition"])
        self._bodies = {each: feed(each, self.edition) for each in range(self._count)}
        self._packed = {each: gzip.compress(body, 6) for each, body in self._bodies.items()}
        return web.Response(text="ready")


def is_rss(number: int) -> bool:
    """Says whether feed *number* is RSS; the others are Atom."""
    return number % 10 < 7


def feed(number: int, edition: int) -> bytes:
    """Gives the document of feed *number* in that edition, newest entry first."""
    newest = ENTRIES + NEW_PER_EDITION * edition
    write, start, end = (_rss, _RSS, "</channel></rss>") if is_rss(number) else (
        _atom, _ATOM, "</feed>")  # fmt: skip
    entries = "".join(write(number, each) for each in range(newest, newest - ENTRIES, -1))
    return f"{start.format(number=number)}{entries}{end}".encode()


_RSS = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
    "<title>Feed {number}</title><link>https://feed{number}.example/</link>"
    "<description>Invented</description>"
)
_ATOM = (
    '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
    "<title>Feed {number}</title><id>tag:feed{number}.example,2026:/</id>"
    '<link href="https://feed{number}.example/"/><updated>2026-03-01T00:00:00Z</updated>'
)


def _rss(number: int, entry: int) -> str:
    title, person, text, at = _said(number, entry)
    link = f"https://feed{number}.example/{at:%Y/%m}/post-{entry}"
    return (
        f"<item><title>{title}</title><link>{link}</link><guid>{link}</guid>"
        f"<dc:creator>{person}</dc:creator><pubDate>{format_datetime(at)}</pubDate>"
        f"<category>coffee</category><description>{escape(text)}</description></item>\n"
    )


def _atom(number: int, entry: int) -> str:
    title, person, text, at = _said(number, entry)
    host = f"feed{number}.example"
    return (
        f"<entry><title>{title}</title><id>tag:{host},2026:{entry}</id>"
        f'<link rel="alternate" href="https://{host}/{at:%Y/%m}/post-{entry}"/>'
        f"<author><name>{person}</name></author><published>{at.isoformat()}</published>"
        f'<updated>{at.isoformat()}</updated><category term="coffee"/>'
        f'<content type="html">{escape(text)}</content></entry>\n'
    )


def _said(number: int, entry: int) -> tuple[str, str, str, datetime]:
    """Gives title, author, text as HTML and the moment of one entry."""
    rng = random.Random(number * 100_000 + entry)
    words = rng.choices(WORDS, k=62)
    if entry % 3 == 0:
        words[3] = "Brightcup"
    link = f"https://feed{number}.example/{entry}"
    text = (
        f'<p class="lead">{" ".join(words[:30])}</p><p>{" ".join(words[30:])} &amp; more:'
        f' <a href="{link}?from=feed" rel="nofollow">read on</a></p>'
        f'<p><img src="{link}.jpg" alt="" width="640" height="360"/></p>'
    )
    at = _START + timedelta(minutes=entry)
    return " ".join(words[:6]), f"Person {rng.randrange(9999)}", text, at


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


async def set_edition(url: str, number: int) -> None:
    """Lets the server of the feed at *url* go on to an edition."""
    base = url.partition("/feed/")[0]
    async with aiohttp.ClientSession() as session, session.post(f"{base}/edition/{number}") as sent:
        sent.raise_for_status()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
