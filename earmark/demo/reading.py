"""The part of Mastodon's API that only reads: timelines, search, notifications, single posts."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from earmark.demo import shapes
from earmark.demo.markup import tagged
from earmark.demo.seat import Seat, home_of, number, seat_of, who
from earmark.demo.world import Notice, Post

Thing = TypeVar("Thing", Post, Notice)
_PUBLIC = {"public", "unlisted"}


def page_of(things: Sequence[Thing], request: Request, limit: int) -> list[Thing]:
    """Cuts one page, newest first, out of *things* (newest first).

    `max_id` and `since_id` page back from the newest; `min_id` gives the page directly above it.
    """
    asked = request.query_params
    below, above = asked.get("max_id"), asked.get("since_id")
    if (least := asked.get("min_id")) is not None:
        above = least
    kept = [
        thing for thing in things
        if (below is None or _key(thing.id) < _key(below))
        and (above is None or _key(thing.id) > _key(above))
    ]  # fmt: skip
    return kept[-limit:] if least is not None else kept[:limit]


def _key(id_: str) -> tuple[int, str]:
    return len(id_), id_


def links(request: Request, page: Sequence[Post | Notice]) -> dict[str, str]:
    """Gives the Link header of a page, nothing for an empty one."""
    if not page:
        return {}
    kept = [
        (key, value) for key, value in request.query_params.multi_items()
        if key not in {"max_id", "min_id", "since_id"}
    ]  # fmt: skip
    here = f"{home_of(request)}{request.url.path}"

    def address(key: str, id_: str) -> str:
        return f"{here}?{urlencode([*kept, (key, id_)])}"

    older, newer = address("max_id", page[-1].id), address("min_id", page[0].id)
    return {"link": f'<{older}>; rel="next", <{newer}>; rel="prev"'}


async def hashtag(request: Request) -> Response:
    """Answers GET /api/v1/timelines/tag/:hashtag."""
    world = seat_of(request).look(listening=True)
    who(request, needed=False)
    asked = request.query_params
    wanted = {request.path_params["tag"].casefold(), *_tags(request, "any")}
    found = [
        post for post in world.standing("social")
        if post.visibility == "public" and wanted & (tags := set(tagged(post.text)))
        and _tags(request, "all") <= tags and not _tags(request, "none") & tags
    ]  # fmt: skip
    page = page_of(found, request, number(asked.get("limit"), 20, 40))
    home = home_of(request)
    return JSONResponse(
        [shapes.status(world, post, home) for post in page], headers=links(request, page)
    )


def _tags(request: Request, name: str) -> set[str]:
    return {tag.casefold() for tag in request.query_params.getlist(f"{name}[]")}


async def search(request: Request) -> Response:
    """Answers GET /api/v2/search for statuses; every word of `q` must stand in the text."""
    world = seat_of(request).look(listening=True)
    who(request)
    asked, home = request.query_params, home_of(request)
    query = asked.get("q", "").strip()
    if not query:
        raise HTTPException(400, "Missing query")
    words = query.casefold().replace('"', " ").split()
    offset = max(0, int(asked["offset"])) if asked.get("offset", "").isdigit() else 0

    def fits(post: Post) -> bool:
        if query in {shapes.uri_of(post), shapes.url_of(post, home)}:
            return True
        return all(word in post.text.casefold() for word in words)

    found = [p for p in world.standing("social") if p.visibility == "public" and fits(p)]
    limit = number(asked.get("limit"), 20, 40)
    page = page_of(found[offset:], request, limit) if asked.get("type") != "accounts" else []
    shown = [shapes.status(world, post, home) for post in page]
    return JSONResponse({"accounts": [], "statuses": shown, "hashtags": []})


async def notifications(request: Request) -> Response:
    """Answers GET /api/v1/notifications of the brand's account: mentions only."""
    seat = seat_of(request)
    world = seat.look(listening=True)
    person = who(request)
    asked = request.query_params
    types, left_out = asked.getlist("types[]"), asked.getlist("exclude_types[]")
    wanted = (not types or "mention" in types) and "mention" not in left_out
    mine = person is not None and person.handle == world.script.brand.handle and wanted
    found = [n for n in reversed(world.notices) if mine and world.get(n.post_id)]
    page = page_of(found, request, number(asked.get("limit"), 40, 80))
    home = home_of(request)
    return JSONResponse(
        [shapes.notification(world, notice, home) for notice in page],
        headers=links(request, page),
    )


