"""Runs feedparser in a process of its own, under limits, one feed after the other.

Started as a script and alone (`python -I child.py`): it imports nothing of earmark's, holds no
secret, and dies with its parent, on too much work, on anything feedparser raises, or after a
while without work. Its parent starts another.

A request is a line of JSON (`size`, `cpu_seconds`, `max_entries`, `content_type`) and `size`
bytes; an answer is a line with its length and that many bytes of JSON.
"""

import contextlib
import json
import math
import resource
import select
import sys
from typing import Any, BinaryIO

import feedparser

_IDLE_SECONDS = 120
_MEMORY = 768 * 1024 * 1024


def _limit(what: int, most: int) -> None:
    # Not every system has every limit; the parent's deadline stands in any case.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


def _limit_cpu(seconds: int) -> None:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(spent.ru_utime + spent.ru_stime) + seconds)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _date(parsed: Any) -> str:
    if not parsed:
        return ""
    year, month, day, hour, minute, second = parsed[:6]
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{min(second, 59):02}Z"


def _detail(entry: Any, name: str) -> tuple[str, bool, str]:
    detail = entry.get(f"{name}_detail") or {}
    kind = _text(detail.get("type"))
    return _text(entry.get(name)), kind != "text/plain", _text(detail.get("language"))


def _body(entry: Any) -> tuple[str, bool, str]:
    for part in entry.get("content") or ():
        text = _text(part.get("value"))
        kind = part.get("type") or "text/html"
        if text and (kind.startswith("text/") or "html" in kind):
            return text, kind != "text/plain", _text(part.get("language"))
    return _detail(entry, "summary")


def _entry(entry: Any) -> dict[str, Any]:
    title, title_is_html, title_lang = _detail(entry, "title")
    text, text_is_html, text_lang = _body(entry)
    author = entry.get("author_detail") or {}
    source = entry.get("source") or {}
    reply = entry.get("thr_in-reply-to") or {}
    return {
        "id": _text(entry.get("id")),
        "is_permalink": bool(entry.get("guidislink")),
        "link": _text(entry.get("feedburner_origlink")) or _link(entry),
        "title": title,
        "title_is_html": title_is_html,
        "text": text,
        "text_is_html": text_is_html,
        "author_name": _text(author.get("name")) or _text(entry.get("author")),
        "author_url": _text(author.get("href")),
        "author_email": _text(author.get("email")),
        "published": _date(entry.get("published_parsed") or entry.get("updated_parsed")),
        "updated": _date(entry.get("updated_parsed")),
        "lang": text_lang or title_lang or _text(entry.get("language")),
        "tags": [_text(tag.get("term")) for tag in entry.get("tags") or () if tag.get("term")],
        "parent": _text(reply.get("ref")) if isinstance(reply, dict) else "",
        "publisher": _text(source.get("title")),
        "publisher_url": _text(source.get("href")),
        "replies": _text(entry.get("slash_comments")),
    }


def _link(entry: Any) -> str:
    for link in entry.get("links") or ():
        if link.get("rel", "alternate") == "alternate" and _text(link.get("href")):
            return _text(link.get("href"))
    return _text(entry.get("link"))


def _parse(body: bytes, content_type: str, most: int) -> dict[str, Any]:
    headers = {"content-type": content_type} if content_type else {}
    found = feedparser.parse(
        body, response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    return {
        "version": _text(found.get("version")),
        "fault": str(found.get("bozo_exception", "")) if found.get("bozo") else "",
        "title": _text(found.feed.get("title")),
        "link": _text(found.feed.get("link")),
        "lang": _text(found.feed.get("language")),
        "ttl": _text(found.feed.get("ttl")),
        "count": len(found.entries),
        "entries": [_entry(entry) for entry in found.entries[:most]],
    }


def serve(inbox: BinaryIO, outbox: BinaryIO) -> None:
    """Answers requests until the inbox ends or stays silent."""
    while select.select([inbox], [], [], _IDLE_SECONDS)[0]:
        line = inbox.readline()
        if not line:
            return
        wanted = json.loads(line)
        body = inbox.read(wanted["size"])
        _limit_cpu(wanted["cpu_seconds"])
        answer = json.dumps(_parse(body, wanted["content_type"], wanted["max_entries"])).encode()
        outbox.write(b"%d\n" % len(answer) + answer)
        outbox.flush()


if __name__ == "__main__":
    _limit(resource.RLIMIT_AS, _MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    serve(sys.stdin.buffer, sys.stdout.buffer)
