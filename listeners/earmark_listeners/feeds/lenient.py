"""Feeds that are not well-formed, or of a rare kind: read by feedparser in a limited child."""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from earmark_core.errors import Malformed
from earmark_listeners.feeds.dates import read_date
from earmark_listeners.feeds.entry import MAX_ENTRIES, Entry, Feed, whole_number

_CHILD = Path(__file__).with_name("child.py")
_MOST_ANSWER = 64 * 1024 * 1024
_TRIES = 2


class _ChildGone(Exception):
    """The child is dead."""


class LenientReader:
    """Reads feeds with feedparser, one at a time, in a child process that is kept and restarted.

    `cpu_seconds` and `wall_seconds` are for one feed, its start-up included.
    """

    def __init__(self, *, cpu_seconds: int = 10, wall_seconds: float = 30.0) -> None:
        self._cpu_seconds = cpu_seconds
        self._wall_seconds = wall_seconds
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def read(self, body: bytes, content_type: str = "") -> Feed:
        """Gives the feed in *body*; `fault` says what was wrong with it.

        Raises:
            Malformed: nothing could be read, or reading it took too much.
        """
        wanted = {
            "size": len(body),
            "cpu_seconds": self._cpu_seconds,
            "max_entries": MAX_ENTRIES,
            "content_type": content_type,
        }
        with self._lock:
            found = json.loads(self._ask(json.dumps(wanted).encode() + b"\n" + body))
        return _feed(found)

    def close(self) -> None:
        """Ends the child, if there is one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()

    def _ask(self, request: bytes) -> bytes:
        # An old child may have left for want of work, or been killed for somebody else's sake;
        # that a fresh one dies is the feed's doing.
        for _ in range(1 if self._child is None else _TRIES):
            deadline = time.monotonic() + self._wall_seconds
            try:
                return self._exchange(request, deadline)
            except _ChildGone:
                self.close()
            except TimeoutError:
                self.close()
                break
        raise Malformed(
            "The feed is broken, and reading it all the same took too long or too much memory.",
            hint="Ask the publisher to repair it: a feed validator shows what is wrong.",
        )

    def _exchange(self, request: bytes, deadline: float) -> bytes:
        if self._child is None:
            self._child = _start()
        source, sink = self._child.stdout, self._child.stdin
        if source is None or sink is None:
            raise _ChildGone
        _send(sink.fileno(), request, deadline)
        head = b""
        while not head.endswith(b"\n"):
            head += _receive(source.fileno(), 1, deadline)
            if len(head) > 20:
                raise _ChildGone
        size = whole_number(head.decode("ascii", "replace"))
        if size is None or size > _MOST_ANSWER:
            raise _ChildGone
        parts = []
        while size:
            parts.append(_receive(source.fileno(), size, deadline))
            size -= len(parts[-1])
        return b"".join(parts)


def _start() -> subprocess.Popen[bytes]:
    # -I and an empty environment: no folder of ours shadows a module, no secret goes along.
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
        [sys.executable, "-I", "-B", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        env={"LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
    if child.stdin is not None:
        os.set_blocking(child.stdin.fileno(), False)
    return child


def _send(sink: int, data: bytes, deadline: float) -> None:
    rest = memoryview(data)
    while rest:
        _wait(sink, select.POLLOUT, deadline)
        try:
            rest = rest[os.write(sink, rest[: 1 << 16]) :]
        except BlockingIOError:
            continue
        except OSError as error:
            raise _ChildGone from error


def _receive(source: int, most: int, deadline: float) -> bytes:
    _wait(source, select.POLLIN, deadline)
    found = os.read(source, min(most, 1 << 16))
    if not found:
        raise _ChildGone
    return found


def _wait(pipe: int, event: int, deadline: float) -> None:
    # poll, not select: a process with a thousand connections has no small numbers left.
    waiting = select.poll()
    waiting.register(pipe, event)
    if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError


def _feed(found: dict[str, Any]) -> Feed:
    if not found["entries"] and not found["version"]:
        raise Malformed(
            "This is neither RSS nor Atom nor JSON Feed.",
            hint="Look at the address in a browser: the page may name its feed.",
        )
    return Feed(
        tuple(_entry(entry) for entry in found["entries"]),
        title=found["title"],
        link=found["link"],
        lang=found["lang"],
        ttl_minutes=whole_number(found["ttl"]),
        is_capped=found["count"] > len(found["entries"]),
        fault=" ".join(found["fault"].split())[:200],
    )


def _entry(found: dict[str, Any]) -> Entry:
    dates = {key: read_date(found[key]) for key in ("published", "updated")}
    replies = whole_number(found["replies"])
    return Entry(**{**found, **dates, "replies": replies, "tags": tuple(found["tags"])})


shared_reader = LenientReader()
"""The one child of this process; it is not started before the first broken feed."""
atexit.register(shared_reader.close)