def visible(seat: Seat, request: Request) -> Post:
    """Gives the post that the path names.

    Raises:
        HTTPException: 404 if it is not there, is gone, or is not for whoever asks.
    """
    post = seat.look().get(request.path_params["id"])
    person = who(request, needed=False)
    if post is None or post.place != "social":
        raise HTTPException(404, "Record not found")
    if post.visibility not in _PUBLIC and person is None:
        raise HTTPException(404, "Record not found")
    return post


def _single(show: Callable[[Seat, Post, str], object]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        seat = seat_of(request)
        return JSONResponse(show(seat, visible(seat, request), home_of(request)))

    return answer


def _context(seat: Seat, post: Post, home: str) -> object:
    world = seat.world
    return {
        "ancestors": [shapes.status(world, p, home) for p in world.ancestors(post)],
        "descendants": [shapes.status(world, p, home) for p in world.replies(post)],
    }


async def status(request: Request) -> Response:
    """Answers GET /api/v1/statuses/:id."""
    return _single(lambda seat, post, home: shapes.status(seat.world, post, home))(request)


async def context(request: Request) -> Response:
    """Answers GET /api/v1/statuses/:id/context."""
    return _single(_context)(request)


async def edits(request: Request) -> Response:
    """Answers GET /api/v1/statuses/:id/history."""
    return _single(lambda seat, post, home: shapes.history(seat.world, post, home))(request)


async def source(request: Request) -> Response:
    """Answers GET /api/v1/statuses/:id/source."""
    return _single(
        lambda _, post, __: {"id": post.id, "text": post.text, "spoiler_text": post.spoiler}
    )(request)


async def of_account(request: Request) -> Response:
    """Answers GET /api/v1/accounts/:id/statuses."""
    world = seat_of(request).look()
    asked = request.query_params
    alone = asked.get("exclude_replies") in {"true", "1"}
    found = [
        post
        for post in world.standing("social")
        if shapes.account_id(post.author) == request.path_params["id"]
        and not (alone and post.reply_to)
    ]
    page, home = page_of(found, request, number(asked.get("limit"), 20, 40)), home_of(request)
    return JSONResponse(
        [shapes.status(world, post, home) for post in page], headers=links(request, page)
    )


async def credentials(request: Request) -> Response:
    """Answers GET /api/v1/accounts/verify_credentials."""
    person = who(request)
    return JSONResponse(shapes.account(person, home_of(request)) if person else {})


async def instance_v1(request: Request) -> Response:
    """Answers GET /api/v1/instance."""
    return JSONResponse(shapes.instance(home_of(request), version=1))


async def instance_v2(request: Request) -> Response:
    """Answers GET /api/v2/instance."""
    return JSONResponse(shapes.instance(home_of(request), version=2))


ROUTES = [
    Route("/api/v1/timelines/tag/{tag}", hashtag),
    Route("/api/v2/search", search),
    Route("/api/v1/notifications", notifications),
    Route("/api/v1/statuses/{id}", status),
    Route("/api/v1/statuses/{id}/context", context),
    Route("/api/v1/statuses/{id}/history", edits),
    Route("/api/v1/statuses/{id}/source", source),
    Route("/api/v1/accounts/verify_credentials", credentials),
    Route("/api/v1/accounts/{id}/statuses", of_account),
    Route("/api/v1/instance", instance_v1),
    Route("/api/v2/instance", instance_v2),
]
