"""The feeds of the fake platform: news as RSS 2.0, a blog as Atom, reviews as JSON Feed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from html import escape
from typing import Any
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from earmark.demo.seat import home_of, seat_of
from earmark.demo.world import Post, World

_DC = "http://purl.org/dc/elements/1.1/"
_ATOM = "http://www.w3.org/2005/Atom"
_MOST = 200
_NOTHING_YET = "2026-01-01T00:00:00+00:00"
register_namespace("dc", _DC)
Writer = Callable[[list[Post], str], bytes]


def page_url(post: Post, home: str) -> str:
    """Gives the page of an article, review or comment."""
    return f"{home}/{post.place}/{post.id}"


def stars(rating: int) -> str:
    """Gives a rating from 1 to 5 as stars."""
    return "★" * rating + "☆" * (5 - rating)


def _add(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    child = SubElement(parent, tag, attributes)
    child.text = text or None
    return child


def _changed(post: Post) -> datetime:
    return post.edited_at or post.at


def _newest(posts: list[Post]) -> str:
    return max((_changed(post).isoformat() for post in posts), default=_NOTHING_YET)


def _written(root: Element) -> bytes:
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode").encode()


def rss(posts: list[Post], home: str) -> bytes:
    """Writes the news."""
    root = Element("rss", version="2.0")
    channel = _add(root, "channel")
    _add(channel, "title", "Coffee news (earmark demo)")
    _add(channel, "link", f"{home}/news")
    _add(channel, "description", "Invented news about invented brands")
    _add(channel, "language", "en")
    for post in posts:
        item = _add(channel, "item")
        _add(item, "title", post.title)
        _add(item, "link", page_url(post, home))
        _add(item, "guid", f"demo-news-{post.id}", isPermaLink="false")
        _add(item, "description", post.text)
        _add(item, f"{{{_DC}}}creator", post.author)
        _add(item, "pubDate", format_datetime(post.at.astimezone(UTC), usegmt=True))
    return _written(root)


def atom(posts: list[Post], home: str) -> bytes:
    """Writes the blog."""
    root = Element("feed", xmlns=_ATOM)
    _add(root, "id", "tag:demo.invalid,2026:blog")
    _add(root, "title", "Slow Drip (earmark demo)")
    _add(root, "link", rel="alternate", href=f"{home}/blog")
    _add(root, "updated", _newest(posts))
    for post in posts:
        entry = _add(root, "entry")
        _add(entry, "id", f"tag:demo.invalid,2026:blog/{post.id}")
        _add(entry, "title", post.title)
        _add(entry, "link", rel="alternate", href=page_url(post, home))
        _add(_add(entry, "author"), "name", post.author)
        _add(entry, "published", post.at.isoformat())
        _add(entry, "updated", _changed(post).isoformat())
        _add(entry, "content", f"<p>{escape(post.text)}</p>", type="html")
    return _written(root)


def json_feed(posts: list[Post], home: str) -> bytes:
    """Writes the reviews; the rating stands as stars in the title, and in `_earmark.rating`."""
    return json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Brightcup reviews (earmark demo)",
            "home_page_url": f"{home}/reviews",
            "feed_url": f"{home}/feeds/reviews.json",
            "items": [_review(post, home) for post in posts],
        },
        ensure_ascii=False,
    ).encode()


def _review(post: Post, home: str) -> dict[str, Any]:
    rating = post.rating or 0
    edited = {"date_modified": post.edited_at.isoformat()} if post.edited_at else {}
    return {
        "id": f"review-{post.id}", "url": page_url(post, home),
        "title": f"{stars(rating)} {post.title}".strip() if rating else post.title,
        "content_text": post.text, "date_published": post.at.isoformat(), "language": post.lang,
        "authors": [{"name": post.author, "url": f"{home}/@{post.author}"}],
        "_earmark": {"rating": post.rating}, **edited,
    }  # fmt: skip


def _feed(place: str, kind: str, write: Writer) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        world = seat_of(request).look(listening=True)
        posts = [post for _, post in zip(range(_MOST), world.standing(place), strict=False)]
        body = write(posts, home_of(request))
        tag = f'"{sha256(body).hexdigest()[:24]}"'
        changed = _last_change(world, place)
        headers = {"etag": tag, "last-modified": format_datetime(changed, usegmt=True)}
        if _known(request, tag, changed):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    return answer


def _last_change(world: World, place: str) -> datetime:
    times = [_changed(p) for p in world.posts.values() if p.place == place]
    return max(times, default=world.started_at).astimezone(UTC).replace(microsecond=0)


def _known(request: Request, tag: str, changed: datetime) -> bool:
    if (known := request.headers.get("if-none-match")) is not None:
        return tag in [part.strip().removeprefix("W/") for part in known.split(",")]
    since = request.headers.get("if-modified-since")
    try:
        return since is not None and changed <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


ROUTES = [
    Route("/feeds/news.rss", _feed("news", "application/rss+xml", rss)),
    Route("/feeds/blog.atom", _feed("blog", "application/atom+xml", atom)),
    Route("/feeds/reviews.json", _feed("reviews", "application/feed+json", json_feed)),
]
