"""The hidden levers of the fake platform, for tests: only loopback clients may pull them."""

from collections import Counter
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from earmark.demo.faults import FORMS, KINDS, Fault, Faults
from earmark.demo.seat import seat_of
from earmark.demo.shapes import stamp, uri_of
from earmark.demo.world import Post

_PLACES = ("social", "news", "blog", "reviews", "hn")
_FAULT: TypeAdapter[Fault] = TypeAdapter(Fault)


class NewPost(BaseModel):
    """A post to be added by a test; `at` may lie in the past, it then arrives late."""

    model_config = ConfigDict(extra="forbid")
    text: str = ""
    author: str = "mila_vorn"
    place: str = Field(default="social", pattern="|".join(_PLACES))
    title: str = ""
    lang: str = "en"
    rating: int | None = Field(default=None, ge=1, le=5)
    reply_to: str = ""
    visibility: str = "public"
    kind: str = ""
    at: AwareDatetime | None = None
    count: int = Field(default=1, ge=1, le=2_000)


def _guarded(request: Request) -> None:
    host = request.client.host if request.client else "127.0.0.1"
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host in {"testclient", "localhost"}
    if not is_here:
        raise HTTPException(403, "Only for clients on this machine")


async def _fields(request: Request) -> dict[str, Any]:
    _guarded(request)
    if "json" not in request.headers.get("content-type", ""):
        raise HTTPException(415, "Send application/json")
    try:
        found = await request.json()
    except ValueError as error:
        raise HTTPException(400, "The body cannot be read") from error
    if not isinstance(found, dict):
        raise HTTPException(400, "The body cannot be read")
    return found


def _faults(request: Request) -> Faults:
    faults: Faults = request.app.state.faults
    return faults


def _wrong(error: ValidationError) -> HTTPException:
    first = error.errors()[0]
    return HTTPException(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


async def order_fault(request: Request) -> Response:
    """Answers POST /_demo/faults; an empty `path` with `times` 0 forgets all that are waiting."""
    fields = await _fields(request)
    faults = _faults(request)
    if fields.get("times") == 0:
        faults.waiting.clear()
        return JSONResponse({"waiting": 0})
    try:
        fault = _FAULT.validate_python(fields)
    except ValidationError as error:
        raise _wrong(error) from error
    if fault.form not in FORMS:
        raise HTTPException(422, f"form: one of {', '.join(FORMS)}")
    faults.waiting.append(fault)
    return JSONResponse({"waiting": len(faults.waiting), "kinds": KINDS})


async def add_posts(request: Request) -> Response:
    """Answers POST /_demo/posts; with `count` it adds many, `{i}` in the text is the number."""
    try:
        wanted = NewPost.model_validate(await _fields(request))
    except ValidationError as error:
        raise _wrong(error) from error
    seat = seat_of(request)
    world = seat.look()
    more = wanted.model_dump(include={"title", "lang", "rating", "reply_to", "visibility", "kind"})
    made = [
        world.add(
            wanted.place, wanted.author, wanted.text.replace("{i}", str(i)), at=wanted.at, **more
        )
        for i in range(wanted.count)
    ]
    seat.keep()
    return JSONResponse({"ids": [post.id for post in made], "uris": [uri_of(p) for p in made]})


async def _named(request: Request) -> tuple[Post, dict[str, Any]]:
    fields = await _fields(request)
    post = seat_of(request).look().get(str(fields.get("id", "")))
    if post is None:
        raise HTTPException(404, "Record not found")
    return post, fields


async def edit_post(request: Request) -> Response:
    """Answers POST /_demo/edit {id, text, title?}."""
    post, fields = await _named(request)
    title = fields.get("title")
    seat_of(request).world.edit(
        post, str(fields.get("text", "")), None if title is None else str(title)
    )
    seat_of(request).keep()
    return JSONResponse({"id": post.id})


async def delete_post(request: Request) -> Response:
    """Answers POST /_demo/delete {id}."""
    post, _ = await _named(request)
    seat_of(request).world.remove(post)
    seat_of(request).keep()
    return JSONResponse({"id": post.id})


async def state(request: Request) -> Response:
    """Answers GET /_demo/state: counts, and what was written by the brand."""
    _guarded(request)
    world = seat_of(request).look()
    standing = [post for post in world.posts.values() if not post.is_gone]
    ours = [p for p in standing if p.author == world.script.brand.handle and p.reply_to]

    def when(moment: datetime | None) -> str | None:
        return stamp(moment) if moment else None

    return JSONResponse(
        {
            "now": stamp(world.now), "awake_since": when(world.awake_since),
            "posts": len(standing), "gone": len(world.posts) - len(standing),
            "places": dict(Counter(post.place for post in standing)),
            "kinds": dict(Counter(post.kind for post in standing)),
            "notices": len(world.notices), "planned": len(world.planned),
            "answers": [{"id": p.id, "to": p.reply_to, "text": p.text} for p in ours],
            "requests": _faults(request).requests, "faults": len(_faults(request).waiting),
        }
    )  # fmt: skip


ROUTES = [
    Route("/_demo/faults", order_fault, methods=["POST"]),
    Route("/_demo/posts", add_posts, methods=["POST"]),
    Route("/_demo/edit", edit_post, methods=["POST"]),
    Route("/_demo/delete", delete_post, methods=["POST"]),
    Route("/_demo/state", state),
]
