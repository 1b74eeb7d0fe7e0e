"""Where feeds are read: in threads of their own, large ones apart from small ones.

A broken feed may take seconds, and who waits for the child that reads it holds a thread. In the
threads that everything else shares, a handful of such feeds would keep the worker from claiming,
storing and saying that it lives. One large body at a time is as much as memory should have to hold.
"""

import asyncio
import atexit
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from earmark_listeners.feeds.entry import Feed
from earmark_listeners.feeds.lenient import LenientReader, shared_reader
from earmark_listeners.feeds.reading import read_feed

LARGE = 300_000
"""Bytes from which on a body is large. Most feeds have a tenth of it."""


@dataclass(frozen=True)
class _Lane:
    threads: ThreadPoolExecutor
    lenient: LenientReader


_large_reader = LenientReader()
atexit.register(_large_reader.close)
_SMALL = _Lane(ThreadPoolExecutor(2, "feeds"), shared_reader)
_LARGE = _Lane(ThreadPoolExecutor(1, "large feeds"), _large_reader)


async def read_aside(body: bytes, *, content_type: str, url: str) -> Feed:
    """Gives the feed that *body* is, without blocking; raises what `read_feed` raises."""
    lane = _LARGE if len(body) >= LARGE else _SMALL
    read = partial(read_feed, body, content_type=content_type, url=url, lenient=lane.lenient)
    return await asyncio.get_running_loop().run_in_executor(lane.threads, read)
