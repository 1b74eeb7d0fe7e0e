"""The Hacker News search in the shape of Algolia's API, for the invented brand."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from earmark.demo.seat import home_of, number, seat_of
from earmark.demo.shapes import stamp
from earmark.demo.world import Post, World

_FILTER = re.compile(r"^created_at_i\s*(>=|<=|>|<|=)\s*(-?\d+)$")
_MOST_HITS = 1_000


def _kind(post: Post) -> str:
    return "story" if post.title else "comment"


def _hit(world: World, post: Post, home: str) -> dict[str, Any]:
    root = world.posts.get(post.root, post)
    story = _kind(post) == "story"
    return {
        "objectID": post.id, "created_at": stamp(post.at), "author": post.author,
        "created_at_i": int(post.at.timestamp()), "updated_at": stamp(post.edited_at or post.at),
        "title": post.title or None, "url": f"{home}/hn/{post.id}" if story else None,
        "points": 1 if story else None, "num_comments": 0 if story else None,
        "story_text": post.text or None if story else None,
        "comment_text": None if story else post.text, "story_id": int(root.id),
        "story_title": None if story else root.title or None, "story_url": None,
        "parent_id": None if story else int(post.reply_to or root.id),
        "_tags": [_kind(post), f"author_{post.author}", f"story_{root.id}"],
        "_highlightResult": {},
    }  # fmt: skip


def _tagged(post: Post, tags: str) -> bool:
    mine = {_kind(post), f"author_{post.author}", f"story_{post.root}"}
    groups = re.findall(r"\(([^)]*)\)|([^,()]+)", tags)
    return all(mine & set((either or single).split(",")) for either, single in groups)


def _in_time(post: Post, filters: str) -> bool:
    at = int(post.at.timestamp())
    for part in filter(None, filters.split(",")):
        if (found := _FILTER.match(part.strip())) is None:
            continue
        sign, limit = found[1], int(found[2])
        holds = {">": at > limit, ">=": at >= limit, "<": at < limit, "<=": at <= limit}
        if not holds.get(sign, at == limit):
            return False
    return True


def _worded(post: Post, query: str) -> bool:
    text = f"{post.title} {post.text}".casefold()
    phrases = re.findall(r'"([^"]+)"|(\S+)', query.casefold())
    return all((phrase or word) in text for phrase, word in phrases)


async def search(request: Request) -> Response:
    """Answers search_by_date: newest first, at most 1,000 hits in all."""
    world, home = seat_of(request).look(listening=True), home_of(request)
    asked = request.query_params
    query, size = asked.get("query", ""), number(asked.get("hitsPerPage"), 20, 1_000)
    page = int(asked["page"]) if asked.get("page", "").isdigit() else 0
    found = [
        post for post in world.standing("hn")
        if _tagged(post, asked.get("tags", "")) and _worded(post, query)
        and _in_time(post, asked.get("numericFilters", ""))
    ][:_MOST_HITS]  # fmt: skip
    hits = [_hit(world, post, home) for post in found[page * size : (page + 1) * size]]
    return JSONResponse(
        {
            "hits": hits, "nbHits": len(found), "page": page, "nbPages": -(-len(found) // size),
            "hitsPerPage": size, "exhaustiveNbHits": True, "query": query, "params": "",
            "processingTimeMS": 1,
        }
    )  # fmt: skip


ROUTES = [
    Route("/api/v1/search_by_date", search),
    Route("/hn/api/v1/search_by_date", search),
]
