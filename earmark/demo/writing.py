"""The part of Mastodon's API that writes: post, edit, delete."""

from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from earmark.demo import shapes
from earmark.demo.counting import status_length
from earmark.demo.seat import home_of, seat_of, who
from earmark.demo.world import Post

_VISIBILITIES = ("public", "unlisted", "private", "direct")


async def fields_of(request: Request) -> dict[str, Any]:
    """Gives what a request carries, as a form or as JSON.

    Raises:
        HTTPException: 400 if it is neither.
    """
    body = await request.body()
    try:
        if "json" in request.headers.get("content-type", ""):
            found = await request.json()
        else:
            found = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
    except ValueError as error:
        raise HTTPException(400, "The body cannot be read") from error
    if not isinstance(found, dict):
        raise HTTPException(400, "The body cannot be read")
    return found


def _checked_text(fields: dict[str, Any]) -> str:
    text = str(fields.get("status") or "").strip()
    if not text:
        raise HTTPException(422, "Validation failed: Text can't be blank")
    if status_length(text, str(fields.get("spoiler_text") or "")) > shapes.MAX_CHARACTERS:
        limit = shapes.MAX_CHARACTERS
        raise HTTPException(422, f"Validation failed: Text character limit of {limit} exceeded")
    return text


async def post(request: Request) -> Response:
    """Answers POST /api/v1/statuses; the same Idempotency-Key within an hour posts once."""
    seat, home = seat_of(request), home_of(request)
    fields = await fields_of(request)
    person = who(request)
    world = seat.look()
    author = person.handle if person else ""
    key = request.headers.get("idempotency-key", "")
    if key and (earlier := world.posted_with(f"{author} {key}")) is not None:
        return JSONResponse(shapes.status(world, earlier, home))
    text = _checked_text(fields)
    visibility = str(fields.get("visibility") or "public")
    if visibility not in _VISIBILITIES or fields.get("scheduled_at"):
        raise HTTPException(422, "Validation failed: not possible on the demo platform")
    answered = str(fields.get("in_reply_to_id") or "")
    parent = world.get(answered)
    if answered and (parent is None or parent.place != "social"):
        raise HTTPException(404, "The post you are trying to reply to does not appear to exist.")
    made = world.add(
        "social", author, text, reply_to=answered, visibility=visibility,
        kind="answer" if parent else "", spoiler=str(fields.get("spoiler_text") or ""),
        lang=str(fields.get("language") or (parent.lang if parent else "en")),
    )  # fmt: skip
    if key:
        world.remember_key(f"{author} {key}", made)
    seat.people.after_post(world, made)
    seat.keep()
    return JSONResponse(shapes.status(world, made, home))


def _own(request: Request) -> Post:
    person = who(request)
    found = seat_of(request).look().get(request.path_params["id"])
    if found is None or person is None or found.author != person.handle:
        raise HTTPException(404, "Record not found")
    return found


async def edit(request: Request) -> Response:
    """Answers PUT /api/v1/statuses/:id for a post of one's own."""
    seat, fields = seat_of(request), await fields_of(request)
    mine = _own(request)
    seat.world.edit(mine, _checked_text(fields))
    seat.keep()
    return JSONResponse(shapes.status(seat.world, mine, home_of(request)))


async def delete(request: Request) -> Response:
    """Answers DELETE /api/v1/statuses/:id with the post and its source text."""
    seat = seat_of(request)
    mine = _own(request)
    shown = shapes.status(seat.world, mine, home_of(request))
    del shown["content"]
    seat.world.remove(mine)
    seat.keep()
    return JSONResponse({**shown, "text": mine.text})


ROUTES = [
    Route("/api/v1/statuses", post, methods=["POST"]),
    Route("/api/v1/statuses/{id}", edit, methods=["PUT"]),
    Route("/api/v1/statuses/{id}", delete, methods=["DELETE"]),
]
